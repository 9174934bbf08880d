package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"ingestor/configs"
	"ingestor/internal/ledger"
	"ingestor/offline/backfill"
)

var march14 = time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC)

func TestBackfillState_ImportTakesOnlyWhatHidesNothingHere(t *testing.T) {
	b := newBench(t)
	b.date("raw/run.hdf", march14)
	if e := b.backfill("raw"); e.exit != 0 {
		t.Fatalf("%+v", e)
	}
	exported := b.backfill("state", "export")
	var plain map[string]any
	if err := json.Unmarshal([]byte(exported.stdout), &plain); err != nil {
		t.Fatal(err)
	}
	catalogue, _ := plain["catalogue"].(string)
	soon := func(d time.Duration) string { return time.Now().Add(d).Format(time.RFC3339Nano) }
	for _, c := range []struct {
		name   string
		change func(file, state map[string]any)
		exit   int
		says   string
	}{
		{"as it was exported", func(_, _ map[string]any) {}, 0, ""},
		{"another way to write the catalogue", func(f, _ map[string]any) { f["catalogue"] = catalogue + "/" }, 0, ""},
		{"another catalogue", func(f, _ map[string]any) { f["catalogue"] = "https://other.example/api/v3" }, 78, `of another catalogue, "https://other.example/api/v3"`},
		{"no catalogue", func(f, _ map[string]any) { delete(f, "catalogue") }, 78, "of another catalogue"},
		{"another group", func(f, _ map[string]any) { f["group"] = "others" }, 0, `warning: the state is of the group "others"`},
		{"a look in the future", func(_, s map[string]any) { s["scanned_at"] = soon(2 * time.Hour) }, 78, "scanned_at: 2"},
		{"a mark in the future", func(_, s map[string]any) { s["mark"] = map[string]any{"time": soon(2 * time.Hour), "path": "/x"} }, 78, "in the future"},
		{"another machine's clock", func(_, s map[string]any) { s["scanned_at"] = soon(10 * time.Minute) }, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var f map[string]any
			if err := json.Unmarshal([]byte(exported.stdout), &f); err != nil {
				t.Fatal(err)
			}
			s, _ := f["state"].(map[string]any)
			c.change(f, s)
			text, err := json.Marshal(f)
			if err != nil {
				t.Fatal(err)
			}
			own := *b
			own.t = t
			own.write("state.json", text)
			before := own.backfill("state", "export").stdout
			e := own.backfill("state", "import", "state.json")
			if e.exit != c.exit || !strings.Contains(e.stderr, c.says) || strings.Count(e.stderr, "\n") > 1 || c.says == "" && e.stderr != "" {
				t.Errorf("%+v", e)
			}
			if after := own.backfill("state", "export").stdout; c.exit != 0 && after != before {
				t.Errorf("it was refused, and changed the state:\n%s%s", before, after)
			}
		})
	}
}

func TestBackfillState_AcceptsWhatWasTouchedJustNow(t *testing.T) {
	b := newBench(t)
	b.date("raw/run.hdf", march14)
	b.config += "backfill:\n  jobs:\n    nightly: {roots: [" + b.path("raw") + "], min_age: 30m}\n"
	if e := b.backfill(); e.exit != 0 {
		t.Fatalf("%+v", e)
	}
	if err := os.Chtimes(b.path("raw/run.hdf"), time.Now(), time.Now()); err != nil {
		t.Fatal(err)
	}
	if e := b.backfill("state", "accept", "--all"); e.exit != 0 || e.stdout != "Accepted: 1\n" {
		t.Errorf("%+v", e)
	}
	if r := b.report("--json", "--all", "--since", "2026-03-01"); r.Looked.TooYoung != 1 {
		t.Errorf("a run goes by min_age as before: %+v", r.Looked)
	}
}

// nightly adds a job with a textfile to the configuration, and makes a good run.
func (b *bench) nightly() {
	b.t.Helper()
	b.date("raw/run.hdf", march14)
	b.config += "backfill:\n  jobs:\n    nightly: {roots: [" + b.path("raw") + "], textfile: " + b.path("nightly.prom") + "}\n"
	if e := b.backfill(); e.exit != 0 {
		b.t.Fatalf("%+v", e)
	}
}

