package configs

// Inspection is all that can be said of a configuration, also of one that can
// not work.
type Inspection struct {
	// Config is filled as far as that was possible.
	Config Config
	// Problems keep the program from working; Warnings do not. Both are in
	// the order in which they were found.
	Problems, Warnings []Problem
	// Readable says that the text is one of a configuration at all.
	Readable bool

	loader *loader
}

// Inspect reads the text of the configuration file path for p, with the
// variables of env (NAME=value). Unknown keys are problems.
func Inspect(p Program, path string, text []byte, env []string) (*Inspection, error) {
	return inspect(p, path, text, env, nil)
}

// InspectForwarder is Inspect for frame-forwarder; what check says of a stream is a
// problem. What is wrong in sections of other programs is only a warning.
func InspectForwarder(path string, text []byte, env []string, check func(Stream) error) (*Inspection, error) {
	return inspect(Frames, path, text, env, check)
}

func inspect(p Program, path string, text []byte, env []string, check func(Stream) error) (*Inspection, error) {
	i := &Inspection{}
	l, err := newLoader(p, &i.Config)
	if err != nil {
		return nil, err
	}
	l.stream = check
	i.loader = l
	l.path = path
	if i.Readable = l.document(path, text); i.Readable {
		variables := environmentVariables(env)
		l.environment(variables)
		i.Config.ConfigFile = path
		l.secrets(variables)
		l.check()
	}
	l.problems = append(l.problems, l.unknown...)
	if p == Frames {
		l.leaveForeign()
	}
	i.Problems = l.problems
	i.Warnings = l.warnings
	return i, nil
}

// Place is where a key was given, such as "config.yml:12"; the file where it
// was not. The second result says whether it was.
func (i *Inspection) Place(key string) (string, bool) { return i.loader.place(key), i.loader.set(key) }

// ReadFile reads a configuration file, which may be a pipe. A file that is
// larger than any configuration is refused.
func ReadFile(path string) ([]byte, error) { return readAtMost(path, maxFile) }
