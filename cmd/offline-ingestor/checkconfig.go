package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"

	"ingestor/cmd/internal/program"
	"ingestor/configs"
	"ingestor/internal/fault"
	"ingestor/schemas/metadata"
)

func newCheckConfig(stdout io.Writer) *cobra.Command {
	return program.Command(&cobra.Command{
		Use:   "config FILE",
		Short: "Lists everything that is wrong in a configuration",
		Long: `Lists every fault of a configuration with file, line, key and what to write instead. Keys
that nobody knows are errors here. Also looked at is what the configuration points to: schemas,
the executable, certificates, files with secrets. Variables INGESTOR_… of the environment count
as they do for the programs. What only the daemon needs is an error where kafka.topics or an
entry of sources is given.

Exit status: 0 usable, perhaps with warnings; 78 faults; 2 wrong command line.`,
		Example:           "  " + name + " check config /etc/ingestor/ingestor.yml",
		Args:              exactly("a configuration file"),
		ValidArgsFunction: filesEnding(yamlAndJSON...),
		RunE: func(_ *cobra.Command, args []string) error {
			f, err := checkConfig(args[0], os.Environ())
			if err != nil {
				return err
			}
			if err := f.print(stdout, args[0]); err != nil {
				return err
			}
			return found(f.errors(), fault.BadConfiguration)
		},
	})
}

// configCheck is the check of one configuration.
type configCheck struct {
	findings
	*configs.Inspection
	path string
	// daemon says that the configuration is meant for the daemon too.
	daemon bool
}

func checkConfig(path string, env []string) (findings, error) {
	text, err := configs.ReadFile(path)
	if err != nil {
		return findings{{place: path, text: "can not be read: " + cause(err)}}, nil
	}
	offline, err := configs.Inspect(configs.Offline, path, text, env)
	if err != nil {
		return nil, err
	}
	online, err := configs.Inspect(configs.Online, path, text, env)
	if err != nil {
		return nil, err
	}
	c := &configCheck{Inspection: online, path: path}
	for _, key := range []string{"kafka.topics", "sources.directories", "sources.kafka"} {
		_, given := online.Place(key)
		c.daemon = c.daemon || given
	}
	for _, p := range offline.Problems {
		c.problem(p, false)
	}
	for _, p := range online.Problems {
		if !c.daemon && strings.HasPrefix(p.Key, "kafka.") {
			p.Reason = strings.Replace(p.Reason, "is needed, but not given", "is not given", 1) + "; only online-ingestor needs it"
			if !hasProblem(offline.Problems, p.Place, p.Key) {
				c.problem(p, true)
			}
			continue
		}
		c.problem(p, false)
	}
	for _, p := range append(offline.Warnings, online.Warnings...) {
		if (c.daemon || !strings.HasPrefix(p.Key, "kafka.")) && !c.faulty(p.Key) {
			c.problem(p, true)
		}
	}
	if online.Readable {
		c.pointsTo()
	}
	return c.findings, nil
}

func hasProblem(problems []configs.Problem, place, key string) bool {
	for _, p := range problems {
		if p.Place == place && p.Key == key {
			return true
		}
	}
	return false
}

// faulty says that a key has a fault already, so that what was filled in for it
// says nothing.
func (c *configCheck) faulty(key string) bool {
	for _, p := range c.Problems {
		if p.Key == key && key != "" {
			return true
		}
	}
	return false
}

// problem notes what the configuration's reader says.
func (c *configCheck) problem(p configs.Problem, warning bool) {
	place, line := c.split(p.Place)
	p.Place = ""
	c.add(finding{place: place, line: line, warning: warning, text: p.String()})
}

// split takes the line off a place in the file.
func (c *configCheck) split(place string) (string, int) {
	if rest, ok := strings.CutPrefix(place, c.path+":"); ok {
		if line, err := strconv.Atoi(rest); err == nil {
			return c.path, line
		}
	}
	return place, 0
}

// say notes what is wrong with what a key points to.
func (c *configCheck) say(key string, warning bool, text string) {
	place := c.path
	if given, ok := c.Place(key); ok {
		place = given
	}
	c.sayAt(place, key, warning, text)
}

