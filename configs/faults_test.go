package configs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLoad_Faults reads each file of testdata/faults and compares what is said about
// it: one line a fault, then one line a warning. A file whose first line is `# online`
// is the daemon's, `# backfill` is backfill's, `# frames` is frame-forwarder's, one with `# strict` is read with
// --strict-config; further words there are arguments.
func TestLoad_Faults(t *testing.T) {
	t.Chdir("testdata/faults")
	files, err := filepath.Glob("*.yml")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(file, ".yml"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			head, _, _ := strings.Cut(string(data), "\n")
			p, args := Offline, []string{"-c", file}
			if strings.HasPrefix(head, "# online") {
				p = Online
			}
			if strings.HasPrefix(head, "# backfill") {
				p = Backfiller
			}
			if words, is := strings.CutPrefix(head, "# frames"); is {
				p, args = Frames, append(args, strings.Fields(words)...)
			}
			if strings.HasPrefix(head, "# strict") {
				args = append(args, "--strict-config")
			}
			golden(t, strings.TrimSuffix(file, ".yml")+".want", said(readAll(p, parsed(t, p, args...), nil, noSuchSource)))
		})
	}
}

// noSuchSource stands for what knows the sources.
func noSuchSource(s Stream) error {
	if s.Source == "zmqpul_single" {
		return errors.New(`"zmqpul_single" is no source; did you mean zmqpull_single?`)
	}
	return nil
}

// said is everything Load has to say.
func said(loaded *Loaded, err error) string {
	var b strings.Builder
	if err != nil {
		for line := range strings.Lines(err.Error()) {
			b.WriteString("error: " + strings.TrimSuffix(line, "\n") + "\n")
		}
		return b.String()
	}
	for _, w := range loaded.Warnings {
		b.WriteString("warning: " + w + "\n")
	}
	return b.String() + "loaded\n"
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestLoad_FaultsOfAllLayersTogether(t *testing.T) {
	_, err := load(t, Offline, "ingestion: {max_offline_ingestors: 0}\n",
		[]string{"--scicat.retry-delay", "1h"}, []string{"INGESTOR_INGESTION_MAX_ATTEMPTS=many", "INGESTOR_BACKFILL_JOBS=[x]"})
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v", err)
	}
	got := strings.Join(strings.Split(err.Error(), "\n"), "\n")
	for _, want := range []string{
		`:1: ingestion.max_offline_ingestors: "0" is not between 1 and 10000`,
		`INGESTOR_INGESTION_MAX_ATTEMPTS: ingestion.max_attempts: "many" is not a whole number`,
		`scicat.host: is needed, but not given`,
		`scicat.retry_max_delay: "30s" is less than scicat.retry_delay, 1h`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if len(e.Problems) != 4 {
		t.Errorf("%d problems", len(e.Problems))
	}
}

func TestLoad_UnreadableFileIsOneLine(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct{ path, want string }{
		"absent":   {filepath.Join(dir, "none.yml"), "none.yml: cannot read the configuration file: no such file or directory"},
		"a folder": {dir, "cannot read the configuration file: is a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load(Offline, parsed(t, Offline, "-c", c.path), nil)
			var e *Error
			if !errors.As(err, &e) || len(e.Problems) != 1 || !strings.HasSuffix(err.Error(), c.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestLoad_NeverShowsASecret(t *testing.T) {
	const word = "hunter2"
	for name, c := range map[string]struct {
		file string
		args []string
		env  []string
	}{
		"a list as token":            {file: "scicat: {host: 'http://h', token: [hunter2]}"},
		"a header that is a list":    {file: "scicat: {host: 'http://h', additional_headers: {X: [hunter2]}}"},
		"headers that are a text":    {file: "scicat: {host: 'http://h', additional_headers: hunter2}"},
		"headers in environment":     {file: host, env: []string{"INGESTOR_SCICAT_ADDITIONAL_HEADERS=hunter2"}},
		"a token with a line end":    {file: "scicat: {host: 'http://h', token: \"hun\\nhunter2\"}"},
		"a password that is a list":  {file: "scicat: {host: 'http://h', username: u, password: [hunter2]}"},
		"a password with a line end": {file: "scicat: {host: 'http://h', username: u, password: \"hun\\nhunter2\"}"},
		"clusters in environment":    {file: host, env: []string{`INGESTOR_SOURCES_KAFKA=[{"sasl_password":"hunter2","x":1}]`}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, Offline, c.file, c.args, c.env)
			if err == nil || strings.Contains(err.Error(), word) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestLoad_NamesNearEnvironmentVariableAndLeavesOthers(t *testing.T) {
	loaded := must(t, Offline, host, nil, []string{"INGESTOR_SCICAT_TOKN=x", "INGESTOR_SHARED=/y", "INGESTOR_RESULT_FD=3"})
	if len(loaded.Warnings) != 1 || loaded.Warnings[0] != "INGESTOR_SCICAT_TOKN: unknown environment variable; did you mean INGESTOR_SCICAT_TOKEN?" {
		t.Errorf("got %q", loaded.Warnings)
	}
}
