package ledger

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"ingestor/internal/outcome"
)

// know is what is known of files, in one zone.
func know(t *testing.T, l *Ledger, files ...File) []Knowledge {
	t.Helper()
	list, err := l.KnowFiles(t.Context(), "night", files)
	if err != nil || len(list) != len(files) {
		t.Fatalf("%d of %d files, %v", len(list), len(files), err)
	}
	for i := range list {
		list[i].Last, list[i].Published = list[i].Last.UTC(), list[i].Published.UTC()
	}
	return list
}

func giveUp(t *testing.T, l *Ledger, path string, offset int64) {
	t.Helper()
	n := at(offset)
	n.File, n.Outcome, n.Attempts, n.PID = path, string(outcome.DeadLettered), 4, "20.500.12269/m"
	note(t, l, n)
}

func publish(t *testing.T, l *Ledger, job string, files ...File) {
	t.Helper()
	if err := l.NotePublished(t.Context(), job, files); err != nil {
		t.Fatal(err)
	}
}

func accept(t *testing.T, l *Ledger, want int, files ...File) {
	t.Helper()
	if n, err := l.AcceptChanged(t.Context(), files); n != want || err != nil {
		t.Errorf("%d accepted, want %d, %v", n, want, err)
	}
}

func TestKnowFiles_SaysWhatBecameOfEach(t *testing.T) {
	f := testFile("/data/a.hdf")
	larger, later, other := f, f, testFile("/data/b.hdf")
	larger.Size++
	later.ModTime = f.ModTime.Add(time.Nanosecond)
	registered := func(f File) Note {
		return Note{File: f, State: Registered, PID: "p", Datablock: "b", FirstOfAttempt: true}
	}
	failed := func(f File) Note {
		return Note{File: f, Error: "not HDF5", Class: "permanent", Exit: 65, FirstOfAttempt: true}
	}
	yes := Knowledge{State: Registered, PID: "p", Attempts: 1, Last: testTime}
	no := Knowledge{State: Failed, Error: "not HDF5", Class: "permanent", Exit: 65, Attempts: 1, Last: testTime}
	dead := Knowledge{DeadLettered: true, Error: "busy", Class: "transient", Exit: 75, Attempts: 4, Last: testTime, PID: "20.500.12269/m"}
	with := func(k Knowledge, change func(*Knowledge)) Knowledge { change(&k); return k }
	for _, c := range []struct {
		name string
		do   func(t *testing.T, ours, theirs *Ledger)
		want Knowledge // of f
	}{
		{"nothing", func(*testing.T, *Ledger, *Ledger) {}, Knowledge{}},
		{"another file is registered", func(t *testing.T, ours, _ *Ledger) { take(t, ours, registered(other)) }, Knowledge{}},
		{"registered", func(t *testing.T, ours, _ *Ledger) { take(t, ours, registered(f)) }, yes},
		{"registered, and failed when it was looked at again", func(t *testing.T, ours, _ *Ledger) {
			take(t, ours, registered(f))
			take(t, ours, Note{File: f, Error: "away", Class: "systemic", Exit: 69})
		}, with(yes, func(k *Knowledge) { k.Error, k.Class, k.Exit = "away", "systemic", 69 })},
		{"begun", func(t *testing.T, ours, _ *Ledger) {
			take(t, ours, Note{File: f, State: Attaching, PID: "p", FirstOfAttempt: true})
		}, with(yes, func(k *Knowledge) { k.State = Attaching })},
		{"failed twice", func(t *testing.T, ours, _ *Ledger) { take(t, ours, failed(f)); take(t, ours, failed(f)) },
			with(no, func(k *Knowledge) { k.Attempts = 2 })},
		{"another size is registered", func(t *testing.T, ours, _ *Ledger) { take(t, ours, registered(larger)) }, Knowledge{Changed: true}},
		{"another time is registered", func(t *testing.T, ours, _ *Ledger) { take(t, ours, registered(later)) }, Knowledge{Changed: true}},
		{"another content failed", func(t *testing.T, ours, _ *Ledger) { take(t, ours, failed(larger)) }, Knowledge{}},
		{"another content is registered, this one failed", func(t *testing.T, ours, _ *Ledger) {
			take(t, ours, registered(larger))
			take(t, ours, failed(f))
		}, with(no, func(k *Knowledge) { k.Changed = true })},
		{"this content and another are registered", func(t *testing.T, ours, _ *Ledger) {
			for _, f := range []File{larger, f, later} {
				take(t, ours, registered(f))
			}
		}, yes},
		{"accepted", func(t *testing.T, ours, _ *Ledger) { take(t, ours, registered(larger)); accept(t, ours, 1, f) },
			Knowledge{State: Registered, Accepted: true, PID: "p", Last: testTime}},
		{"accepted, and changed again", func(t *testing.T, ours, _ *Ledger) { take(t, ours, registered(larger)); accept(t, ours, 1, later) },
			Knowledge{Changed: true}},
		{"published by the job", func(t *testing.T, ours, _ *Ledger) { publish(t, ours, "night", other, f) }, Knowledge{Published: testTime}},
		{"published by another job", func(t *testing.T, ours, _ *Ledger) { publish(t, ours, "day", f) }, Knowledge{}},
		{"published with another content", func(t *testing.T, ours, _ *Ledger) { publish(t, ours, "night", f, later) }, Knowledge{}},
		{"published and registered", func(t *testing.T, ours, _ *Ledger) { publish(t, ours, "night", f); take(t, ours, registered(f)) },
			with(yes, func(k *Knowledge) { k.Published = testTime })},
		{"given up by a daemon", func(t *testing.T, ours, _ *Ledger) { giveUp(t, ours, f.Path, 1) }, dead},
		{"given up before it was changed", func(t *testing.T, ours, _ *Ledger) {
			ours.opt.Now = func() time.Time { return f.ModTime.Add(-1) }
			giveUp(t, ours, f.Path, 1)
		}, Knowledge{}},
		{"given up and published", func(t *testing.T, ours, _ *Ledger) { publish(t, ours, "night", f); giveUp(t, ours, f.Path, 1) },
			with(dead, func(k *Knowledge) { k.Published = testTime })},
		{"given up and registered since", func(t *testing.T, ours, _ *Ledger) { giveUp(t, ours, f.Path, 1); take(t, ours, registered(f)) }, yes},
		{"given up, and another content is registered", func(t *testing.T, ours, _ *Ledger) {
			giveUp(t, ours, f.Path, 1)
			take(t, ours, registered(larger))
		}, with(dead, func(k *Knowledge) { k.Changed = true })},
		{"given up, and failed by an attempt of ours since", func(t *testing.T, ours, _ *Ledger) {
			giveUp(t, ours, f.Path, 1)
			ours.opt.Now = func() time.Time { return testTime.Add(time.Second) }
			take(t, ours, failed(f))
		}, with(no, func(k *Knowledge) {
			k.DeadLettered, k.Attempts, k.PID, k.Last = true, 4, dead.PID, testTime.Add(time.Second)
		})},
		{"failed, and given up after the last attempt", func(t *testing.T, ours, _ *Ledger) {
			take(t, ours, failed(f))
			ours.opt.Now = func() time.Time { return testTime.Add(time.Second) }
			giveUp(t, ours, f.Path, 1)
		}, with(dead, func(k *Knowledge) { k.State, k.Last = Failed, testTime.Add(time.Second) })},
		{"given up twice", func(t *testing.T, ours, _ *Ledger) {
			giveUp(t, ours, f.Path, 7)
			ours.opt.Now = func() time.Time { return testTime.Add(time.Second) }
			n := at(1)
			n.File, n.Outcome, n.Error = f.Path, string(outcome.DeadLettered), "the later"
			note(t, ours, n)
		}, with(dead, func(k *Knowledge) {
			k.Error, k.Attempts, k.PID, k.Last = "the later", 1, "", testTime.Add(time.Second)
		})},
		{"its message waits, or ended well", func(t *testing.T, ours, _ *Ledger) {
			n, m := at(1), ended(at(2), outcome.Existed)
			n.File, m.File = f.Path, f.Path
			note(t, ours, n, m)
		}, Knowledge{}},
		{"all of it elsewhere", func(t *testing.T, _, theirs *Ledger) {
			take(t, theirs, registered(larger))
			take(t, theirs, failed(f))
			publish(t, theirs, "night", f)
			giveUp(t, theirs, f.Path, 1)
		}, Knowledge{}},
		{"accepted elsewhere", func(t *testing.T, ours, theirs *Ledger) {
			take(t, ours, registered(larger))
			accept(t, theirs, 0, f)
			take(t, theirs, registered(larger))
			accept(t, theirs, 1, f)
		}, Knowledge{Changed: true}},
		{"registered elsewhere", func(t *testing.T, ours, theirs *Ledger) { take(t, theirs, registered(f)); take(t, ours, failed(f)) }, no},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			ours, theirs := openAs(t, dir, production), openAs(t, dir, staging)
			c.do(t, ours, theirs)
			if got := know(t, ours, f)[0]; !reflect.DeepEqual(got, c.want) {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
			// It is the same among others, and for each of its mentions.
			if got := know(t, ours, testFile("/data/none"), f, later, f); !reflect.DeepEqual(got[1], c.want) || !reflect.DeepEqual(got[3], c.want) ||
				!reflect.DeepEqual(got[0], Knowledge{}) {
				t.Errorf("among others: %+v", got)
			}
		})
	}
}

