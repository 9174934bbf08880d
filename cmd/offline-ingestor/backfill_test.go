package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"ingestor/offline/backfill"
)

// backfillFacts differ from run to run of a backfill.
var backfillFacts = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`\b\d+(\.\d+)?(ms|s)\b`), "@TIME@"},
	{regexp.MustCompile(`\d+\.\d files a second`), "@RATE@ files a second"},
	{regexp.MustCompile(`"(started|ended|last_good)":"[^"]+"`), `"$1":"@NOW@"`},
	{regexp.MustCompile(`(looked at|last run|last good|run of) ( *)20[-0-9: +]+`), `$1 $2@NOW@`},
	{regexp.MustCompile(`(raw|none)-[0-9a-f]{8}`), "$1-@ID@"},
	{regexp.MustCompile(`(since|process) [^ ]+ (on|\()`), "$1 @WHO@ $2"},
}

// backfillGolden compares a run with a file below testdata/backfill.
func (b *bench) backfillGolden(name string, e ended, exit int) {
	b.t.Helper()
	for _, f := range backfillFacts {
		e.stdout, e.stderr = f.pattern.ReplaceAllString(e.stdout, f.with), f.pattern.ReplaceAllString(e.stderr, f.with)
	}
	e.stdout, e.stderr = strings.ReplaceAll(e.stdout, b.state, "@STATE@"), strings.ReplaceAll(e.stderr, b.state, "@STATE@")
	b.golden("backfill/"+strings.ReplaceAll(name, " ", "_"), e)
	if e.exit != exit {
		b.t.Errorf("%s: exit %d, want %d\n%s%s", name, e.exit, exit, e.stdout, e.stderr)
	}
}

// date sets the modification time of a file.
func (b *bench) date(name string, t time.Time) {
	b.t.Helper()
	if err := os.Chtimes(b.path(name), t, t); err != nil {
		b.t.Fatal(err)
	}
}

// twoFiles are a good one and one that is no HDF5, of fixed dates.
func (b *bench) twoFiles() {
	b.t.Helper()
	b.write("raw/run_bad.hdf", []byte("no HDF5"))
	b.write("raw/notes.txt", []byte("no data"))
	b.date("raw/run.hdf", time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC))
	b.date("raw/run_bad.hdf", time.Date(2026, 3, 15, 9, 0, 0, 0, time.UTC))
}

func (b *bench) backfill(args ...string) ended {
	b.t.Helper()
	return b.end(b.backfillCommand(args...))
}

// backfillCommand has a configuration of its own, which is only written where it
// differs: one that has changed is a reason to try again.
func (b *bench) backfillCommand(args ...string) *exec.Cmd {
	b.t.Helper()
	c := b.command(append([]string{"backfill", "-c", "backfill.yml"}, args...)...)
	now, err := os.ReadFile(b.path("config.yml"))
	if err != nil {
		b.t.Fatal(err)
	}
	if old, err := os.ReadFile(b.path("backfill.yml")); err != nil || string(old) != string(now) {
		b.write("backfill.yml", now)
	}
	return c
}

func TestBackfill_OfAFolderWithoutAnySection(t *testing.T) {
	b := newBench(t)
	b.twoFiles()
	b.backfillGolden("dry run", b.backfill("--dry-run", "raw"), 0)
	if _, err := os.Stat(b.stateDirectory()); err == nil {
		t.Error("a dry run makes a state directory")
	}
	b.backfillGolden("first run", b.backfill("raw"), 1)
	b.wantStored(1, 1)
	asked := len(b.server.Requests())
	b.backfillGolden("second run", b.backfill("raw"), 0)
	b.backfillGolden("second run json", b.backfill("--json", "raw"), 0)
	if n := len(b.server.Requests()) - asked; n != 0 {
		t.Errorf("%d requests, though nothing is to do", n)
	}
	b.backfillGolden("dry run of nothing", b.backfill("--dry-run", "--json", "raw"), 0)
	b.backfillGolden("state of two runs", b.backfill("state", "show", "--runs", "2"), 0)
}