// metrics are the lines of the textfile with values.
func (b *bench) metrics() map[string]string {
	b.t.Helper()
	text, err := os.ReadFile(b.path("nightly.prom"))
	if err != nil {
		b.t.Fatal(err)
	}
	values := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if name, value, found := strings.Cut(strings.TrimSpace(line), " "); found && name != "#" {
			values[strings.Replace(name, `{job="nightly"`, "{", 1)] = value
		}
	}
	return values
}

func TestBackfill_WhatDoesNotBeginIsReportedToo(t *testing.T) {
	torn := []byte(strings.Repeat("torn ", 2000))
	for _, c := range []struct {
		name    string
		prepare func(b *bench, state string)
		args    []string
		env     string
		exit    int
		mode    string
		metrics bool // are written
	}{
		{"a damaged ledger", func(b *bench, state string) { b.writeAt(state+"/ledger.sqlite", torn) }, nil, "", 78, "register", true},
		{"a damaged ledger in a dry run", func(b *bench, state string) { b.writeAt(state+"/ledger.sqlite", torn) }, []string{"--dry-run"}, "", 78, "dry run", false},
		{"a file in place of the state directory", func(b *bench, state string) { b.writeAt(state, nil) }, nil, "", 78, "register", true},
		{"publishing to no topic", nil, []string{"--publish"}, "", 78, "publish", true},
		{"no folder for the list of a dry run", nil, []string{"--dry-run"}, "TMPDIR=/nonexistent", 69, "dry run", false},
		{"a damaged ledger and a part of the job", func(b *bench, state string) { b.writeAt(state+"/ledger.sqlite", torn) }, []string{"--job", "nightly", "raw"}, "", 78, "register", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			b.nightly()
			before := b.metrics()
			if c.prepare != nil {
				if err := os.RemoveAll(b.stateDirectory()); err != nil {
					t.Fatal(err)
				}
				c.prepare(b, b.stateDirectory())
			}
			run := b.backfillCommand(append([]string{"--json"}, c.args...)...)
			run.Env = append(run.Env, c.env)
			e := b.end(run)
			var r backfill.Report
			if err := json.Unmarshal([]byte(e.stdout), &r); err != nil {
				t.Fatalf("%v in %+v", err, e)
			}
			if e.exit != c.exit || r.Exit != c.exit || r.Reason == "" || r.Mode != c.mode || r.Job != "nightly" || r.Version != 1 || strings.Count(e.stderr, "\n") != 1 {
				t.Errorf("%+v\n%+v", e, r)
			}
			after := b.metrics()
			if !c.metrics {
				if !reflect.DeepEqual(after, before) {
					t.Errorf("the metrics of the last run are overwritten by %v", after)
				}
				return
			}
			for name, want := range map[string]string{
				"exit_status{}": strconv.Itoa(c.exit), `files{,outcome="registered"}`: "0", "closed_folders{}": "0",
				"last_good_timestamp_seconds{}": before["ingestor_backfill_last_good_timestamp_seconds{}"],
				"mark_timestamp_seconds{}":      before["ingestor_backfill_mark_timestamp_seconds{}"],
			} {
				if got := after["ingestor_backfill_"+name]; got != want || got == "" {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
		})
	}
}

// writeAt writes a file anywhere, with the folders above it.
func (b *bench) writeAt(path string, content []byte) {
	b.t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, content, 0o644)); err != nil {
		b.t.Fatal(err)
	}
}

