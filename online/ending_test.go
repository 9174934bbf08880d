package online

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ingestor/internal/intake"
	"ingestor/internal/ledger"
	"ingestor/internal/outcome"
	"ingestor/schemas/filewriter"
)

// brittleLedger is a real ledger behind a switch that breaks it.
type brittleLedger struct {
	*ledger.Ledger
	mu    sync.Mutex
	fault error
}

func newBrittleLedger(t *testing.T) *brittleLedger {
	t.Helper()
	l, err := ledger.Open(t.Context(), t.TempDir(), ledger.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return &brittleLedger{Ledger: l}
}

func (l *brittleLedger) breaks(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fault = err
}

func (l *brittleLedger) broken() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fault
}

func (l *brittleLedger) NoteMessages(ctx context.Context, notes []ledger.MessageNote) error {
	if err := l.broken(); err != nil {
		return err
	}
	return l.Ledger.NoteMessages(ctx, notes)
}

func (l *brittleLedger) Probe(ctx context.Context) error {
	if err := l.broken(); err != nil {
		return err
	}
	return l.Ledger.Probe(ctx)
}

// letterbox keeps dead letters, or refuses them.
type letterbox struct {
	mu      sync.Mutex
	letters []intake.DeadLetter
	fault   error
}

func (b *letterbox) Send(_ context.Context, l intake.DeadLetter) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fault == nil {
		b.letters = append(b.letters, l)
	}
	return b.fault
}

func (b *letterbox) refuses(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fault = err
}

func (b *letterbox) all() []intake.DeadLetter {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.letters
}

var errTest = errors.New("no space left")

func TestEnd_WhatCanNotBeDealtWithGoesToTheTopicOfItsSource(t *testing.T) {
	own, other := &letterbox{}, &letterbox{}
	b := newBench(t, func(o *Options) { o.DeadLetters = map[string]DeadLetters{"test": own, "": other} })
	b.source.name = "test"
	b.send("exit-65.hdf")
	b.send("exit-70.hdf")
	b.source.send(filewriter.WritingDone{FileName: "-x.hdf", JobID: "j"}.Encode())
	b.source.send(filewriter.WritingDone{ServiceID: "fw", JobID: "j", FileName: "/x.hdf"}.Encode()[:40])
	b.source.send(filewriter.WritingDone{FileName: "/x.hdf", Failed: true}.Encode())
	b.source.send([]byte("not for us"))
	b.source.send(nil)
	b.send("good.hdf")
	b.wait("8 acknowledgements", func() bool { return len(b.source.acks()) == 8 })
	if err := b.finish(); err != nil {
		t.Fatal(err)
	}
	b.checkSum()
	if len(other.all()) != 0 {
		t.Errorf("letters in the wrong topic: %v", other.all())
	}
	attempts := map[int]int{}
	for _, l := range own.all() {
		attempts[l.Attempts]++
		if l.Reason == "" || strings.Contains(l.Reason, "\n") || l.Given.IsZero() || l.Value == nil {
			t.Errorf("letter %+v", l)
		}
		if l.Attempts == 3 && !strings.Contains(string(l.Stderr), "this is why exit-70.hdf fails") {
			t.Errorf("the letter does not hold the end of stderr: %q", l.Stderr)
		}
	}
	if len(own.all()) != 4 || attempts[1] != 1 || attempts[3] != 1 || attempts[0] != 2 {
		t.Errorf("letters by attempts: %v", attempts)
	}
}

func TestEnd_AMessageIsNotFinishedBeforeItsLetterIsTaken(t *testing.T) {
	box := &letterbox{fault: errTest}
	b := newBench(t, func(o *Options) { o.DeadLetters = map[string]DeadLetters{"": box} })
	bad := b.send("exit-65.hdf")
	good := b.send("good.hdf")
	b.wait("the good one", func() bool { return good.calls() > 0 })
	b.wait("the failure to be told", func() bool { return strings.Contains(b.logs.String(), "Dead letter can not be sent") })
	if bad.calls() != 0 {
		t.Fatal("finished without its letter")
	}
	box.refuses(nil)
	b.wait("the bad one", func() bool { return bad.calls() > 0 })
	if err := b.finish(); err != nil {
		t.Fatal(err)
	}
	b.checkSum()
	if n := len(box.all()); n != 1 || !bad.done() {
		t.Errorf("%d letters", n)
	}
}

func TestEnd_AStopGivesBackWhatHasNoLetterYet(t *testing.T) {
	b := newBench(t, func(o *Options) { o.DeadLetters = map[string]DeadLetters{"": &letterbox{fault: errTest}} })
	bad := b.send("exit-65.hdf")
	b.wait("the failure to be told", func() bool { return strings.Contains(b.logs.String(), "Dead letter can not be sent") })
	if err := b.finish(); err != nil {
		t.Fatal(err)
	}
	b.checkSum()
	if bad.done() || b.daemon.returned != 1 {
		t.Errorf("finished %v, returned %d", bad.done(), b.daemon.returned)
	}
}

