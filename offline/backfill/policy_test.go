package backfill

import (
	"testing"
	"time"

	"ingestor/internal/fault"
	"ingestor/internal/ledger"
)

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

func TestDecide_SaysWhatBecomesOfAFileThatWasFound(t *testing.T) {
	failed := func(k fault.Kind, attempts int) ledger.Knowledge {
		return ledger.Knowledge{State: ledger.Failed, Class: k.Class().String(), Exit: k.ExitCode(), Error: "why", Attempts: attempts, Last: noon}
	}
	dead := failed(fault.BadInput, 5)
	dead.State, dead.DeadLettered = "", true
	deadOutage := failed(fault.Unavailable, 5)
	deadOutage.State, deadOutage.DeadLettered = "", true
	rules := func(at time.Time) func(*Options) { return func(o *Options) { o.Retry.RulesChanged = at } }
	for _, c := range []struct {
		name   string
		known  ledger.Knowledge
		change func(*Options)
		count  Count // "" is taken
		open   bool
	}{
		{"one that nobody knows is taken", ledger.Knowledge{}, nil, "", false},
		{"one that is registered is left", ledger.Knowledge{State: ledger.Registered}, nil, Known, false},
		{"one whose dataset somebody else made is left", ledger.Knowledge{State: ledger.Left}, nil, Known, false},
		{"one that is accepted is left", ledger.Knowledge{State: ledger.Registered, Accepted: true}, nil, Known, false},
		{"one that has changed is told until it is accepted", ledger.Knowledge{Changed: true}, nil, Changed, true},
		{"one that has changed is not tried, whatever failed before", ledger.Knowledge{Changed: true, State: ledger.Failed, Exit: 75}, nil, Changed, true},
		{"one that is registered by half is taken", ledger.Knowledge{State: ledger.DatasetMade}, nil, "", false},
		{"one whose datablock is in doubt is taken", ledger.Knowledge{State: ledger.Attaching}, nil, "", false},
		{"one that failed for good is left", failed(fault.BadInput, 1), nil, FailedBefore, false},
		{"unless a schema is newer", failed(fault.BadInput, 1), rules(noon.Add(1)), "", false},
		{"an older one is no reason", failed(fault.BadInput, 1), rules(noon), FailedBefore, false},
		{"unless its rights were changed", failed(fault.BadInput, 1), func(o *Options) {
			o.Retry.FileChanged = func(string) (time.Time, bool) { return noon.Add(1), true }
		}, "", false},
		{"unless always", failed(fault.BadInput, 1), func(o *Options) { o.Retry.Failed = AgainAlways }, "", false},
		{"never is never", failed(fault.BadInput, 1), func(o *Options) { o.Retry.Failed, o.Retry.RulesChanged = AgainNever, noon.Add(1) }, FailedBefore, false},
		{"what may pass is taken", failed(fault.Busy, 100), func(o *Options) { o.Retry.Failed = AgainNever }, "", false},
		{"an outage is no fault of the file", failed(fault.Unavailable, 100), nil, "", false},
		{"a crash is tried again", failed(fault.Bug, 3), nil, "", false},
		{"not for ever", failed(fault.Bug, 4), nil, FailedBefore, false},
		{"what the daemon gave up for good is left", dead, nil, FailedBefore, false},
		{"unless a schema is newer than that", dead, rules(noon.Add(1)), "", false},
		{"what the daemon gave up in an outage is taken", deadOutage, nil, "", false},
		{"what was published is taken by a run that registers", ledger.Knowledge{Published: noon}, nil, "", false},
		{"what was published lately is not published again", ledger.Knowledge{Published: noon}, func(o *Options) { o.Publisher = &publisher{} }, PublishedBefore, false},
		{"what was published long ago is", ledger.Knowledge{Published: noon.Add(-25 * time.Hour)}, func(o *Options) { o.Publisher = &publisher{} }, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := Options{}.withDefaults()
			if c.change != nil {
				c.change(&o)
			}
			d := o.decide(ledger.File{Path: "/d/f"}, c.known, noon.Add(time.Hour))
			if d.take != (c.count == "") || d.count != c.count || d.open != c.open || d.why == "" {
				t.Errorf("got %+v", d)
			}
		})
	}
}

func TestAfterFailure_SaysWhatBecomesOfAFileThatWasTried(t *testing.T) {
	for _, c := range []struct {
		name             string
		kind             fault.Kind
		attempts, before int
		want             fate
	}{
		{"what will never work has failed", fault.BadInput, 1, 0, lasting},
		{"what may pass is tried again", fault.Busy, 1, 0, later},
		{"a second time only by the next run", fault.Busy, 2, 0, passing},
		{"what has had its time before, too", fault.Busy, 1, 1, passing},
		{"an outage may be general", fault.Unavailable, 1, 0, general},
		{"so may a refused token", fault.NotPermitted, 1, 0, general},
		{"a crash is left to the next run", fault.Bug, 1, 0, passing},
		{"until it has crashed too often", fault.Bug, 1, 3, lasting},
		{"our own stop says nothing", fault.Terminated, 1, 0, stopped},
	} {
		r := Retry{}.withDefaults()
		if got := r.afterFailure(c.kind, c.attempts, c.before); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestPace(t *testing.T) {
	free := pace{}
	if n, wait := free.may(noon, 50); n != 50 || wait != 0 {
		t.Errorf("without a limit %d, %v", n, wait)
	}
	slow := pace{perHour: 60}
	for i, want := range []struct {
		at   time.Duration
		n    int
		wait time.Duration
	}{{0, 1, 0}, {time.Second, 0, 59 * time.Second}, {time.Minute, 1, 0}, {10 * time.Minute, 1, 0}, {10*time.Minute + 1, 0, time.Minute - 1}} {
		if n, wait := slow.may(noon.Add(want.at), 50); n != want.n || wait != want.wait {
			t.Errorf("step %d: %d, %v", i, n, wait)
		}
	}
	fast := pace{perHour: 3_600_000}
	if n, _ := fast.may(noon, 50); n != 50 {
		t.Errorf("fast: %d", n)
	}
	if _, wait := fast.may(noon, 50); wait != 50*time.Millisecond {
		t.Errorf("fast: wait %v", wait)
	}
}

func TestCause_IsTheSameForFilesThatFailAlike(t *testing.T) {
	a := cause(`open /d/run_1.hdf: is not an HDF5 file, "abc" at 12, job 7d4b2c1e-5a0f-4f7b-9a54-2f6f0e9c3d10`, "/d/run_1.hdf")
	b := cause(`open /d/x/run_22.hdf: is not an HDF5 file, "de" at 3.5, job 00000000-5a0f-4f7b-9a54-2f6f0e9c3d10`, "/d/x/run_22.hdf")
	if a != b || a != `open …: is not an HDF5 file, "…" at N, job …` {
		t.Errorf("%s\n%s", a, b)
	}
}