func TestBackfill_OnlyRunsOfTheWholeJobLeaveMetrics(t *testing.T) {
	b := newBench(t)
	b.nightly()
	before := b.metrics()
	job := []string{"--job", "nightly", "--all"}
	for _, args := range [][]string{{"raw"}, {"--limit", "1"}, {"--since", "1h"}, {"--until", "2026-01-01"}, {"--dry-run"}} {
		if e := b.backfill(append(job, args...)...); e.exit != 0 || !reflect.DeepEqual(b.metrics(), before) {
			t.Errorf("%v: %+v", args, e)
		}
	}
	unlock, err := ledger.LockJob(t.Context(), b.stateDirectory(), b.deployment(), "nightly", "a test", 0)
	if err != nil {
		t.Fatal(err)
	}
	if r := b.report("--json"); r.Exit != 75 || !strings.Contains(r.Reason, "a test") || !reflect.DeepEqual(b.metrics(), before) {
		t.Errorf("beside another run: %+v", r)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	if e := b.backfill(job...); e.exit != 0 || reflect.DeepEqual(b.metrics(), before) {
		t.Errorf("the whole job: %+v", e)
	}
}

func TestBackfill_SeesWhatChangesWhileItWaitsForTheLock(t *testing.T) {
	b := newBench(t)
	b.date("raw/run.hdf", march14)
	b.write("schemas/run.imsc.yml", b.schema("filename:contains:run", "filename:contains:nothing"))
	first := b.report("--json", "raw")
	if first.Counts[backfill.Failed] != 1 {
		t.Fatalf("%+v", first)
	}
	unlock, err := ledger.LockJob(t.Context(), b.stateDirectory(), b.deployment(), first.Job, "a test", 0)
	if err != nil {
		t.Fatal(err)
	}
	run := b.backfillCommand("--json", "--lock-wait", "1m", "raw")
	e := b.endAfter(run, func() {
		awaitLedger(t, run)
		b.write("schemas/run.imsc.yml", b.schema("", ""))
		if err := unlock(); err != nil {
			t.Error(err)
		}
	})
	var r backfill.Report
	if err := json.Unmarshal([]byte(e.stdout), &r); err != nil || r.Counts[backfill.Registered] != 1 {
		t.Errorf("%v, %+v", err, e)
	}
}

// hasOpen says that a process has opened a file of this name.
func hasOpen(pid int, file string) bool {
	list, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	return err == nil && slices.ContainsFunc(list, func(fd string) bool {
		target, err := os.Readlink(fd)
		return err == nil && filepath.Base(target) == file
	})
}

func TestBackfill_RefusesNumbersThatCanNotBe(t *testing.T) {
	b := newBench(t)
	b.date("raw/run.hdf", march14)
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"--limit", "0"}, "--limit 0: must be 1 or more"},
		{[]string{"--limit=-1"}, "--limit -1: must be 1 or more"},
		{[]string{"--concurrency", "0"}, "--concurrency 0: must be from 1 to 1000"},
		{[]string{"--concurrency", "1001"}, "--concurrency 1001: must be from 1 to 1000"},
		{[]string{"--lookback=-1h"}, "can not be negative"},
		{[]string{"--lock-wait=-1s"}, "can not be negative"},
	} {
		if e := b.backfill(append(c.args, "raw")...); e.exit != 2 || !strings.Contains(e.stderr, c.says) || e.stdout != "" {
			t.Errorf("%v: %+v", c.args, e)
		}
	}
	b.config += "backfill:\n  jobs:\n    a: {roots: [" + b.path("raw") + "], concurrency: 1000}\n"
	if e := b.backfill("--dry-run"); e.exit != 0 {
		t.Errorf("what the configuration takes: %+v", e)
	}
	b.configure("concurrency: 1000", "concurrency: 1001")
	if e := b.backfill("--dry-run"); e.exit != 78 {
		t.Errorf("what the configuration does not take: %+v", e)
	}
}

func TestBackfill_LookbackOfNothingIsNothing(t *testing.T) {
	cfg := &configs.Config{}
	for _, c := range []struct {
		given bool
		value time.Duration
		want  time.Duration
	}{{false, 0, 48 * time.Hour}, {true, 0, 0}, {true, time.Hour, time.Hour}} {
		b := &backfilling{options: backfillOptions{hasLookback: c.given, lookback: c.value}, cfg: cfg}
		b.job.Lookback = 48 * time.Hour
		if e, err := b.settings(); err != nil || e.Lookback != c.want {
			t.Errorf("%+v: %v, %v", c, e.Lookback, err)
		}
	}
}