// TestKnowFiles_OfOneCatalogue: files are the catalogue's, messages and what was
// published the deployment's.
func TestKnowFiles_OfOneCatalogue(t *testing.T) {
	dir := t.TempDir()
	ours, fellow := openAs(t, dir, production), openAs(t, dir, second)
	a, b, c := testFile("/a"), testFile("/b"), testFile("/c")
	take(t, fellow, Note{File: a, State: Registered})
	giveUp(t, fellow, b.Path, 1)
	publish(t, fellow, "night", c)
	if got := know(t, ours, a, b, c); got[0].State != Registered || got[1].DeadLettered || !got[2].Published.IsZero() {
		t.Errorf("%+v", got)
	}
}

func TestKnowFiles_AcceptsNotesOfFormat1UntilThereAreNewer(t *testing.T) {
	dir := t.TempDir()
	plain, ours := openAs(t, dir, Deployment{}), openAs(t, dir, production)
	f := testFile("/a")
	take(t, plain, Note{File: f, Error: "old"}) // as format 1 had it: of no catalogue
	if got := know(t, ours, f)[0]; got.State != Failed || got.Error != "old" {
		t.Errorf("%+v", got)
	}
	take(t, ours, Note{File: f, State: Registered})
	take(t, plain, Note{File: f, Error: "of none again"})
	if got := know(t, ours, f)[0]; got.State != Registered || got.Error != "" {
		t.Errorf("%+v", got)
	}
}

