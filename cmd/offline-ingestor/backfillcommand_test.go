package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
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