func TestBackfill_ADryRunDoesNotTakeAClosedLedgerForNone(t *testing.T) {
	b := newBench(t)
	b.date("raw/run.hdf", march14)
	if e := b.backfill("raw"); e.exit != 0 {
		t.Fatalf("%+v", e)
	}
	if err := os.Chmod(b.stateDirectory(), 0); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		b.uid = nobody
	}
	if e := b.backfill("--dry-run", "raw"); e.exit != 77 || e.stdout != "" || !strings.Contains(e.stderr, "run this as the daemon's user, or as root") {
		t.Errorf("%+v", e)
	}
}

func TestBackfill_WhatRootBeginsTheServiceGoesOnWith(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make files of others")
	}
	b := newBench(t)
	b.date("raw/run.hdf", march14)
	if err := errors.Join(os.Mkdir(b.stateDirectory(), 0o750), os.Chown(b.stateDirectory(), nobody, nobody)); err != nil {
		t.Fatal(err)
	}
	if e := b.backfill("raw"); e.exit != 0 {
		t.Fatalf("%+v", e)
	}
	b.uid = nobody
	if r := b.report("--json", "raw"); r.Exit != 0 || r.Counts[backfill.Known] != 1 {
		t.Errorf("%+v", r)
	}
}

func TestBackfill_AReportThatCanNotBeWrittenIsNoBug(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	b := newBench(t)
	b.date("raw/run.hdf", march14)
	for _, c := range []struct {
		name string
		exit int
		args []string
	}{
		{"a dry run", 69, []string{"raw", "--dry-run"}},
		{"a good run", 69, []string{"raw"}},
		{"in JSON", 69, []string{"raw", "--json"}},
		{"one that failed", 1, []string{"raw", "--all"}},
	} {
		if c.exit == 1 {
			b.write("raw/run_bad.hdf", []byte("no HDF5"))
			b.date("raw/run_bad.hdf", march14)
		}
		run := b.backfillCommand(c.args...)
		var stderr bytes.Buffer
		run.Stdout, run.Stderr = full, &stderr
		if err := run.Run(); err == nil || run.ProcessState.ExitCode() != c.exit || !strings.Contains(stderr.String(), "eport can not be written") {
			t.Errorf("%s: %v, want %d\n%s", c.name, err, c.exit, &stderr)
		}
	}
	b.wantStored(1, 1)
}

// awaitLedger waits until a run has opened the ledger.
func awaitLedger(t *testing.T, run *exec.Cmd) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !hasOpen(run.Process.Pid, ledger.FileName); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not open the ledger")
		}
	}
}

func TestBackfill_ALostTerminalEndsItInGoodOrder(t *testing.T) {
	b := newBench(t)
	b.nightly()
	unlock, err := ledger.LockJob(t.Context(), b.stateDirectory(), b.deployment(), "nightly", "a test", 0)
	if err != nil {
		t.Fatal(err)
	}
	// The tests themselves may have been told to outlive it, which a child would be, too.
	here := make(chan os.Signal, 1)
	signal.Notify(here, syscall.SIGHUP)
	defer signal.Stop(here)
	run := b.backfillCommand("--json", "--lock-wait", "1m")
	e := b.endAfter(run, func() {
		awaitLedger(t, run)
		if err := run.Process.Signal(syscall.SIGHUP); err != nil {
			t.Error(err)
		}
	})
	var r backfill.Report
	if err := json.Unmarshal([]byte(e.stdout), &r); err != nil || e.exit != 143 || r.Exit != 143 {
		t.Errorf("%v: %+v", err, e)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
}

func TestProgressLine_StaysWithinTheTerminal(t *testing.T) {
	for width, want := range map[int]string{0: "12 of 345 files", 100: "12 of 345 files", 16: "12 of 345 files", 15: "12 of 345 file", 1: ""} {
		if got := cutLine("12 of 345 files", width); got != want {
			t.Errorf("width %d: %q", width, got)
		}
	}
}
