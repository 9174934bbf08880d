package telemetry

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
)

// blockedSink takes nothing until it is freed.
type blockedSink struct {
	free    chan struct{}
	written int
}

func (*blockedSink) encode(*logrus.Entry) ([]byte, error) { return []byte("x"), nil }
func (*blockedSink) close() error                         { return nil }
func (b *blockedSink) write(r [][]byte) (int, error) {
	<-b.free
	b.written += len(r)
	return len(r), nil
}

func TestOutlet_NeverBlocksAndCountsWhatItDrops(t *testing.T) {
	s := &blockedSink{free: make(chan struct{})}
	log := logrus.New()
	log.Out = &buffer{}
	out := newOutlet("place", s, log)
	log.AddHook(out)
	go out.run()
	const records = 3 * outletQueue
	for range records {
		log.Info("x") // hangs here if it blocks
	}
	close(s.free)
	if err := out.close(); err == nil || !strings.Contains(err.Error(), "log lines were lost") {
		t.Errorf("got %v", err)
	}
	if got := s.written + int(out.dropped.Load()); got != records || out.dropped.Load() < records-outletQueue-outletBatch {
		t.Errorf("%d written, %d dropped of %d", s.written, out.dropped.Load(), records)
	}
}

// brokenSink fails so often, and never takes what is unfit.
type brokenSink struct {
	failures int
	lines    []string
}

func (*brokenSink) encode(e *logrus.Entry) ([]byte, error) { return []byte(e.Message), nil }
func (*brokenSink) close() error                           { return nil }
func (b *brokenSink) write(records [][]byte) (int, error) {
	for i, r := range records {
		if string(r) == "unfit" {
			return i, fmt.Errorf("%w: too large", errUnfit)
		}
		if b.failures > 0 {
			b.failures--
			return i, errors.New("away")
		}
		b.lines = append(b.lines, string(r))
	}
	return len(records), nil
}

// feed logs through an outlet of s that tries again at once, and closes it.
func feed(t *testing.T, s sink, lines ...string) (said string, err error) {
	t.Helper()
	stderr := &buffer{}
	log := logrus.New()
	log.Out = stderr
	out := newOutlet("place", s, log)
	out.again = time.Millisecond
	log.AddHook(out)
	for _, l := range lines {
		log.Info(l)
	}
	go out.run()
	for deadline := time.Now().Add(time.Minute); out.bytes.Load() > 0 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	err = out.close()
	return stderr.String(), err
}

func TestOutlet_LinesWaitForAPlaceThatIsAway(t *testing.T) {
	s := &brokenSink{failures: 3}
	said, err := feed(t, s, "one", "two", "three")
	if err != nil {
		t.Error(err)
	}
	if strings.Count(said, "The place does not take log lines") != 1 || strings.Count(said, "The place takes log lines again") != 1 || !strings.Contains(said, "lost=0") {
		t.Errorf("said %s", said)
	}
	if len(s.lines) < 3 || !slices.Equal(s.lines[:3], []string{"one", "two", "three"}) {
		t.Errorf("got %q", s.lines)
	}
}

func TestOutlet_OneRecordThatNeverFitsCostsNoOther(t *testing.T) {
	s := &brokenSink{}
	_, err := feed(t, s, "one", "unfit", "three")
	if err == nil || !strings.Contains(err.Error(), "1 log lines were lost") {
		t.Errorf("the loss is not told: %v", err)
	}
	if !slices.Equal(s.lines, []string{"one", "three"}) {
		t.Errorf("got %q", s.lines)
	}
}

func TestOutlet_TriesOnceMoreAtTheEnd(t *testing.T) {
	s := &brokenSink{failures: 1}
	log := logrus.New()
	log.Out = &buffer{}
	out := newOutlet("place", s, log)
	out.again = time.Hour
	log.AddHook(out)
	go out.run()
	log.Info("one")
	if err := out.close(); err != nil {
		t.Error(err)
	}
	if len(s.lines) == 0 || s.lines[0] != "one" {
		t.Errorf("got %q", s.lines)
	}
}

func TestOutlet_WhatWaitsIsBounded(t *testing.T) {
	s := &blockedSink{free: make(chan struct{})}
	out := newOutlet("place", &large{s}, logrus.New())
	const records = 100
	for range records {
		if err := out.Fire(nil); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(out.queue); n != outletBytes>>20 || out.dropped.Load() != records-int64(n) {
		t.Errorf("%d wait, %d are dropped", n, out.dropped.Load())
	}
}

// large makes records of a megabyte.
type large struct{ *blockedSink }

func (*large) encode(*logrus.Entry) ([]byte, error) { return make([]byte, 1<<20), nil }