func TestKnowFiles_OfManyInTheirOrder(t *testing.T) {
	l := openAs(t, t.TempDir(), production)
	files := manyFiles(2*knowAtOnce + 1)
	shuffle(files)
	var some []File
	for i, f := range files {
		if i%3 == 0 {
			some = append(some, f)
		}
	}
	register(t, l, some)
	for _, count := range []int{0, 1, knowAtOnce, len(files)} {
		for i, k := range know(t, l, files[:count]...) {
			if want := fmt.Sprint("20.500.12269/7d4b2c1e-5a0f-4f7b-9a54-", i/3); (k.State == Registered) != (i%3 == 0) || i%3 == 0 && k.PID != want {
				t.Fatalf("file %d of %d: %+v", i, count, k)
			}
		}
	}
}

func TestKnowFiles_TakesAnyNameAndTime(t *testing.T) {
	l := openAs(t, t.TempDir(), production)
	files := ordered()
	register(t, l, files)
	publish(t, l, "\xff'", files...)
	newest := map[string]int{} // what was published of a path last
	for i, f := range files {
		giveUp(t, l, f.Path, int64(i))
		newest[f.Path] = i
	}
	list, err := l.KnowFiles(t.Context(), "\xff'", files)
	if err != nil {
		t.Fatal(err)
	}
	for i, k := range list {
		if k.State != Registered || k.Published.IsZero() != (newest[files[i].Path] != i) || k.DeadLettered {
			t.Errorf("%q: %+v", files[i].Path, k)
		}
	}
}

