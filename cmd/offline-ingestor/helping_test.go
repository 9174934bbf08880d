package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ingestor/internal/nexus/nexustest"
	"ingestor/scicat/scicattest"
)

// helping is a run of a helping command.
type helping struct {
	name    string
	prepare func(*bench)
	args    []string
	exit    int
}

func (h helping) test(t *testing.T) {
	t.Helper()
	t.Run(h.name, func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		if h.prepare != nil {
			h.prepare(b)
		}
		run := b.command(h.args...)
		before := b.tree()
		e := b.end(run)
		b.golden("helping/"+strings.ReplaceAll(strings.ReplaceAll(h.name, ",", ""), " ", "_"), e)
		if e.exit != h.exit {
			t.Errorf("exit %d, want %d\n%s%s", e.exit, h.exit, e.stdout, e.stderr)
		}
		b.wantStored(0, 0)
		for _, r := range b.server.Requests() {
			if r.Method != "GET" {
				t.Errorf("asked %s %s", r.Method, r.Target)
			}
		}
		if after := b.tree(); after != before {
			t.Errorf("files before: %s\nafter: %s", before, after)
		}
	})
}

func TestCheckConfig_Golden(t *testing.T) {
	faulty := func(b *bench) {
		b.config = `scicat:
  host: scicat.example.org
  tokn: x
  timeout: soon
  token: [` + secret + `]
  ca_file: ca.pem
ingestion:
  schemas_directory: none
  fallback_schema_file_path: none.imsc.yml
  max_offline_ingestors: 0
  offline_ingestor_executable: [/no/such/program]
  file_handling:
    file_path_type: relativ
kafka:
  topics: [a]
  sasl_password_file: /no/such/password
kafak: {}
`
	}
	for _, h := range []helping{
		{name: "config ok", args: []string{"check", "config", "config.yml"}},
		{name: "config with every kind of fault", prepare: faulty, args: []string{"check", "config", "config.yml"}, exit: 78},
		{name: "config unknown keys are errors", prepare: func(b *bench) { b.configure("max_retries", "max_retrys") }, args: []string{"check", "config", "config.yml"}, exit: 78},
		{name: "config points to faulty schemas", prepare: func(b *bench) {
			b.write("schemas/a.imsc.yml", b.schema("value_type: date", "valuetype: date"))
			b.write("schemas/b.imsc.yml", []byte("id: b\n"))
			b.write("ca.pem", []byte("no certificate"))
			b.configure("scicat:", "scicat:\n  ca_file: ca.pem")
		}, args: []string{"check", "config", "config.yml"}, exit: 78},
		{name: "config warnings only", prepare: func(b *bench) {
			b.configure("  token: @TOKEN@\n", "  verify: false\n")
			b.configure("file_handling:\n", "file_handling:\n    data_directory: /no/such/data\n")
			b.configure("ingestion:\n", "ingestion:\n  offline_ingestor_executable: no-such-ingestor\n")
		}, args: []string{"check", "config", "config.yml"}},
		{name: "config is not YAML", prepare: func(b *bench) { b.config = "scicat: [\n" }, args: []string{"check", "config", "config.yml"}, exit: 78},
		{name: "config missing", args: []string{"check", "config", "none.yml"}, exit: 78},
		{name: "config not named", args: []string{"check", "config"}, exit: 2},
		{name: "check without a command", args: []string{"check"}, exit: 2},
		{name: "check with an unknown word", args: []string{"check", "confg", "config.yml"}, exit: 2},
		{name: "check with an unknown flag", args: []string{"check", "config", "--jsn", "config.yml"}, exit: 2},
	} {
		h.test(t)
	}
}

func TestCheckSchema_Golden(t *testing.T) {
	for _, h := range []helping{
		{name: "schema ok", args: []string{"check", "schema", "schemas", "schemas/run.imsc.yml"}},
		{name: "schema with faults", prepare: func(b *bench) {
			b.write("schemas/run.imsc.yml", []byte(strings.NewReplacer("value_type: date", "valuetype: date",
				"proposals/<proposal>", "proposals/<propsal>", "value: <title>", "value: <tile>", "machine_name: owner,", "machine_name: owned,",
			).Replace(string(b.schema("", "")))))
		}, args: []string{"check", "schema", "schemas/run.imsc.yml"}, exit: 65},
		{name: "schemas in each others way", prepare: func(b *bench) {
			other := func(file, id, order, selector string) {
				text := strings.NewReplacer("id: test-run", "id: "+id, "name: Test run", "name: "+id, "order: 1", "order: "+order, "filename:contains:run", selector)
				b.write("schemas/"+file, []byte(text.Replace(string(b.schema("", "")))))
			}
			other("b.imsc.yml", "test-run", "9", "filename:contains:b")
			other("c.imsc.yml", "c", "2", "filename:ends_with:.c")
			other("d.imsc.yml", "d", "2", "filename:starts_with:/d")
			other("e.imsc.yml", "e", "3", "*")
			other("f.imsc.yml", "f", "4", "filename:contains:f")
			other("g.yml", "g", "4", "filename:contains:g")
		}, args: []string{"check", "schema", "schemas"}},
		{name: "schema folder empty", prepare: func(b *bench) {
			if err := os.Mkdir(b.path("empty"), 0o755); err != nil {
				b.t.Fatal(err)
			}
		}, args: []string{"check", "schema", "empty"}},
		{name: "schema missing", args: []string{"check", "schema", "none.imsc.yml"}, exit: 65},
	} {
		h.test(t)
	}
}

