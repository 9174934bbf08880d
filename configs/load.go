package configs

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// Loaded is a configuration that can work, and what is remarkable about it.
type Loaded struct {
	Config   Config
	Warnings []string // one line each, for the log
	Path     string   // the file, as given; "" when there was none

	flags []*flagValue // those given, in order of their names
}

// layer says who gave a value; a later one wins.
type layer int

const (
	byDefault layer = iota
	byFile
	byEnvironment
	byFlag
)

// origin is where a key's value came from.
type origin struct {
	layer layer
	place string
}

// loader collects the layers into a Config.
type loader struct {
	program  Program
	config   *Config
	path     string
	maps     int // applied so far, see maxMaps
	keys     map[string]key
	sections map[string]bool
	origins  map[string]origin
	byHand   byHand
	// stream looks at one stream more closely than this package can; nil: not at all.
	stream   func(Stream) error
	problems []Problem
	warnings []Problem
	unknown  []Problem
}

// newLoader fills the defaults.
func newLoader(p Program, c *Config) (*loader, error) {
	l := &loader{
		program: p, config: c,
		keys: make(map[string]key, 128), sections: map[string]bool{}, origins: make(map[string]origin, 128),
	}
	for _, s := range l.config.sections() {
		l.sections[s.name] = true
		for _, k := range s.keys {
			l.keys[k.path] = k
			if err := k.value.set(k.standard); err != nil && k.standard != "" {
				return nil, fmt.Errorf("default of %s: %q %w", k.path, k.standard, err)
			}
		}
	}
	return l, nil
}

// Load reads the configuration for p: the file that the flag -c or INGESTOR_CONFIG_FILE
// names, the variables of env (NAME=value), and the flags of fs, to which BindFlags was
// applied and which is parsed. fs may be nil. The error is an *Error with all faults, or
// a *UsageError when no file is named.
func Load(p Program, fs *pflag.FlagSet, env []string) (*Loaded, error) {
	return readAll(p, fs, env, nil)
}

// LoadForwarder is Load for frame-forwarder. What check says of a stream is a fault
// at the place where the stream was given. Without any ingester the error is a
// *UsageError when there is no file.
func LoadForwarder(fs *pflag.FlagSet, env []string, check func(Stream) error) (*Loaded, error) {
	return readAll(Frames, fs, env, check)
}

func readAll(p Program, fs *pflag.FlagSet, env []string, check func(Stream) error) (*Loaded, error) {
	loaded := &Loaded{}
	l, err := newLoader(p, &loaded.Config)
	if err != nil {
		return nil, err
	}
	l.stream = check
	loaded.flags = givenFlags(fs)
	variables := environmentVariables(env)
	loaded.Path = configFile(loaded.flags, variables)
	l.path = loaded.Path
	switch {
	case loaded.Path != "":
		if !l.file(loaded.Path) {
			return nil, &Error{Problems: l.problems} // what else is missing would say nothing
		}
	case len(p.required()) > 0:
		return nil, &UsageError{Reason: "no configuration file: give one with -c FILE"}
	}
	l.environment(variables)
	l.flags(loaded.flags)
	if p == Frames {
		l.applyByHand(loaded.flags, env)
		if len(l.config.Forwarder.Ingesters) == 0 && loaded.Path == "" && len(l.problems) == 0 {
			return nil, &UsageError{Reason: nothingToRun}
		}
	}
	loaded.Config.ConfigFile = loaded.Path

	if i := &l.config.Ingestion; i.StateDirectory == "" {
		i.StateDirectory = stateDirectory(env)
	}
	l.secrets(variables)
	l.check()
	l.leaveForeign()
	if strict(fs) {
		l.problems = append(l.problems, l.unknown...)
	} else {
		l.warnings = append(l.unknown, l.warnings...)
	}
	if len(l.problems) > 0 {
		if p == Frames && !strict(fs) {
			l.problems = append(l.problems, l.unknown...) // a misspelt key may be why another is missing
		}
		return nil, &Error{Problems: l.problems}
	}
	for _, w := range l.warnings {
		loaded.Warnings = append(loaded.Warnings, w.String())
	}
	return loaded, nil
}

// leaveForeign makes warnings of the faults in sections that the program does not
// use: a slip in one must not stop the others.
func (l *loader) leaveForeign() {
	mine := l.problems[:0:0]
	for _, p := range l.problems {
		if l.program.reads(p.Key) {
			mine = append(mine, p)
		} else {
			l.warnings = append(l.warnings, p)
		}
	}
	l.problems = mine
}

// configFile is the path of the file to read.
func configFile(flags []*flagValue, variables map[string]string) string {
	for _, f := range flags {
		if f.key.path == "config_file" {
			return f.key.value.text()
		}
	}
	return variables[environmentName("config_file")]
}

// given notes that a value was set.
func (l *loader) given(path string, by layer, place string) {
	l.origins[path] = origin{by, place}
}

// fault notes a value that cannot be taken.
func (l *loader) fault(place string, k key, value string, reason error) {
	l.problems = append(l.problems, Problem{
		Place: place, Key: k.path, Value: shown(value, k.value.secret()), Reason: reason.Error(),
	})
}

// environmentVariables are those of ours that are set to something.
func environmentVariables(env []string) map[string]string {
	variables := map[string]string{}
	for _, entry := range env {
		name, value, _ := strings.Cut(entry, "=")
		if value != "" && (strings.HasPrefix(name, "INGESTOR_") || name == credentialsDirectory) {
			variables[name] = value
		}
	}
	return variables
}

func (l *loader) flags(given []*flagValue) {
	for _, f := range given {
		k := l.keys[f.key.path]
		if k.path != f.key.path {
			continue // one of those by hand
		}
		for i, raw := range f.raw {
			put := k.value.add
			if i == 0 {
				put = k.value.set
			}
			if err := put(raw); err != nil {
				l.fault("--"+k.flag(), k, raw, err)
			}
		}
		l.given(k.path, byFlag, "--"+k.flag())
	}
}
