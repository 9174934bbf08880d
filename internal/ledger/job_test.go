package ledger

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"ingestor/internal/fault"
)

// wantJob compares without regard to zones.
func wantJob(t *testing.T, got, want JobState) {
	t.Helper()
	for _, j := range []*JobState{&got, &want} {
		for _, at := range []*time.Time{&j.Mark.Time, &j.ScannedAt, &j.LastRun, &j.LastGood} {
			*at = at.UTC()
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func load(t *testing.T, l *Ledger, job string) JobState {
	t.Helper()
	j, err := l.LoadJob(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func save(t *testing.T, l *Ledger, j JobState) {
	t.Helper()
	if err := l.SaveJob(t.Context(), j); err != nil {
		t.Fatal(err)
	}
}

func TestLoadJob_IsWhatWasSavedLast(t *testing.T) {
	dir := t.TempDir()
	l := openAs(t, dir, production)
	none := func(job string) JobState { return JobState{Job: job, Roots: map[string]RootSeen{}} }
	for _, j := range []JobState{
		goldenJob(),
		none("night"), // what was known before is gone
		{Job: "night", Mark: Mark{Time: time.Unix(0, 0), Path: "\xff'\";--\n"}, Roots: map[string]RootSeen{}},
		{Job: "night", Mark: Mark{Time: time.Unix(-1, 1)}, Roots: map[string]RootSeen{"/a": {}, "/\xfe": {Device: 1<<64 - 1}, "/\xff": {Files: -1}}},
		{Job: "night", Roots: map[string]RootSeen{
			"/a": {Inode: 1<<64 - 1, Path: "/\xff", MountPoint: "/", Mounts: []string{"b", "\xff/c"}, Fresh: []string{".", "b"}, Asked: time.Unix(0, 1)},
			"/b": {Mounts: []string{"c"}},
		}},
		{Job: "\xff/../'", Selection: "\xff", Version: -1, Roots: map[string]RootSeen{}},
		{Roots: map[string]RootSeen{}},
	} {
		wantJob(t, load(t, l, "none"), none("none"))
		save(t, l, j)
		wantJob(t, load(t, l, j.Job), j)
		wantJob(t, load(t, openAs(t, dir, production), j.Job), j)
	}
	save(t, l, JobState{Job: "no roots"})
	wantJob(t, load(t, l, "no roots"), none("no roots"))
}

func TestJobs_AreOfOneDeployment(t *testing.T) {
	dir := t.TempDir()
	ours := openAs(t, dir, production)
	for _, name := range []string{"night", "all", "old"} {
		save(t, ours, JobState{Job: name, Version: 1})
	}
	f := testFile("/a")
	publish(t, ours, "night", f)
	for _, d := range []Deployment{staging, second, {}} {
		theirs := openAs(t, dir, d)
		if list, err := theirs.Jobs(t.Context()); len(list) != 0 || err != nil {
			t.Errorf("%+v has %+v, %v", d, list, err)
		}
		save(t, theirs, JobState{Job: "night", Version: 2})
		addRun(t, theirs, Run{Job: "night", Started: testTime})
		if n, err := theirs.PruneRuns(t.Context(), "night", testTime.Add(time.Hour)); n != 1 || err != nil {
			t.Errorf("%d forgotten, %v", n, err)
		}
		if err := theirs.DeleteJob(t.Context(), "night"); err != nil {
			t.Error(err)
		}
	}
	list, err := ours.Jobs(t.Context())
	if err != nil || len(list) != 3 || list[0].Job != "all" || list[1].Job != "night" || list[2].Job != "old" || list[1].Version != 1 {
		t.Errorf("%+v, %v", list, err)
	}
	if know(t, ours, f)[0].Published.IsZero() {
		t.Error("what we have published is forgotten")
	}
	// A person who looks into the file finds whose it is.
	var whose int
	if err := ours.db.QueryRowContext(t.Context(), "SELECT count(*) FROM deployments WHERE catalogue = ?", production.Catalogue).Scan(&whose); err != nil || whose != 2 {
		t.Errorf("%d deployments are named, %v", whose, err)
	}
}

func TestDeleteJob_ForgetsHowFarItCame(t *testing.T) {
	l := openAs(t, t.TempDir(), production)
	f := testFile("/a")
	for _, name := range []string{"night", "day"} {
		j := goldenJob()
		j.Job = name
		save(t, l, j)
		publish(t, l, name, f)
		addRun(t, l, Run{Job: name, Started: testTime})
	}
	for range 2 {
		if err := l.DeleteJob(t.Context(), "night"); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := l.Jobs(t.Context()); err != nil || len(list) != 1 || list[0].Job != "day" {
		t.Errorf("%+v, %v", list, err)
	}
	if k := know(t, l, f)[0]; !k.Published.IsZero() {
		t.Errorf("what it published is known: %+v", k)
	}
	if runs, err := l.Runs(t.Context(), "night", 0); err != nil || len(runs) != 1 {
		t.Errorf("its runs: %+v, %v", runs, err)
	}
}

func addRun(t *testing.T, l *Ledger, r Run) {
	t.Helper()
	if err := l.AddRun(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}

func TestRuns_TheNewestFirstUntilTheyArePruned(t *testing.T) {
	l := openAs(t, t.TempDir(), production)
	for i := range 5 {
		started := testTime.Add(time.Duration(i/2) * time.Hour)
		addRun(t, l, Run{Job: "night", Started: started, Ended: started.Add(time.Minute), Exit: i, Report: []byte{'0' + byte(i)}})
	}
	addRun(t, l, Run{Job: "day", Started: testTime, Exit: 69}) // killed, and without report
	exits := func(job string, limit int) (list []int) {
		runs, err := l.Runs(t.Context(), job, limit)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range runs {
			if job == "night" && (string(r.Report) != string('0'+rune(r.Exit)) || r.Ended.Sub(r.Started) != time.Minute || r.Job != job) {
				t.Errorf("%+v", r)
			}
			list = append(list, r.Exit)
		}
		return list
	}
	for _, c := range []struct {
		job   string
		limit int
		want  []int
	}{{"night", 0, []int{4, 3, 2, 1, 0}}, {"night", 2, []int{4, 3}}, {"night", 9, []int{4, 3, 2, 1, 0}}, {"day", 1, []int{69}}, {"none", 0, nil}} {
		if got := exits(c.job, c.limit); !slices.Equal(got, c.want) {
			t.Errorf("%s, %d: %v, want %v", c.job, c.limit, got, c.want)
		}
	}
	for _, want := range []int64{2, 0} {
		if n, err := l.PruneRuns(t.Context(), "night", testTime.Add(time.Hour)); n != want || err != nil {
			t.Errorf("%d forgotten, want %d, %v", n, want, err)
		}
	}
	if got := exits("night", 0); !slices.Equal(got, []int{4, 3, 2}) || len(exits("day", 0)) != 1 {
		t.Errorf("left: %v", got)
	}
}

func TestPruneRuns_ForgetsWhatWasPublishedLongAgo(t *testing.T) {
	now := testTime
	o := testOptions()
	o.Now = func() time.Time { return now }
	l, err := Open(t.Context(), t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	old, again, other := testFile("/old"), testFile("/again"), testFile("/other")
	publish(t, l, "night", old, again)
	publish(t, l, "day", other)
	now = now.Add(time.Hour)
	publish(t, l, "night", again)
	if n, err := l.PruneRuns(t.Context(), "night", now); n != 0 || err != nil {
		t.Errorf("%d runs, %v", n, err)
	}
	if got := know(t, l, old, again); !got[0].Published.IsZero() || !got[1].Published.Equal(now) {
		t.Errorf("%+v", got)
	}
	if day, err := l.KnowFiles(t.Context(), "day", []File{other}); err != nil || day[0].Published.IsZero() {
		t.Errorf("%+v, %v", day, err)
	}
}

// TestSaveJob_WhereTheDiskIsFull: the state before stays, until there is room.
func TestSaveJob_WhereTheDiskIsFull(t *testing.T) {
	dir := t.TempDir()
	mount(t, dir, "size=1m")
	l := openAs(t, dir, production)
	save(t, l, goldenJob())
	filler := filepath.Join(dir, "filler")
	if err := os.WriteFile(filler, make([]byte, 512<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	fillUp(t, l)
	large := goldenJob()
	large.Version, large.Selection = 2, strings.Repeat("x", 300_000)
	for range 2 {
		wantNotWritable(t, l.SaveJob(t.Context(), large), l.Path(), "")
		wantJob(t, load(t, l, "night"), goldenJob())
	}
	files := manyFiles(20_000)
	wantNotWritable(t, l.NotePublished(t.Context(), "night", files), l.Path(), "")
	wantNotWritable(t, l.AddRun(t.Context(), Run{Job: "night", Report: make([]byte, 300_000)}), l.Path(), "")
	for _, k := range know(t, l, files[:knowAtOnce]...) {
		if !k.Published.IsZero() {
			t.Fatal("published by half")
		}
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	save(t, l, large)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	wantJob(t, load(t, openAs(t, dir, production), "night"), large)
}

func TestJob_EndsWithItsContext(t *testing.T) {
	l := openAs(t, t.TempDir(), production)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, load := l.LoadJob(ctx, "night")
	_, known := l.KnowFiles(ctx, "night", manyFiles(3))
	for _, err := range []error{load, known, l.SaveJob(ctx, goldenJob()), l.NotePublished(ctx, "night", manyFiles(3)), l.AddRun(ctx, Run{})} {
		if !errors.Is(err, context.Canceled) || fault.KindOf(err) != fault.Interrupted {
			t.Errorf("kind %v: %v", fault.KindOf(err), err)
		}
	}
}

// What older versions wrote of a root says nothing about the rest.
func TestLoadJob_WhatAnOlderVersionDidNotNoteOfARootIsZero(t *testing.T) {
	l := openAs(t, t.TempDir(), production)
	save(t, l, JobState{Job: "night"})
	if _, err := l.db.ExecContext(t.Context(), "UPDATE jobs SET roots = ?", []byte(`[{"Path":"L2E=","MountPoint":"Lw==","Device":5,"Files":2}]`)); err != nil {
		t.Fatal(err)
	}
	wantJob(t, load(t, l, "night"), JobState{Job: "night", Roots: map[string]RootSeen{"/a": {Device: 5, MountPoint: "/", Files: 2}}})
}