func TestAcceptChanged_SaysSoOfThoseThatAreNotRegistered(t *testing.T) {
	l := openAs(t, t.TempDir(), production)
	f, never, failedOnce := testFile("/a"), testFile("/never"), testFile("/failed")
	changed, failing, again := f, f, f
	changed.Size, failing.Size, again.Size = 100, 101, 102
	take(t, l, Note{File: f, State: Registered, PID: "p", Datablock: "b", JobID: "job", Schema: "odin"})
	take(t, l, Note{File: failing, Error: "pid is taken", Class: "permanent", Exit: 65, FirstOfAttempt: true})
	take(t, l, Note{File: failedOnce, Error: "x"})
	accept(t, l, 0)
	accept(t, l, 2, f, never, failedOnce, changed, failing)
	accept(t, l, 0, f, never, failedOnce, changed, failing)
	for _, c := range []File{changed, failing} {
		e, known, err := l.OfFile(t.Context(), c)
		if err != nil || !known || e.State != Registered || e.PID != "p" || e.Datablock != "b" || e.JobID != "job" || e.Schema != "odin" || e.Error != "" ||
			e.Class != "" || e.Exit != 0 || e.Host != "odin" {
			t.Errorf("%v, %v: %+v", known, err, e)
		}
	}
	if got := know(t, l, never, failedOnce, again); got[0].State != "" || got[1].State != Failed || !got[2].Changed {
		t.Errorf("%+v", got)
	}
	if _, err := l.db.ExecContext(t.Context(), "CREATE TRIGGER refuse BEFORE INSERT ON files WHEN new.size = 103 BEGIN SELECT raise(ABORT, 'refused'); END"); err != nil {
		t.Fatal(err)
	}
	refused := f
	refused.Size = 103
	if n, err := l.AcceptChanged(t.Context(), []File{again, refused}); n != 0 || err == nil {
		t.Errorf("%d accepted, %v", n, err)
	}
	if got := know(t, l, again)[0]; !got.Changed {
		t.Errorf("half of them is accepted: %+v", got)
	}
}

func TestNoteFailed_LeavesHowFarAFileHasCome(t *testing.T) {
	l := openAs(t, t.TempDir(), production)
	states := []State{"", Registering, DatasetMade, Attaching, Registered, Left, Failed}
	var notes []Note
	for i, s := range states {
		f := testFile(fmt.Sprint("/data/", i))
		if s != "" {
			take(t, l, Note{File: f, State: s, PID: "p", FirstOfAttempt: true})
		}
		notes = append(notes, Note{File: f, State: Registered, Error: "killed", Class: "bug", Exit: 70, FirstOfAttempt: true})
	}
	if err := errors.Join(l.NoteFailed(t.Context(), nil), l.NoteFailed(t.Context(), notes)); err != nil {
		t.Fatal(err)
	}
	for i, want := range states {
		attempts := 2
		if want == "" {
			want, attempts = Failed, 1
		}
		if got := know(t, l, notes[i].File)[0]; got.State != want || got.Error != "killed" || got.Class != "bug" || got.Exit != 70 || got.Attempts != attempts {
			t.Errorf("%q: %+v", states[i], got)
		}
	}
	if notes[0].State != Registered {
		t.Error("the notes of the caller are changed")
	}
}