func TestExplain_Golden(t *testing.T) {
	explain := []string{"explain", "-c", "config.yml", "raw/run.hdf"}
	two := func(b *bench) {
		b.write("schemas/other.imsc.yml", []byte(strings.NewReplacer("id: test-run", "id: other", "order: 1", "order: 2", "filename:contains:run", "*").Replace(string(b.schema("", "")))))
		b.write("schemas/first.imsc.yml", []byte(strings.NewReplacer("id: test-run", "id: first", "order: 1", "order: 0", "filename:contains:run", "filename:ends_with:.nxs").Replace(string(b.schema("", "")))))
	}
	for _, h := range []helping{
		{name: "explain registered", prepare: two, args: explain},
		{name: "explain failures and drops", prepare: func(b *bench) {
			b.write("schemas/run.imsc.yml", []byte(strings.NewReplacer("/entry/title", "/entry/titel", "machine_name: creationLocation,", "machine_name: location,",
				"/entry/sample/temperature,", "/entry/sample/name,").Replace(string(b.schema("", "")))))
		}, args: explain, exit: 65},
		{name: "explain without the catalogue", prepare: func(b *bench) { b.configure("@HOST@", "http://127.0.0.1:1/api/v3") }, args: explain, exit: 69},
		{name: "explain without a configuration", args: []string{"explain", "raw/run.hdf"}, exit: 69},
		{name: "explain without the catalogue and need", prepare: func(b *bench) {
			b.write("schemas/run.imsc.yml", []byte(strings.ReplaceAll(string(b.schema("", "")), "value: <pi>", "value: Ada")))
			b.configure("@HOST@", "http://127.0.0.1:1/api/v3")
		}, args: explain},
		{name: "explain no schema", prepare: func(b *bench) {
			b.write("schemas/run.imsc.yml", b.schema("filename:contains:run", "filename:contains:other"))
		}, args: explain, exit: 65},
		{name: "explain fallback", prepare: func(b *bench) {
			b.write("schemas/run.imsc.yml", b.schema("filename:contains:run", "filename:contains:other"))
			b.configure("ingestion:\n", "ingestion:\n  fallback_schema_file_path: ess-fallback\n")
		}, args: explain, exit: 65},
		{name: "explain a faulty schema", prepare: func(b *bench) { b.write("schemas/run.imsc.yml", b.schema("value_type: date", "valuetype: date")) }, args: explain, exit: 65},
		{name: "explain a missing file", args: []string{"explain", "-c", "config.yml", "raw/none.hdf"}, exit: 75},
		{name: "explain two files", args: []string{"explain", "-c", "config.yml", "raw/run.hdf", "raw/run.hdf"}, exit: 2},
	} {
		h.test(t)
	}
}

// TestExplain_KnowsWhatIsRegistered: whole, and by half.
func TestExplain_KnowsWhatIsRegistered(t *testing.T) {
	b := newBench(t)
	if e := b.run("-c", "config.yml", "raw/run.hdf"); e.exit != 0 {
		t.Fatal(e.stderr)
	}
	e := b.run("explain", "-c", "config.yml", "--json", "raw/run.hdf")
	var got explained
	if err := json.Unmarshal([]byte(e.stdout), &got); err != nil || e.exit != 0 {
		t.Fatalf("exit %d, %v: %s", e.exit, err, e.stderr)
	}
	if got.Outcome != "exists" || got.PID != testPID || got.Dataset != nil || got.Datablock != nil || len(got.Checks) != 2 {
		t.Errorf("got %s", e.stdout)
	}
	if got.Schema == nil || got.Schema.ID != "test-run" || !got.Schema.Used || len(got.Variables) != 12 || len(got.Fields) != 11 {
		t.Errorf("got %s", e.stdout)
	}
	b.wantStored(1, 1)
}

