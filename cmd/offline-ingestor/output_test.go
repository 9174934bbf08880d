package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ingestor/internal/nexus/nexustest"
	"ingestor/internal/outcome"
)

func TestGoldenOutput(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(*bench)
		args    []string
		exit    int
		stored  int
	}{
		{name: "registered", args: []string{"raw/run.hdf"}, stored: 1},
		{name: "registered, by flag", args: []string{"--nexus-file", "raw/run.hdf"}, stored: 1},
		{name: "registered, json", args: []string{"--json", "raw/run.hdf"}, stored: 1},
		{name: "twice", args: []string{"raw/run.hdf", "raw/run.hdf"}, stored: 1},
		{name: "dry run", args: []string{"-d", "raw/run.hdf"}},
		{name: "dry run, json", args: []string{"--ingestion.dry-run", "--json", "raw/run.hdf"}},
		{name: "failed, json", args: []string{"--json", "raw/none.hdf"}, exit: 75},
		{name: "the first of three fails", args: []string{"raw/none.hdf", "raw/run.hdf", "raw/run.hdf"}, exit: 75, stored: 1},
		{name: "the catalogue is away for all of three", prepare: func(b *bench) { b.configure("@HOST@", "http://127.0.0.1:1/api/v3") },
			args: []string{"raw/run.hdf", "raw/run.hdf", "raw/run.hdf"}, exit: 69},
		{name: "pid from the catalogue, dry run", prepare: func(b *bench) { b.configure("dataset:", "dataset:\n  allow_dataset_pid: false") },
			args: []string{"-d", "--ingestion.file-handling.compute-file-hash=false", "--ingestion.file-handling.save-file-hash=false", "raw/run.hdf"}},
		{name: "with a message file", prepare: func(b *bench) { b.write("ingestor/run.message.json", []byte("{}")) },
			args: []string{"-d", "--done-writing-message-file", "ingestor/run.message.json", "raw/run.hdf"}},
		{name: "with a message file that is not there", args: []string{"--done-writing-message-file", "ingestor/none.json", "raw/run.hdf"}, stored: 1},
		{name: "errors only", prepare: func(b *bench) { b.config += "logging:\n  logging_level: error\n" }, args: []string{"raw/run.hdf"}, stored: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			if c.prepare != nil {
				c.prepare(b)
			}
			e := b.run(append([]string{"-c", "config.yml"}, c.args...)...)
			b.golden(strings.ReplaceAll(strings.ReplaceAll(c.name, ",", ""), " ", "_"), e)
			if e.exit != c.exit {
				t.Errorf("exit %d, want %d\n%s", e.exit, c.exit, e.stderr)
			}
			b.wantStored(c.stored, c.stored)
		})
	}
}

func TestJSON_EachFileIsOneLineThatParses(t *testing.T) {
	b := newBench(t)
	e := b.run("-c", "config.yml", "--json", "raw/run.hdf", "raw/none.hdf", "raw/run.hdf")
	lines := strings.Split(strings.TrimSuffix(e.stdout, "\n"), "\n")
	want := []outcome.Outcome{outcome.Registered, "", outcome.Existed}
	if len(lines) != len(want) || e.exit != 75 {
		t.Fatalf("exit %d:\n%s", e.exit, e.stdout)
	}
	for i, line := range lines {
		r, err := outcome.Parse([]byte(line))
		if err != nil || r.Outcome != want[i] {
			t.Errorf("line %d: %v, %v; want %q", i+1, r, err, want[i])
		}
	}
}

// TestResultPipe_IsToldBesidesTheOutput: what the daemon reads of its child.
func TestResultPipe_IsToldBesidesTheOutput(t *testing.T) {
	for _, c := range []struct {
		file string
		want outcome.Outcome
		exit int
	}{{"raw/run.hdf", outcome.Registered, 0}, {"raw/none.hdf", "", 75}} {
		b := newBench(t)
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer read.Close()
		run := b.command("-c", "config.yml", "--nexus-file", c.file)
		run.ExtraFiles = []*os.File{write} // is 3 in the child
		run.Env = append(run.Env, outcome.ResultFD+"=3")
		e := b.end(run)
		if err := write.Close(); err != nil {
			t.Fatal(err)
		}
		var r outcome.Record
		if err := json.NewDecoder(read).Decode(&r); err != nil {
			t.Fatal(err)
		}
		if r.Outcome != c.want || r.Exit != c.exit || e.exit != c.exit || r.File != c.file || (r.Error == "") != (c.exit == 0) {
			t.Errorf("%s: exit %d, record %+v", c.file, e.exit, r)
		}
	}
}