func TestLedger_EveryEndAndEveryFailureIsNoted(t *testing.T) {
	l := newBrittleLedger(t)
	b := newBench(t, func(o *Options) { o.Ledger = l })
	b.send("good.hdf")
	b.send("exit-65.hdf")
	b.send("exit-75.untilok-2.hdf")
	b.source.send([]byte("not for us"))
	b.wait("4 acknowledgements", func() bool { return len(b.source.acks()) == 4 })
	if err := b.finish(); err != nil {
		t.Fatal(err)
	}
	b.checkSum()
	for offset, want := range map[int64]outcome.Outcome{0: outcome.Registered, 1: outcome.DeadLettered, 2: outcome.Registered, 3: ""} {
		got, known, err := l.Outcome(t.Context(), "", "t", 0, offset, time.Time{})
		if err != nil || known != (want != "") || got != string(want) {
			t.Errorf("message %d: %q %v %v, want %q", offset, got, known, err, want)
		}
	}
	dead, err := l.DeadLettered(t.Context(), ledger.MessageFilter{All: true})
	if err != nil || len(dead) != 1 || dead[0].Attempts != 1 || dead[0].File != b.path("exit-65.hdf") ||
		!strings.Contains(dead[0].Error, "this is why") || dead[0].Class != "permanent" || dead[0].Exit != 65 {
		t.Errorf("dead letters %+v, %v", dead, err)
	}
}

func TestLedger_WhileNoNoteIsTakenTheIntakeIsHeldAndNothingFinishes(t *testing.T) {
	l := newBrittleLedger(t)
	b := newBench(t, func(o *Options) { o.Ledger = l })
	first := b.send("sleep-300.hdf")
	b.wait("a child", func() bool { return b.begins("sleep-300.hdf") == 1 })
	l.breaks(errTest)
	b.wait("the hold", func() bool { return strings.Contains(b.logs.String(), `"hold":"disk-full"`) })
	second := b.send("good.hdf")
	if !b.source.isHeld() || first.calls()+second.calls() != 0 || b.begins("good.hdf") != 0 {
		t.Errorf("held %v, acknowledged %d and %d", b.source.isHeld(), first.calls(), second.calls())
	}
	l.breaks(nil)
	b.wait("both", func() bool { return first.done() && second.done() })
	if err := b.finish(); err != nil {
		t.Fatal(err)
	}
	b.checkSum()
}

func TestLedger_AStopFinishesWhatTheCatalogueHas(t *testing.T) {
	l := newBrittleLedger(t)
	b := newBench(t, func(o *Options) { o.Ledger = l })
	good, bad := b.send("sleep-300.hdf"), b.send("sleep-300.exit-65.hdf")
	b.wait("the children", func() bool { return b.begins("sleep-300.hdf")+b.begins("sleep-300.exit-65.hdf") == 2 })
	l.breaks(errTest)
	b.wait("the hold", func() bool { return strings.Contains(b.logs.String(), `"hold":"disk-full"`) })
	if err := b.finish(); err != nil {
		t.Fatal(err)
	}
	b.checkSum()
	if !good.done() || bad.done() {
		t.Errorf("the registered file finished %v, the one given up %v", good.done(), bad.done())
	}
}

func TestStale_WhatIsSomebodyElsesNowIsLetGo(t *testing.T) {
	b := newBench(t, func(o *Options) { o.MaxChildren, o.RetryDelay, o.RetryMaxDelay = 1, time.Hour, time.Hour })
	var lost atomic.Bool
	b.source.stale = lost.Load
	postponed := b.send("exit-75.hdf")
	b.wait("the first failure", func() bool { return strings.Contains(b.logs.String(), "trying again later") })
	running := b.send("sleep-1500.exit-65.hdf")
	b.wait("the child", func() bool { return b.begins("sleep-1500.exit-65.hdf") == 1 })
	lost.Store(true)
	b.wait("both to be let go", func() bool { return running.calls() == 1 && postponed.calls() == 1 })
	if err := b.finish(); err != nil {
		t.Fatal(err)
	}
	b.checkSum()
	if running.done() || postponed.done() || b.daemon.outcomes[outcome.DeadLettered] != 0 {
		t.Error("what is somebody else's was finished")
	}
}

func TestStale_AnOutageWithNothingLeftToTryEndsThoughAnOlderChildRuns(t *testing.T) {
	b := newBench(t, nil)
	var lost atomic.Bool
	long := b.send("sleep-4000")
	b.wait("the long child", func() bool { return b.begins("sleep-4000") == 1 })
	b.source.stale = lost.Load
	b.send("exit-69.hdf")
	b.wait("the outage", func() bool { return strings.Contains(b.logs.String(), "Intake held") })
	lost.Store(true)
	b.wait("the end of the hold", func() bool { return strings.Contains(b.logs.String(), "Hold released") })
	if long.calls() > 0 {
		t.Error("the long child ended first: this shows nothing")
	}
}

func TestOperator_HoldsTheIntake(t *testing.T) {
	var held sync.Mutex
	on := true
	b := newBench(t, func(o *Options) {
		o.OperatorHold = func() (bool, string) {
			held.Lock()
			defer held.Unlock()
			return on, "beam is off"
		}
	})
	b.wait("the hold", func() bool { return b.source.isHeld() })
	a := b.send("good.hdf")
	held.Lock()
	on = false
	held.Unlock()
	b.wait("the file", func() bool { return a.done() })
	if !strings.Contains(b.logs.String(), "beam is off") {
		t.Error("the reason is not told")
	}
}

func TestOutage_OfOneFileOnlyDoesNotHoldTheOthers(t *testing.T) {
	b := newBench(t, func(o *Options) { o.MaxChildren = 1 })
	odd := b.send("exit-69.hdf")
	for i := range 8 {
		a := b.send("good" + string(rune('a'+i)) + ".hdf")
		b.wait("a good file", func() bool { return a.done() })
	}
	b.wait("the word that it is alone", func() bool { return strings.Contains(b.logs.String(), "Only this file meets an outage") })
	b.wait("no hold", func() bool { return !b.source.isHeld() })
	if err := b.finish(); err != nil {
		t.Fatal(err)
	}
	b.checkSum()
	if odd.done() {
		t.Error("given up for an outage")
	}
}