func TestExplain_KnowsWhatIsRegisteredByHalf(t *testing.T) {
	b := newBench(t)
	if err := b.server.AddFault(scicattest.Fault{Method: "POST", PathPattern: "origdatablocks", Status: 400, Body: "{}"}); err != nil {
		t.Fatal(err)
	}
	if e := b.run("-c", "config.yml", "raw/run.hdf"); e.exit == 0 {
		t.Fatal("registered whole")
	}
	e := b.run("explain", "-c", "config.yml", "raw/run.hdf")
	for _, want := range []string{"but without its file list, which would be added", "dataset " + testPID, "file list (origdatablock) of " + testPID + ": not there: it would be added", "POST origdatablocks"} {
		if !strings.Contains(e.stdout, want) {
			t.Errorf("no %q in %s", want, e.stdout)
		}
	}
	if e.exit != 0 || strings.Contains(e.stdout, "POST datasets") {
		t.Errorf("exit %d: %s", e.exit, e.stdout)
	}
	b.wantStored(1, 0)
}

func TestSchemaList_Golden(t *testing.T) {
	odd := func(b *bench) {
		err := nexustest.Write(b.path("raw/run.hdf"), nexustest.Group{Class: "NXroot", Children: []nexustest.Node{
			nexustest.Group{Name: "entry", Class: "NXentry", Children: []nexustest.Node{
				nexustest.Dataset{Name: "title", Data: "It's: a \"title\"\nin two lines", Attributes: []nexustest.Attribute{{Name: "long_name", Data: "Title"}}},
				nexustest.Dataset{Name: "yes", Data: []int32{1, 2}, Units: "mm"},
				nexustest.Dataset{Name: "now", Data: 1.5, Units: "%"},
				nexustest.Dataset{Name: "a, {b}: c", Data: []string{"x", "y"}},
				nexustest.Dataset{Name: "nothing", Data: nexustest.Null{Of: 1.5}},
				nexustest.Dataset{Name: "blob", Data: nexustest.Opaque("xyz")},
				nexustest.Dataset{Name: "wave", Data: complex(1, 2)},
				nexustest.Dataset{Name: "image", Data: make([]uint16, 2000), Shape: []int{20, 100}, Gzip: 1},
				nexustest.Dataset{Name: "matrix", Data: []float64{1, 2, 3, 4}, Shape: []int{2, 2}},
				nexustest.Dataset{Name: "when", Data: "2026-03-14T09:26:53.589Z"},
				nexustest.Dataset{Name: "who", Data: "ada@site.example"},
				nexustest.SoftLink{Name: "gone", Target: "/entry/none"},
				nexustest.SoftLink{Name: "up", Target: "/entry"},
				nexustest.SoftLink{Name: "same", Target: "/entry/title"},
				nexustest.HardLink{Name: "loop", Target: "/entry"},
				nexustest.ExternalLink{Name: "other", File: "none.hdf", Target: "/x"},
				nexustest.ExternalLink{Name: "self", File: "run.hdf", Target: "/entry"},
				nexustest.Group{Name: "sample", Class: "NXsample", Children: []nexustest.Node{nexustest.Dataset{Name: "title", Data: nexustest.Fixed("Sand")}}},
			}},
		}})
		if err != nil {
			b.t.Fatal(err)
		}
	}
	for _, h := range []helping{
		{name: "list a measurement", args: []string{"schema", "list", "raw/run.hdf"}},
		{name: "list odd things and loops", prepare: odd, args: []string{"schema", "list", "raw/run.hdf"}},
		{name: "list odd things, json", prepare: odd, args: []string{"schema", "list", "--json", "raw/run.hdf"}},
		{name: "list below a path", args: []string{"schema", "list", "raw/run.hdf", "/entry/sample"}},
		{name: "list one dataset", args: []string{"schema", "list", "raw/run.hdf", "--under", "entry/title"}},
		{name: "list below no path", args: []string{"schema", "list", "raw/run.hdf", "/entry/none"}, exit: 65},
		{name: "list two paths", args: []string{"schema", "list", "raw/run.hdf", "/a", "--under", "/b"}, exit: 2},
		{name: "list what is no HDF5", args: []string{"schema", "list", "config.yml"}, exit: 65},
		{name: "list nothing", args: []string{"schema", "list"}, exit: 2},
	} {
		h.test(t)
	}
}

