package telemetry

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
)

// gate is a standard error that nobody reads until it is opened.
type gate struct {
	buffer
	open chan struct{}
}

func (g *gate) Write(p []byte) (int, error) {
	<-g.open
	return g.buffer.Write(p)
}

// queued makes a daemon's logger.
func queued(t *testing.T, stderr io.Writer, o LogOptions) (log *logrus.Logger, end func() error) {
	t.Helper()
	o.Queue, o.Stderr, o.Program = true, stderr, "p"
	log, end, err := NewLogger(o)
	if err != nil {
		t.Fatal(err)
	}
	return log, end
}

// messages are those of the log lines.
func messages(text string) (all []string) {
	for line := range strings.Lines(text) {
		_, message, _ := strings.Cut(strings.TrimSpace(line), "INFO - ")
		all = append(all, message)
	}
	return all
}

func numbers(n int) (all []string) {
	for i := range n {
		all = append(all, strconv.Itoa(i))
	}
	return all
}

func TestQueue_EveryLineComesInOrderAndBeforeTheEnd(t *testing.T) {
	stderr := &buffer{}
	log, end := queued(t, stderr, LogOptions{})
	const lines = 3 * outletQueue // the burst fills the queue: whoever logs waits for a moment
	for _, n := range numbers(lines) {
		log.Info(n)
	}
	if err := end(); err != nil {
		t.Fatal(err)
	}
	if got := messages(stderr.String()); !slices.Equal(got, numbers(lines)) {
		t.Errorf("%d lines of %d, or not in order", len(got), lines)
	}
}

// A bubble has its own clock: these waits cost nothing, and are exact.
func TestQueue_ReaderThatStopsHoldsUpNobodyAndIsToldWhatItMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stderr := &gate{open: make(chan struct{})}
		log, end := queued(t, stderr, LogOptions{})
		const lines = 2 * outletQueue
		began := time.Now()
		for _, n := range numbers(lines) {
			log.Info(n)
		}
		if took := time.Since(began); took > stderrGrace {
			t.Errorf("whoever logs waited for %s", took)
		}
		close(stderr.open)
		synctest.Wait()
		log.Info("read again")
		if err := end(); err != nil {
			t.Error(err)
		}
		got := messages(stderr.String())
		kept := len(got) - 2
		if !slices.Equal(got[:kept], numbers(kept)) || kept < outletQueue || got[kept+1] != "read again" {
			t.Errorf("%d lines, the last %q", len(got), got[max(0, kept-1):])
		}
		if want := fmt.Sprintf("WARNING - The standard error takes log lines again lost=%d", lines-kept); !strings.HasSuffix(got[kept], want) && !strings.Contains(stderr.String(), want) {
			t.Errorf("%q is not told", want)
		}
	})
}

func TestQueue_EndWaitsForAReaderButNotForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, late := range []time.Duration{closeLimit - time.Millisecond, time.Hour} {
			stderr := &gate{open: make(chan struct{})}
			log, end := queued(t, stderr, LogOptions{})
			log.Info("the last line")
			time.AfterFunc(late, func() { close(stderr.open) })
			began := time.Now()
			if err := end(); err != nil {
				t.Error(err)
			}
			if took := time.Since(began); took != min(late, closeLimit) {
				t.Errorf("ended after %s with a reader that comes after %s", took, late)
			}
			if read := strings.Contains(stderr.String(), "the last line"); read != (late < closeLimit) {
				t.Errorf("a reader that comes after %s gets %q", late, stderr.String())
			}
			time.Sleep(late)
			synctest.Wait()
		}
	})
}

func TestQueue_WhatOtherPlacesSayAtTheEndIsHeard(t *testing.T) {
	stderr := &buffer{}
	log, end := queued(t, stderr, LogOptions{File: filepath.Join(t.TempDir(), "none", "run")})
	log.Info("here")
	if err := end(); err == nil || !strings.Contains(err.Error(), "log file: ") {
		t.Errorf("got %v", err)
	}
	if got := stderr.String(); !strings.Contains(got, "The log file does not take log lines") || !strings.Contains(got, "here") {
		t.Errorf("got %s", got)
	}
}

// faulty is a standard error whose reader has gone, until it is mended.
type faulty struct {
	buffer
	mended chan struct{}
}

func (f *faulty) Write(p []byte) (int, error) {
	select {
	case <-f.mended:
		return f.buffer.Write(p)
	default:
		return 0, errors.New("no reader")
	}
}

func TestQueue_ReaderThatHasGoneHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, comesBack := range []bool{true, false} {
			stderr := &faulty{mended: make(chan struct{})}
			log, end := queued(t, stderr, LogOptions{})
			log.Info("0")
			synctest.Wait() // it is known to have gone
			began := time.Now()
			for _, n := range numbers(2 * outletQueue)[1:] {
				log.Info(n)
			}
			if took := time.Since(began); took > 0 {
				t.Errorf("whoever logs waited for %s", took)
			}
			if comesBack {
				close(stderr.mended)
				time.Sleep(2 * awayPause)
			}
			if err := end(); err != nil {
				t.Error(err)
			}
			if took := time.Since(began); took > 2*awayPause {
				t.Errorf("ended after %s", took)
			}
			if told := strings.Contains(stderr.String(), "takes log lines again lost="); told != comesBack {
				t.Errorf("it comes back: %v, and is told its losses: %v", comesBack, told)
			}
		}
	})
}

func TestQueue_TheJournalGetsTheFields(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "journal")
	conn := systemLog(t, socket)
	log, stream := journalled(t, LogOptions{Program: "p", JournalSocket: socket, Queue: true})
	log.WithField("file", "/data/a.nxs").Warn("one")
	record := make([]byte, 4096)
	n, err := conn.Read(record)
	if err != nil {
		t.Fatal(err)
	}
	if got := fieldsOf(t, record[:n]); got["MESSAGE"] != "WARNING one file=/data/a.nxs" || got["FILE"] != "/data/a.nxs" {
		t.Errorf("got %v", got)
	}
	if err := errors.Join(conn.Close(), os.Remove(socket)); err != nil {
		t.Fatal(err)
	}
	log.Warn("two")
	for deadline := time.Now().Add(time.Minute); read(t, stream) == "" && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	if got := read(t, stream); got != "<4>WARNING two\n" {
		t.Errorf("without the journal's socket: %q", got)
	}
}

func TestImpatient_GivesUpForGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stderr := &gate{open: make(chan struct{})}
		w := Impatient(stderr)
		began := time.Now()
		for range 3 {
			if _, err := io.WriteString(w, "x\n"); err == nil {
				t.Error("nobody reads, and it is no error")
			}
		}
		if took := time.Since(began); took != closeLimit {
			t.Errorf("waited for %s", took)
		}
		close(stderr.open)
		synctest.Wait()
		w = Impatient(stderr)
		if n, err := io.WriteString(w, "read\n"); n != len("read\n") || err != nil || !strings.HasSuffix(stderr.String(), "read\n") {
			t.Errorf("%d %v %q", n, err, stderr.String())
		}
	})
}
