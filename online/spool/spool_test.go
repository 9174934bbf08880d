package spool

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	logtest "github.com/sirupsen/logrus/hooks/test"

	"ingestor/internal/intake"
	"ingestor/internal/ledger"
	"ingestor/online"
)

var _ online.Source = (*Spool)(nil)

var made = time.Date(2026, 3, 14, 10, 0, 0, 0, time.UTC)

// delivery is a message with what ends it.
type delivery struct {
	intake.Message
	ack intake.Ack
}

// bench is a ledger and the spools on it.
type bench struct {
	t      *testing.T
	dir    string
	ledger *ledger.Ledger
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, dir: t.TempDir()}
	b.ledger = b.open()
	return b
}

func (b *bench) open() *ledger.Ledger {
	b.t.Helper()
	l, err := ledger.Open(b.t.Context(), b.dir, ledger.Options{})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		if err := l.Close(); err != nil {
			b.t.Error(err)
		}
	})
	return l
}

func (b *bench) lockFile() string { return ledger.RetryLockFile(b.dir, ledger.Deployment{}) }

// dead is a dead-lettered message; a higher number is an older one.
func dead(n int) ledger.MessageNote {
	return ledger.MessageNote{
		Source: "kafka", Topic: "done", Partition: 1, Offset: int64(n), Time: made.Add(-time.Duration(n) * time.Minute),
		JobID: fmt.Sprint("job-", n), File: fmt.Sprintf("/data/%d.hdf", n), Outcome: "dead_lettered", Attempts: 5, Error: "x",
		Key: []byte("key"), Value: fmt.Append(nil, "value ", n), Headers: []intake.Header{{Key: "h", Value: []byte{0xff}}},
	}
}

func (b *bench) note(notes ...ledger.MessageNote) {
	b.t.Helper()
	if err := b.ledger.NoteMessages(b.t.Context(), notes); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) request(want int) {
	b.t.Helper()
	if n, err := b.ledger.RequestRetry(b.t.Context(), ledger.MessageFilter{All: true}); err != nil || n != want {
		b.t.Fatalf("%d requested, want %d, %v", n, want, err)
	}
}

// run starts a spool on a ledger; end stops it and waits for it.
func (b *bench) run(l Ledger, log logrus.FieldLogger) (s *Spool, deliveries chan delivery, end func()) {
	b.t.Helper()
	s, err := New(Options{Ledger: l, LockFile: b.lockFile(), Every: 5 * time.Millisecond, Log: log})
	if err != nil {
		b.t.Fatal(err)
	}
	deliveries = make(chan delivery, 1000)
	ctx, cancel := context.WithCancel(b.t.Context())
	done := make(chan error, 1)
	go func() {
		done <- s.Run(ctx, func(m intake.Message, ack intake.Ack) { deliveries <- delivery{m, ack} })
	}()
	end = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			b.t.Error(err)
		}
	})
	b.t.Cleanup(end)
	return s, deliveries, end
}

func (b *bench) next(deliveries chan delivery) delivery {
	b.t.Helper()
	select {
	case d := <-deliveries:
		return d
	case <-time.After(time.Minute):
		b.t.Fatal("nothing is delivered")
		return delivery{}
	}
}

// none wants nothing delivered while the spool looks several times.
func (b *bench) none(deliveries chan delivery) {
	b.t.Helper()
	select {
	case d := <-deliveries:
		b.t.Errorf("%s is delivered", d.Position())
	case <-time.After(60 * time.Millisecond):
	}
}

func TestSpool_DeliversWhatIsRequestedAsItsSourceDidOldestFirst(t *testing.T) {
	b := newBench(t)
	b.note(dead(1), dead(3), dead(2))
	_, deliveries, _ := b.run(b.ledger, nil)
	b.none(deliveries) // nobody asked
	b.request(3)
	for _, n := range []int{3, 2, 1} {
		d, want := b.next(deliveries), dead(n)
		if !d.Time.Equal(want.Time) {
			t.Errorf("time %v, want %v", d.Time, want.Time)
		}
		d.Time = want.Time
		if w := (ledger.MessageEntry{MessageNote: want}).Message(); !reflect.DeepEqual(d.Message, w) {
			t.Errorf("got  %+v\nwant %+v", d.Message, w)
		}
	}
	b.none(deliveries) // before their acknowledgement
}