// TestSchemaList_LinesArePasted: they make a schema in which every variable
// has a value.
func TestSchemaList_LinesArePasted(t *testing.T) {
	b := newBench(t)
	e := b.run("schema", "list", "raw/run.hdf")
	head, _, _ := strings.Cut(string(b.schema("", "")), "variables:\n")
	_, items, _ := strings.Cut(string(b.schema("", "")), "schema:\n")
	items = "  all" + strings.Split(items, "\n")[0][5:] + "\n"
	b.write("schemas/run.imsc.yml", []byte(head+"variables:\n"+e.stdout+"schema:\n"+items))
	if e := b.run("check", "schema", "schemas/run.imsc.yml"); e.exit != 0 {
		t.Fatalf("exit %d: %s%s", e.exit, e.stdout, e.stderr)
	}
	var got explained
	e = b.run("explain", "-c", "config.yml", "--json", "raw/run.hdf")
	if err := json.Unmarshal([]byte(e.stdout), &got); err != nil {
		t.Fatalf("%v: %s", err, e.stderr)
	}
	if len(got.Variables) < 30 {
		t.Errorf("only %d variables", len(got.Variables))
	}
	for _, v := range got.Variables {
		if v.Failure != "" {
			t.Errorf("%s: %s", v.Name, v.Failure)
		}
	}
}

// TestWordsThatAreFiles: a word is a command only where it is the first.
func TestWordsThatAreFiles(t *testing.T) {
	content, err := dataFile()
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"-c", "config.yml", "--nexus-file", "run"}, {"-c", "config.yml", "./run"}, {"-c", "config.yml", "--", "check"},
		{"-c", "config.yml", "--nexus-file", "check"}, {"-c", "config.yml", "./explain"}, {"-c", "config.yml", "--nexus-file=convert"},
		{"-c", "config.yml", "raw/run.hdf", "schema"}, {"-c", "config.yml", "chekc"}, {"-c", "config.yml", "Check"},
		{"-c", "config.yml", "--nexus-file", "completion"}, {"-c", "config.yml", "./help"},
	} {
		t.Run(strings.Join(args[2:], " "), func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.write("schemas/run.imsc.yml", b.schema("filename:contains:run", "*"))
			b.write(filepath.Base(strings.TrimPrefix(args[len(args)-1], "--nexus-file=")), content)
			if e := b.run(args...); e.exit != 0 || len(b.server.Datasets()) != 1 {
				t.Errorf("exit %d: %s%s", e.exit, e.stdout, e.stderr)
			}
		})
	}
}

func TestCompletion_EveryShellAndTheCommands(t *testing.T) {
	b := newBench(t)
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if e := b.run("completion", shell); e.exit != 0 || !strings.Contains(e.stdout, "offline-ingestor") || e.stderr != "" {
			t.Errorf("%s: exit %d: %s", shell, e.exit, e.stderr)
		}
	}
	for _, c := range []struct {
		args string
		want []string
		not  string
	}{
		{"|", []string{"check\t", "explain\t", "schema\t", "convert\t", "completion\t"}, "--"},
		{"check |", []string{"config\t", "schema\t"}, "--"},
		{"check config |", []string{"yml\n", "json\n", ":8"}, "--"}, // 8: files with these endings
		{"convert |", []string{"json\n", ":8"}, "yml"},
		{"schema list |", []string{":0"}, "--"}, // 0: files
		{"explain |", []string{":0"}, "--"},
		{"explain|-", []string{"--config-file\t", "--json\t"}, "logging"},
		{"explain -c|", []string{"yml\n", ":8"}, "--"},
	} {
		args, last, _ := strings.Cut(c.args, "|")
		e := b.run(append(append([]string{"__complete"}, strings.Fields(args)...), last)...)
		for _, want := range c.want {
			if !strings.Contains(e.stdout, want) {
				t.Errorf("%s: no %q in %s", c.args, want, e.stdout)
			}
		}
		if strings.Contains(e.stdout, c.not) {
			t.Errorf("%s: %q in %s", c.args, c.not, e.stdout)
		}
	}
}

func TestHelpingCommands_HaveHelpWithExitStatus(t *testing.T) {
	b := newBench(t)
	for _, command := range []string{"check config", "check schema", "explain", "schema list", "convert"} {
		e := b.run(append(strings.Fields(command), "--help")...)
		lines := strings.Count(e.stdout, "\n")
		if e.exit != 0 || !strings.Contains(e.stdout, "Exit status: 0 ") || !strings.Contains(e.stdout, command+" ") || lines > 40 {
			t.Errorf("%s: exit %d, %d lines:\n%s%s", command, e.exit, lines, e.stdout, e.stderr)
		}
	}
	if e := b.run("--help"); !strings.Contains(e.stdout, "Available Commands") {
		t.Errorf("got %s", e.stdout)
	}
}
