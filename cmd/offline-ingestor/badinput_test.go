package main

import (
	"math"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"ingestor/internal/nexus/nexustest"
	"ingestor/scicat/scicattest"
)

// nobody is the account that may do little.
const nobody = 65534

// badInput is a run that must fail, or warn, in one clear line.
type badInput struct {
	name    string
	prepare func(*bench)
	args    []string // after -c config.yml; nil: raw/run.hdf
	exit    int
	posted  int  // datasets in the catalogue at the end
	files   bool // the checksum file may stand
	asRoot  bool // can only be set up by root
	lines   int  // that say what is wrong, each of another problem; 0: one
}

func badInputs() []badInput {
	refuse := func(method, path string, status int, body string) func(*bench) {
		return func(b *bench) {
			if err := b.server.AddFault(scicattest.Fault{Method: method, PathPattern: path, Status: status, Body: body}); err != nil {
				b.t.Fatal(err)
			}
		}
	}
	chmod := func(name string, mode os.FileMode) func(*bench) {
		return func(b *bench) {
			if os.Geteuid() == 0 {
				b.uid = nobody
			}
			b.locked = true
			b.write("config.yml", nil) // while files can be made
			if err := os.Chmod(b.path(name), mode); err != nil {
				b.t.Fatal(err)
			}
			b.t.Cleanup(func() {
				if err := os.Chmod(b.path(name), 0o755); err != nil {
					b.t.Error(err)
				}
			})
		}
	}
	schema := func(old, with string) func(*bench) {
		return func(b *bench) { b.write("schemas/run.imsc.yml", b.schema(old, with)) }
	}
	configure := func(old, with string) func(*bench) {
		return func(b *bench) { b.configure(old, with) }
	}
	return []badInput{
		// The data file.
		{name: "file missing", args: []string{"raw/run_2.hdf"}, exit: 75},
		{name: "file missing, absolute", args: []string{"/no/such/run.hdf"}, exit: 75},
		{name: "file is a directory", args: []string{"raw"}, exit: 65},
		{name: "file is a pipe", prepare: func(b *bench) {
			if err := syscall.Mkfifo(b.path("raw/run.pipe"), 0o644); err != nil {
				b.t.Fatal(err)
			}
		}, args: []string{"raw/run.pipe"}, exit: 65},
		{name: "file is empty", prepare: func(b *bench) { b.write("raw/run.hdf", nil) }, exit: 65},
		{name: "file is not HDF5", prepare: func(b *bench) { b.write("raw/run.hdf", []byte(strings.Repeat("not HDF5\n", 1000))) }, exit: 65},
		{name: "file is truncated", prepare: func(b *bench) {
			if err := os.Truncate(b.path("raw/run.hdf"), 4000); err != nil {
				b.t.Fatal(err)
			}
		}, exit: 65},
		{name: "file is unreadable", prepare: chmod("raw/run.hdf", 0o000), exit: 65},
		{name: "file is in a closed folder", prepare: chmod("raw", 0o000), exit: 65},
		{name: "file lacks a mandatory value", prepare: func(b *bench) {
			if err := nexustest.Write(b.path("raw/run.hdf"), nexustest.Group{Children: []nexustest.Node{
				nexustest.Group{Name: "entry", Class: "NXentry"}}}); err != nil {
				b.t.Fatal(err)
			}
		}, exit: 65},
		// Schemas.
		{name: "no schema selects the file", prepare: schema("filename:contains:run", "filename:contains:other"), exit: 65},
		{name: "schema fault", prepare: schema("value_type: date", "valuetype: date"), exit: 65},
		{name: "schema can not be parsed", prepare: schema("variables:", "variables: ]["), exit: 78},
		{name: "schema without id", prepare: schema("id: test-run\n", ""), exit: 78},
		{name: "schema directory missing", prepare: configure("schemas_directory: schemas", "schemas_directory: /no/such/folder"), exit: 78},
		{name: "schema directory empty", prepare: func(b *bench) {
			if err := os.Remove(b.path("schemas/run.imsc.yml")); err != nil {
				b.t.Fatal(err)
			}
		}, exit: 78},
		{name: "fallback schema missing", prepare: configure("schemas_directory: schemas", "schemas_directory: schemas\n  fallback_schema_file_path: none.imsc.yml"), exit: 78},
		{name: "mandatory field not in the schema", prepare: func(b *bench) {
			text := regexp.MustCompile(`(?m)^  (owner|contact): .*\n`).ReplaceAll(b.schema("", ""), nil)
			b.write("schemas/run.imsc.yml", text)
		}, exit: 65},
		// The catalogue.
		{name: "catalogue unreachable", prepare: configure("@HOST@", "http://127.0.0.1:1/api/v3"), exit: 69},
		{name: "catalogue speaks no TLS", prepare: func(b *bench) {
			b.configure("@HOST@", "https://"+strings.TrimPrefix(b.server.BaseURL(), "http://"))
		}, exit: 69},
		{name: "catalogue answers 503", prepare: refuse("", "", 503, "<html><title>Service Unavailable</title></html>"), exit: 69},
		{name: "catalogue takes no dataset", prepare: refuse("POST", "datasets", 500, `"Internal server error"`), exit: 69, files: true},
		{name: "catalogue refuses a field", prepare: schema("owner@site.example", "nobody"), exit: 65, files: true},
		{name: "catalogue refuses two fields", prepare: func(b *bench) {
			b.write("schemas/run.imsc.yml", regexp.MustCompile(`contact@site.example|/ess/data`).ReplaceAll(b.schema("", ""), []byte("''")))
		}, exit: 65, files: true},
		{name: "host is not the API", prepare: func(b *bench) { b.configure("@HOST@", b.server.URL()+"/api/v9") }, exit: 65},
		{name: "token rejected", prepare: func(b *bench) { b.token = secret }, exit: 77},
		{name: "token missing", prepare: configure("  token: @TOKEN@\n", ""), exit: 77},
		{name: "account may not register", prepare: func(b *bench) { b.token = b.server.Token("visitor") }, exit: 77, files: true},
		// The configuration and the command line.
		{name: "configuration missing", args: []string{"-c", "none.yml", "raw/run.hdf"}, exit: 78},
		{name: "configuration is not YAML", prepare: func(b *bench) { b.config = "scicat: [\n" }, exit: 78},
		{name: "no configuration", args: []string{"--json"}, exit: 2},
		{name: "unknown key", prepare: configure("max_retries: 1", "max_retries: 1\n  tokn: "+secret), exit: 0, posted: 1, files: true},
		{name: "unknown key, strict", prepare: configure("max_retries: 1", "max_retries: 1\n  tokn: "+secret), args: []string{"--strict-config", "raw/run.hdf"}, exit: 78},
		{name: "wrong type", prepare: configure("max_retries: 1", "max_retries: many"), exit: 78},
		{name: "wrong types of a secret and a section", prepare: configure("  token: @TOKEN@", "  token: ["+secret+"]\n  timeout: {}"), exit: 78, lines: 2},
		{name: "host missing", prepare: configure("  host: @HOST@\n", ""), exit: 78},
		{name: "token file missing", prepare: configure("token: @TOKEN@", "token_file: /no/such/token"), exit: 78},
		{name: "unknown flag", args: []string{"--ingestion.dry-ran", "raw/run.hdf"}, exit: 2},
		{name: "flag of a wrong type", args: []string{"--scicat.timeout=soon", "raw/run.hdf"}, exit: 2},
		{name: "no file named", args: []string{}, exit: 2},
		{name: "message file for several files", args: []string{"--done-writing-message-file", "m.json", "raw/run.hdf", "raw/run.hdf"}, exit: 2},
		// Folders.
		{name: "ingestor directory unwritable", prepare: func(b *bench) {
			if err := os.Mkdir(b.path("ingestor"), 0o555); err != nil {
				b.t.Fatal(err)
			}
			chmod("ingestor", 0o555)(b)
		}, exit: 77},
		{name: "ingestor directory can not be made", prepare: chmod(".", 0o555), exit: 77},
		{name: "ingestor directory is a file", prepare: func(b *bench) { b.write("ingestor", []byte("x")) }, exit: 65},
		{name: "disk full", asRoot: true, prepare: func(b *bench) {
			if err := os.Mkdir(b.path("ingestor"), 0o755); err != nil {
				b.t.Fatal(err)
			}
			if err := syscall.Mount("tmpfs", b.path("ingestor"), "tmpfs", 0, "size=4k"); err != nil {
				b.t.Skip("no small file system can be mounted here: ", err)
			}
			b.t.Cleanup(func() {
				if err := syscall.Unmount(b.path("ingestor"), 0); err != nil {
					b.t.Error(err)
				}
			})
			b.write("ingestor/filler", make([]byte, 4096))
		}, exit: 69},
		// Values.
		{name: "value is NaN", prepare: func(b *bench) {
			run := nexustest.Run(nexustest.RunInfo{JobID: testJob, Temperature: []float64{math.NaN()}})
			if err := nexustest.Write(b.path("raw/run.hdf"), run); err != nil {
				b.t.Fatal(err)
			}
		}, exit: 0, posted: 1, files: true},
	}
}