func TestSpool_EndsWithTheNoteOfAnOutcome(t *testing.T) {
	b := newBench(t)
	good, bad := dead(2), dead(1)
	b.note(good, bad)
	b.request(2)
	_, deliveries, _ := b.run(b.ledger, nil)
	first, second := b.next(deliveries), b.next(deliveries)
	good.Outcome, good.Error, bad.Error, bad.Attempts = "registered", "", "y", 1
	b.note(good, bad)
	first.ack(nil)
	second.ack(nil)
	b.none(deliveries)
	list, err := b.ledger.DeadLettered(t.Context(), ledger.MessageFilter{All: true})
	if err != nil || len(list) != 1 || list[0].Error != "y" || !list[0].Requested.IsZero() {
		t.Fatalf("%+v, %v", list, err)
	}
	b.request(1) // asked again, it is delivered again
	if d := b.next(deliveries); d.Offset != bad.Offset {
		t.Errorf("%s is delivered", d.Position())
	}
}

func TestSpool_WhatIsNotEndedIsLeftToTheNextRun(t *testing.T) {
	b := newBench(t)
	b.note(dead(1), dead(2))
	b.request(2)
	_, deliveries, end := b.run(b.ledger, nil)
	b.next(deliveries).ack(errors.New("stopped"))
	b.next(deliveries).ack(nil) // and nobody took a note: no endless loop
	b.none(deliveries)
	end()
	_, deliveries, _ = b.run(b.ledger, nil)
	for _, n := range []int64{2, 1} {
		if d := b.next(deliveries); d.Offset != n {
			t.Errorf("%s is delivered, want %d", d.Position(), n)
		}
	}
}

func TestSpool_HoldsAndBoundsWhatIsUnderWay(t *testing.T) {
	b := newBench(t)
	var notes []ledger.MessageNote
	for n := range mostUnderWay + 5 {
		notes = append(notes, dead(n+1))
	}
	b.note(notes...)
	s, deliveries, _ := b.run(b.ledger, nil)
	s.Hold(true)
	b.request(len(notes))
	b.none(deliveries)
	s.Hold(false)
	var under []delivery
	for range mostUnderWay {
		under = append(under, b.next(deliveries))
	}
	b.none(deliveries)
	for i, d := range under[:5] {
		done := notes[len(notes)-1-i]
		if d.Offset != done.Offset {
			t.Fatalf("delivery %d is %s", i, d.Position())
		}
		done.Outcome = "registered"
		b.note(done)
		d.ack(nil)
		if d := b.next(deliveries); d.Offset != int64(5-i) {
			t.Errorf("%s is delivered, want %d", d.Position(), 5-i)
		}
	}
	b.none(deliveries)
}