func TestBackfill_TriesAgainWhatMayHaveBeenMended(t *testing.T) {
	b := newBench(t)
	b.twoFiles()
	b.schemaFor("nothing")
	if e := b.backfill("raw"); e.exit != 1 {
		t.Fatalf("exit %d\n%s%s", e.exit, e.stdout, e.stderr)
	}
	b.wantStored(0, 0)
	if r := b.report("--json", "raw"); r.Exit != 0 || r.Counts[backfill.FailedBefore] != 2 {
		t.Errorf("nothing has changed: %+v", r)
	}
	b.schemaFor("run")
	if r := b.report("--json", "raw"); r.Counts[backfill.Registered] != 1 || r.Counts[backfill.Failed] != 1 {
		t.Errorf("another schema: %+v", r)
	}
	if r := b.report("--json", "--retry-failed", "raw"); r.Counts[backfill.Known] != 1 || r.Counts[backfill.Failed] != 1 {
		t.Errorf("by hand: %+v", r)
	}
	if err := os.Chmod(b.path("raw/run_bad.hdf"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := b.report("--json", "raw"); r.Counts[backfill.Failed] != 1 {
		t.Errorf("other rights: %+v", r)
	}
	b.wantStored(1, 1)
}

// schemaFor selects files by a part of their names.
func (b *bench) schemaFor(part string) {
	b.t.Helper()
	b.write("schemas/run.imsc.yml", b.schema("filename:contains:run", "filename:contains:"+part))
}

// report is that of a run with --json.
func (b *bench) report(args ...string) (r backfill.Report) {
	b.t.Helper()
	e := b.backfill(args...)
	if err := json.Unmarshal([]byte(e.stdout), &r); err != nil {
		b.t.Fatalf("%v in %s%s", err, e.stdout, e.stderr)
	}
	if r.Exit != e.exit {
		b.t.Errorf("exit %d, the report says %d", e.exit, r.Exit)
	}
	return r
}

func TestBackfill_WhatHasChangedIsReportedUntilItIsAccepted(t *testing.T) {
	b := newBench(t)
	b.date("raw/run.hdf", time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC))
	if e := b.backfill("raw"); e.exit != 0 {
		t.Fatalf("exit %d\n%s%s", e.exit, e.stdout, e.stderr)
	}
	b.date("raw/run.hdf", time.Date(2026, 3, 15, 9, 0, 0, 0, time.UTC))
	b.backfillGolden("changed", b.backfill("raw"), 0)
	b.backfillGolden("changed strict", b.backfill("--strict", "raw"), 65)
	job := b.report("--json", "raw").Job
	b.backfillGolden("accept nothing", b.backfill("state", "accept"), 2)
	b.backfillGolden("accept", b.backfill("state", "accept", "--all", "--job", job), 0)
	if r := b.report("--json", "--strict", "raw"); r.Exit != 0 || r.Counts[backfill.Known] != 1 || len(r.Failures) > 0 {
		t.Errorf("after accept: %+v", r)
	}
	b.wantStored(1, 1)
	b.backfillGolden("accept again", b.backfill("state", "accept", "raw/run.hdf"), 2)
}

func TestBackfill_SaysWhatIsWrongWithTheCommandLine(t *testing.T) {
	b := newBench(t)
	jobs := "backfill:\n  jobs:\n    a: {roots: [" + b.path("raw") + "]}\n    b: {roots: [" + b.path("schemas") + "]}\n"
	for _, c := range []struct {
		name, config string
		exit         int
		args         []string
	}{
		{"no folder and no job", "", 2, nil},
		{"one of several jobs", jobs, 2, nil},
		{"an unknown job", jobs, 2, []string{"--job", "c"}},
		{"a folder of another job", jobs, 2, []string{"--job", "a", "schemas"}},
		{"all and newer", jobs, 2, []string{"--job", "a", "--all", "--newer-than-state"}},
		{"until before since", jobs, 2, []string{"--job", "a", "--since", "2026-03-15", "--until", "2026-03-14"}},
		{"until is no time", jobs, 2, []string{"--job", "a", "--until", "yesterday"}},
		{"an unknown flag", jobs, 2, []string{"--job", "a", "--dry"}},
		{"publish to no topic", jobs, 78, []string{"--job", "a", "--publish"}},
		{"state without a command", "", 2, []string{"state"}},
		{"state of nothing", "", 0, []string{"state", "show"}},
		{"reset of nothing", "", 2, []string{"state", "reset"}},
		{"a folder that is not there", "", 69, []string{"none"}},
		{"no state directory", "", 78, []string{"raw", "--ingestion.state-directory", ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			own := *b
			own.t, own.config = t, b.config+c.config
			run := own.backfillCommand(c.args...)
			if strings.HasPrefix(c.name, "no state") {
				run.Env = []string{"PATH=" + os.Getenv("PATH")}
			}
			own.backfillGolden("bad "+c.name, own.end(run), c.exit)
		})
	}
}
