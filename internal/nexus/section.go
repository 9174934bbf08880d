package nexus

/*
#include "crash.h"
#include "shim.h"
*/
import "C"

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"ingestor/internal/fault"
)

// library guards libhdf5, which is one per process and need not be built
// thread-safe.
var library struct {
	sync.Mutex
	ready  bool
	broken *broken // once set, libhdf5 is not called again
}

// ErrBroken is in the chain of every error after libhdf5 crashed, or did not
// come back from a call: the process can read no more HDF5.
var ErrBroken = errors.New("the HDF5 library is broken")

// broken is why libhdf5 is not called any more.
type broken struct {
	file string // with which it began
	err  error
}

func (b *broken) Error() string        { return b.err.Error() }
func (b *broken) Unwrap() error        { return b.err }
func (b *broken) Is(target error) bool { return target == ErrBroken }

// section is one stay in libhdf5.
type section struct {
	ctx    context.Context // nil: cannot be stopped
	limit  time.Duration   // 0: none
	file   string
	object string // what is read; empty: the file itself
}

const (
	// pollCrash is how soon a crash is seen: the thread that crashed can not
	// tell it.
	pollCrash = 5 * time.Millisecond
	// stopGrace is what a call gets to come back when its work is called off.
	stopGrace = 500 * time.Millisecond
)

// Exclusive runs fn with libhdf5 to itself, on one OS thread whose printing of
// errors is off: libhdf5 keeps both the error stack and that switch per thread.
// All use of libhdf5 goes through here, also that of writers in tests. It is
// not reentrant. When libhdf5 crashes, fn never returns, and Exclusive does so
// with an error that wraps ErrBroken.
func Exclusive(fn func() error) error {
	return section{file: "a file"}.run(fn)
}

// run runs fn, whose results may be looked at only if the error does not wrap
// ErrBroken: fn may still be running then.
func (s section) run(fn func() error) error {
	library.Lock()
	defer library.Unlock()
	if b := library.broken; b != nil {
		if b.file == s.file {
			return b
		}
		return &broken{b.file, fault.Errorf(fault.Busy, "open %s: not tried, because the HDF5 library failed on %s before: run again for this file", s.file, b.file)}
	}
	if !library.ready {
		if C.nx_crash_install() < 0 {
			return errors.New("crashes of libhdf5 can not be caught")
		}
	}
	done := make(chan error, 1)
	go func() { done <- locked(fn) }()
	err := s.wait(done)
	if err == nil {
		return nil
	}
	errors.As(err, &library.broken)
	return err
}

// locked runs fn on a thread that libhdf5 finds in order.
func locked(fn func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	C.nx_crash_enter()
	defer C.nx_crash_leave()
	C.nx_enter()
	if !library.ready {
		if C.nx_setup() < 0 {
			return errors.New("libhdf5 takes no filters")
		}
		library.ready = true
	}
	return fn()
}

// wait waits for fn, or gives it up.
func (s section) wait(done <-chan error) error {
	var stopped <-chan struct{}
	if s.ctx != nil {
		stopped = s.ctx.Done()
	}
	start, worked := time.Now(), time.Duration(-1)
	poll := time.NewTimer(pollCrash)
	defer poll.Stop()
	limit := s.limit
	for {
		select {
		case err := <-done:
			return err
		case <-stopped:
			stopped = nil
			if left := time.Since(start) + stopGrace; limit <= 0 || left < limit {
				limit = left
			}
		case <-poll.C:
			if C.nx_crashed() != 0 {
				return s.broken("the HDF5 library crashed on it: the file is probably corrupt")
			}
			if worked < 0 { // the thread has begun by now
				worked = time.Duration(C.nx_worked())
			}
			switch waited := time.Since(start); {
			case limit <= 0 || waited < limit:
				poll.Reset(pollCrash)
			case s.ctx != nil && s.ctx.Err() != nil:
				return &broken{s.file, fmt.Errorf("read %s: %w", s.file, context.Cause(s.ctx))}
			case time.Duration(C.nx_worked())-worked < waited/20:
				// It waits instead of working: no fault of this file. A loop
				// gets more of a processor than that, however busy they are.
				return s.hangs()
			default:
				return s.broken(fmt.Sprintf("the HDF5 library has not come back from it after %v: the file is probably corrupt", s.limit))
			}
		}
	}
}

func (s section) broken(why string) error {
	return &broken{s.file, fault.Errorf(fault.BadInput, "%s: %s", s.at(), why)}
}

// hangs is the error of a call that waits for its storage.
func (s section) hangs() error {
	return &broken{s.file, fault.Errorf(fault.Unavailable,
		"%s: the storage has not answered for %v: is the file system mounted and well?", s.at(), s.limit)}
}

func (s section) at() string {
	if s.object != "" {
		return "read " + s.file + ": " + s.object
	}
	return "open " + s.file
}