func TestSpool_IsServedByOneProcessOfAMachine(t *testing.T) {
	const asChild = "INGESTOR_TEST_SPOOL"
	if dir := os.Getenv(asChild); dir != "" {
		b := &bench{t: t, dir: dir}
		b.ledger = b.open()
		_, deliveries, _ := b.run(b.ledger, nil)
		fmt.Println("delivered", b.next(deliveries).Offset)
		select {} // until killed, unacknowledged
	}
	b := newBench(t)
	b.note(dead(1))
	b.request(1)
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	child.Env = append(os.Environ(), asChild+"="+b.dir)
	out, err := child.StdoutPipe()
	if err == nil {
		err = child.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "delivered 1\n" {
		t.Fatalf("the child says %q, %v", line, err)
	}
	log, hook := logtest.NewNullLogger()
	s, deliveries, _ := b.run(b.ledger, log)
	b.none(deliveries)
	if err := s.Ready(); err != nil {
		t.Errorf("not ready while another process delivers: %v", err)
	}
	if e := hook.LastEntry(); e == nil || e.Level != logrus.InfoLevel || !strings.Contains(fmt.Sprint(e.Data["error"]), fmt.Sprint(child.Process.Pid)) || len(hook.AllEntries()) != 1 {
		t.Errorf("said: %v", e)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // killed
	if d := b.next(deliveries); d.Offset != 1 {
		t.Errorf("%s is delivered", d.Position())
	}
}

func TestSpool_TakesTheLockAgainWhenItsFileIsGone(t *testing.T) {
	b := newBench(t)
	_, deliveries, _ := b.run(b.ledger, nil)
	b.note(dead(2))
	b.request(1)
	b.next(deliveries) // has the lock
	if err := os.Remove(b.lockFile()); err != nil {
		t.Fatal(err)
	}
	b.note(dead(1))
	b.request(1)
	b.next(deliveries)
	for until := time.Now().Add(time.Minute); ; {
		k, err := ledger.LockRetries(b.lockFile(), "test")
		var held *ledger.HeldError
		if errors.As(err, &held) {
			return
		}
		if err == nil {
			err = k.Release()
			time.Sleep(20 * time.Millisecond) // lets the spool have it
		}
		if time.Now().After(until) {
			t.Fatal("the new file is not locked: ", err)
		}
	}
}

// failing is a ledger that can not be read for a while.
type failing struct {
	Ledger
	mu  sync.Mutex
	err error
}

func (f *failing) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func (f *failing) Requests(ctx context.Context, next func(ledger.Request) bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return f.err
	}
	return f.Ledger.Requests(ctx, next)
}

func TestSpool_IsNotReadyWhileTheLedgerCanNotBeRead(t *testing.T) {
	b := newBench(t)
	b.note(dead(1))
	b.request(1)
	l := &failing{Ledger: b.ledger, err: errors.New("damaged")}
	log, hook := logtest.NewNullLogger()
	s, deliveries, end := b.run(l, log)
	b.none(deliveries)
	if err := s.Ready(); err == nil || err.Error() != "damaged" {
		t.Errorf("ready: %v", err)
	}
	l.set(nil)
	b.next(deliveries).ack(errors.New("stopped"))
	for until := time.Now().Add(time.Minute); s.Ready() != nil; time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("not ready: ", s.Ready())
		}
	}
	end()
	var said []string
	for _, e := range hook.AllEntries() {
		said = append(said, e.Message)
	}
	if want := "Requests to try messages again can not be read|Trying a message again, as requested|Messages can be tried again"; strings.Join(said, "|") != want {
		t.Errorf("said %q", said)
	}
}

func TestSpool_SaysOnceThatItsLockCanNotBeHad(t *testing.T) {
	b := newBench(t)
	if err := os.Mkdir(b.lockFile(), 0o700); err != nil {
		t.Fatal(err)
	}
	b.note(dead(1))
	b.request(1)
	log, hook := logtest.NewNullLogger()
	s, deliveries, _ := b.run(b.ledger, log)
	b.none(deliveries)
	if n := len(hook.AllEntries()); n != 1 || !strings.Contains(fmt.Sprint(hook.LastEntry().Data["error"]), b.lockFile()) || s.Ready() != nil {
		t.Errorf("%d lines, %v, ready %v", n, hook.LastEntry(), s.Ready())
	}
	if err := os.Remove(b.lockFile()); err != nil {
		t.Fatal(err)
	}
	b.next(deliveries)
}

func TestNew_NamesEveryFault(t *testing.T) {
	_, err := New(Options{})
	if err == nil || !strings.Contains(err.Error(), "no ledger") || !strings.Contains(err.Error(), "no lock file") {
		t.Error(err)
	}
}