// sayAt is say for a key that stands at place.
func (c *configCheck) sayAt(place, key string, warning bool, text string) {
	place, line := c.split(place)
	c.add(finding{place: place, line: line, warning: warning, text: key + ": " + text})
}

// pointsTo looks at files, folders and programs that the configuration names.
func (c *configCheck) pointsTo() {
	cfg := c.Config
	c.schemas(cfg.Ingestion)
	c.executable(cfg.Ingestion.OfflineIngestorExecutable)
	if file := cfg.SciCat.CAFile; file != "" {
		if text := certificates(file); text != "" {
			c.say("scicat.ca_file", false, text)
		}
	}
	c.sources(cfg)
	if s := cfg.SciCat; s.Token == "" && s.TokenFile == "" && s.Username == "" && !c.faulty("scicat.token") {
		c.say("scicat.token", true, "there is no token, and a catalogue takes nothing without; give scicat.token_file, or scicat.username to log in")
	}
	if len(c.Problems) == 0 && c.errors() == 0 {
		if _, err := program.Catalogue(name, cfg.SciCat, logrus.New()); err != nil {
			c.add(finding{place: c.path, text: err.Error()})
		}
	}
	c.folder("ingestion.file_handling.data_directory", cfg.Ingestion.FileHandling.DataDirectory)
	if l := cfg.Logging; l.FileLog && l.FileLogBaseName != "" {
		c.folder("logging.file_log_base_name", filepath.Dir(l.FileLogBaseName))
	}
}

func (c *configCheck) folder(key, dir string) {
	if dir == "" {
		return
	}
	switch info, err := os.Stat(dir); {
	case err != nil:
		c.say(key, true, "the folder "+absolute(dir)+" is not there now: "+cause(err))
	case !info.IsDir():
		c.say(key, true, absolute(dir)+" is not a folder")
	}
}

func (c *configCheck) schemas(i configs.Ingestion) {
	const key = "ingestion.schemas_directory"
	files, err := metadata.Files(i.SchemasDirectory)
	switch {
	case err != nil:
		c.say(key, false, absolute(i.SchemasDirectory)+": "+cause(err)+"; give the folder with the *.imsc.yml files")
	case len(files) == 0 && i.FallbackSchemaFilePath == "":
		c.say(key, true, absolute(i.SchemasDirectory)+" holds no schema, *.imsc.yml, so every file fails")
	}
	for _, file := range files {
		c.schema(file)
	}
	if i.FallbackSchemaFilePath == "" {
		return
	}
	_, err = metadata.LoadFallback(i.FallbackSchemaFilePath)
	var path *fs.PathError
	switch {
	case errors.As(err, &path):
		c.say("ingestion.fallback_schema_file_path", false, absolute(path.Path)+": "+cause(err)+
			"; give a schema file, or "+metadata.FallbackName+" for the built-in one")
	case err != nil:
		c.say("ingestion.fallback_schema_file_path", false, strings.TrimPrefix(err.Error(), "fallback schema: "))
	}
}

// schema notes the faults that keep a schema from being used; `check schema`
// tells the rest.
func (c *configCheck) schema(file string) {
	_, faults, err := metadata.Inspect(file)
	if err != nil {
		c.add(finding{place: file, text: "can not be read: " + cause(err)})
	}
	for _, f := range faults {
		if !f.Harmless {
			c.add(finding{place: file, line: f.Line, text: f.String()})
		}
	}
}

// executable looks for the program that the daemon starts. By its bare name the
// service may find one that we do not.
func (c *configCheck) executable(argv []string) {
	if len(argv) == 0 {
		return
	}
	const key = "ingestion.offline_ingestor_executable"
	_, given := c.Place(key)
	_, err := exec.LookPath(argv[0])
	if err == nil || !given && !c.daemon {
		return
	}
	bare := !strings.Contains(argv[0], "/")
	text := argv[0] + ": " + cause(err)
	if errors.Is(err, exec.ErrNotFound) {
		text = argv[0] + " is not found along PATH here; give the whole path"
	}
	if e := (*exec.Error)(nil); !bare && errors.As(err, &e) {
		text = argv[0] + ": " + cause(e.Err) + "; give the path of offline-ingestor"
	}
	c.say(key, bare || !c.daemon, text)
}

// absolute is a path for a message; relative ones start at the working directory.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
