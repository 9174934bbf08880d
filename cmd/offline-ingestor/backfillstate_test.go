package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"ingestor/internal/ledger"
	"ingestor/offline/backfill"
)

func TestBackfillState_IsExportedAndImported(t *testing.T) {
	b := newBench(t)
	b.date("raw/run.hdf", time.Date(2026, 3, 14, 9, 0, 0, 123456789, time.UTC))
	job := b.report("--json", "raw").Job
	exported := b.backfill("state", "export")
	if exported.exit != 0 {
		t.Fatalf("%+v", exported)
	}
	b.write("state.json", []byte(exported.stdout))
	if e := b.backfill("state", "reset", "--job", job); e.exit != 0 || !strings.Contains(e.stdout, "forgotten") {
		t.Fatalf("%+v", e)
	}
	if e := b.backfill("state", "show", "--json"); e.exit != 0 || e.stdout != "" {
		t.Errorf("after a reset: %+v", e)
	}
	if e := b.backfill("state", "import", "state.json"); e.exit != 0 || !strings.Contains(e.stdout, "2026-03-14 09:00:00.123456789") {
		t.Errorf("import: %+v", e)
	}
	if again := b.backfill("state", "export", "--job", job); again.stdout != exported.stdout {
		t.Errorf("got\n%swant\n%s", again.stdout, exported.stdout)
	}
	if e := b.backfill("state", "import", "--job", "other", "state.json"); e.exit != 0 {
		t.Errorf("import as another: %+v", e)
	}
	var line shownJob
	show := b.backfill("state", "show", "--job", job, "--json")
	if err := json.Unmarshal([]byte(show.stdout), &line); err != nil || line.Job != job || len(line.Runs) != 1 || line.Mark.Path != b.path("raw/run.hdf") {
		t.Errorf("%v in %s", err, show.stdout)
	}
	// What is registered is not in the state.
	if e := b.backfill("state", "reset", "--job", job); e.exit != 0 {
		t.Fatalf("%+v", e)
	}
	if r := b.report("--json", "raw"); r.Counts[backfill.Known] != 1 {
		t.Errorf("after a reset: %v", r.Counts)
	}
	b.wantStored(1, 1)
}

func TestBackfillState_RefusesWhatIsNoneAsAWhole(t *testing.T) {
	b := newBench(t)
	for name, c := range map[string]struct {
		text, want string
		exit       int
	}{
		"torn":            {`{"version": 1, "state": {"job": "a", "ma`, "not the state of a job, or not all of it", 78},
		"no state":        {`{}`, "it has no version", 78},
		"newer":           {`{"version": 2, "state": {"job": "a"}}`, "exported by a newer version (layout 2", 78},
		"no job":          {`{"version": 1, "state": {}}`, "names no job", 78},
		"impossible time": {`{"version": 1, "state": {"job": "a", "mark": {"time": "9999-01-01T00:00:00Z"}}}`, "the year 9999 can not be", 78},
	} {
		b.write("state.json", []byte(c.text))
		if e := b.backfill("state", "import", "state.json"); e.exit != c.exit || !strings.Contains(e.stderr, c.want) {
			t.Errorf("%s: %+v", name, e)
		}
	}
	if e := b.backfill("state", "import", "none.json"); e.exit != 2 {
		t.Errorf("missing: %+v", e)
	}
	if e := b.backfill("state", "show"); !strings.HasPrefix(e.stdout, "No backfill has run yet") {
		t.Errorf("%+v", e)
	}
}

func TestBackfillState_IsNotChangedBesideARun(t *testing.T) {
	b := newBench(t)
	b.date("raw/run.hdf", time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC))
	job := b.report("--json", "raw").Job
	unlock, err := ledger.LockJob(t.Context(), b.stateDirectory(), b.deployment(), job, "a test", 0)
	if err != nil {
		t.Fatal(err)
	}
	b.write("state.json", []byte(b.backfill("state", "export").stdout))
	for _, args := range [][]string{{"raw"}, {"state", "reset"}, {"state", "import", "state.json"}} {
		if e := b.backfill(args...); e.exit != 75 || !strings.Contains(e.stderr, "a test") {
			t.Errorf("%v: %+v", args, e)
		}
	}
	if e := b.backfill("--dry-run", "raw"); e.exit != 0 {
		t.Errorf("a dry run needs no lock: %+v", e)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	if e := b.backfill("raw"); e.exit != 0 {
		t.Errorf("%+v", e)
	}
}

func TestBackfill_WritesMetricsForMonitoring(t *testing.T) {
	b := newBench(t)
	b.date("raw/run.hdf", time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC))
	b.config += "backfill:\n  jobs:\n    nightly: {roots: [" + b.path("raw") + "], textfile: " + b.path("nightly.prom") + "}\n"
	if e := b.backfill(); e.exit != 0 {
		t.Fatalf("%+v", e)
	}
	text, err := os.ReadFile(b.path("nightly.prom"))
	for _, want := range []string{
		`ingestor_backfill_files{job="nightly",outcome="registered"} 1`, `ingestor_backfill_exit_status{job="nightly"} 0`,
		`ingestor_backfill_mark_timestamp_seconds{job="nightly"} 1773478800`, `ingestor_backfill_last_good_timestamp_seconds{job="nightly"} 1`,
	} {
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%v, no %s in\n%s", err, want, text)
		}
	}
}

func TestProgressLine(t *testing.T) {
	base := backfill.Progress{Done: 100, Total: 1100}
	for _, c := range []struct {
		now  backfill.Progress
		want string
	}{
		{backfill.Progress{Looking: true, Total: 12}, "looking: 12 files found"},
		{backfill.Progress{Total: 0}, "0 of 0 files"},
		{base, "100 of 1100 files (9 %)"},
		{backfill.Progress{Done: 600, Total: 1100, Tried: 200, Bytes: 3e9, Failed: 4}, "600 of 1100 files (54 %), 20.0 a second, 3.0 GB, 10s left, 4 failed"},
		{backfill.Progress{Done: 1100, Total: 1100, Tried: 200}, "1100 of 1100 files (100 %), 20.0 a second, 0 B"},
	} {
		if got := progressLine(c.now, base, 10*time.Second); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

func FuzzParseState(f *testing.F) {
	f.Add([]byte(`{"version":1,"catalogue":"c","group":"g","state":{"job":"a","mark":{"time":"2026-03-14T09:00:00Z","path":"/d/f"},"roots":{"/d":{"device":1}}}}`))
	f.Add([]byte(`{"version":1e9}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := parseState(text)
		if err == nil && (s.State.Job == "" || s.State.Mark.Time.Year() > 2200) {
			t.Errorf("taken: %+v", s)
		}
	})
}