// TestGoldenBadInput: each bad input gives one line that a beamline operator
// understands, the right exit status, and leaves nothing half done.
func TestGoldenBadInput(t *testing.T) {
	for _, c := range badInputs() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.asRoot && os.Geteuid() != 0 {
				t.Skip("only root can set this up")
			}
			b := newBench(t)
			if c.prepare != nil {
				c.prepare(b)
			}
			args := []string{"-c", "config.yml", "raw/run.hdf"}
			switch {
			case len(c.args) > 0 && strings.HasPrefix(c.args[0], "-c") || len(c.args) == 1 && c.args[0] == "--json":
				args = c.args
			case c.args != nil:
				args = append([]string{"-c", "config.yml"}, c.args...)
			}
			before := ""
			run := b.command(args...)
			if !b.locked {
				before = b.tree()
			}
			e := b.end(run)
			b.golden("lines/"+strings.ReplaceAll(strings.ReplaceAll(c.name, ",", ""), " ", "_"), e)
			if e.exit != c.exit {
				t.Errorf("exit %d, want %d\n%s", e.exit, c.exit, e.stderr)
			}
			b.wantStored(c.posted, c.posted)
			want := max(c.lines, 1)
			if c.exit == 0 {
				want = 0
			}
			if lines := failureLines(e.stderr); len(lines) != want {
				t.Errorf("%d lines say that it failed:\n%s", len(lines), e.stderr)
			}
			if !b.locked && !c.files {
				if after := b.tree(); after != before {
					t.Errorf("files before: %s\nafter: %s", before, after)
				}
			}
		})
	}
}

// failureLines are those that say what is wrong.
func failureLines(stderr string) []string {
	var out []string
	for line := range strings.Lines(stderr) {
		if strings.Contains(line, " - ERROR - ") || strings.HasPrefix(line, "offline-ingestor: ") {
			out = append(out, line)
		}
	}
	return out
}