func TestHelp_NamesEveryExitStatusAndTheFlags(t *testing.T) {
	b := newBench(t)
	e := b.run("--help")
	if e.exit != 0 || e.stderr != "" {
		t.Fatalf("exit %d: %s", e.exit, e.stderr)
	}
	for _, want := range []string{"Exit status", " 0 ", " 2 ", " 65 ", " 69 ", " 70 ", " 75 ", " 77 ", " 78 ", "130", "143",
		"--config-file", "-c,", "-d,", "--ingestion.file-handling.file-path-type", "--json", "--strict-config"} {
		if !strings.Contains(e.stdout, want) {
			t.Errorf("%q is not in the help", want)
		}
	}
	if strings.Contains(e.stdout, "--kafka.") {
		t.Error("flags of the daemon are listed")
	}
}

func TestVersion_IsTheStampedOne(t *testing.T) {
	b := newBench(t)
	e := b.run("--version")
	if e.exit != 0 || e.stderr != "" || !strings.HasPrefix(e.stdout, "offline-ingestor ") {
		t.Fatalf("exit %d: %s%s", e.exit, e.stdout, e.stderr)
	}
	if os.Getenv("INGESTOR_BIN") == "" && (!strings.Contains(e.stdout, "9.8.7") || !strings.Contains(e.stdout, "c0ffee")) {
		t.Errorf("got %q", e.stdout)
	}
}

// TestSignal_WhileHashing: nothing is posted, nothing is left, and the status
// says which signal it was.
func TestSignal_WhileHashing(t *testing.T) {
	for signal, exit := range map[syscall.Signal]int{syscall.SIGTERM: 143, syscall.SIGINT: 130} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			// A sparse tail takes no space but long to read.
			if err := os.Truncate(b.path("raw/run.hdf"), 64<<30); err != nil {
				t.Fatal(err)
			}
			run := b.command("-c", "config.yml", "--json", "raw/run.hdf")
			before := b.tree()
			e := b.endAfter(run, func() {
				// After the last check it only waits for the checksum.
				for deadline := time.Now().Add(30 * time.Second); !b.asked("/datasets?filter=") && time.Now().Before(deadline); {
					time.Sleep(5 * time.Millisecond)
				}
				if err := run.Process.Signal(signal); err != nil {
					t.Error(err)
				}
			})
			if e.exit != exit || len(failureLines(e.stderr)) != 1 || !strings.Contains(e.stderr, "stopped by "+signal.String()) {
				t.Errorf("exit %d, want %d\n%s", e.exit, exit, e.stderr)
			}
			if !strings.Contains(e.stdout, fmt.Sprintf(`"exit":%d`, exit)) {
				t.Errorf("result %s", e.stdout)
			}
			b.wantStored(0, 0)
			if after := b.tree(); after != before {
				t.Errorf("files before: %s\nafter: %s", before, after)
			}
		})
	}
}

// asked says whether the catalogue has seen such a request.
func (b *bench) asked(part string) bool {
	for _, r := range b.server.Requests() {
		if strings.Contains(r.Target, part) {
			return true
		}
	}
	return false
}

// TestProcesses_AtOnceOnOneFile: however they interleave, there is one of each.
func TestProcesses_AtOnceOnOneFile(t *testing.T) {
	for _, checks := range []string{"true", "false"} {
		b := newBench(t)
		check := "--ingestion.check-if-dataset-exists-by-"
		for round := range 3 {
			run := nexustest.Run(nexustest.RunInfo{JobID: fmt.Sprint("job-", round)})
			if err := nexustest.Write(b.path("raw/run.hdf"), run); err != nil {
				t.Fatal(err)
			}
			var runs []*exec.Cmd
			for range 3 {
				runs = append(runs, b.command("-c", "config.yml", check+"pid="+checks, check+"metadata="+checks, "raw/run.hdf"))
			}
			var all sync.WaitGroup
			for _, run := range runs {
				all.Go(func() {
					if e := b.end(run); e.exit != 0 {
						t.Errorf("exit %d: %s", e.exit, e.stderr)
					}
				})
			}
			all.Wait()
			b.wantStored(round+1, round+1)
		}
	}
}
