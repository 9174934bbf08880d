// Package fault holds the kinds of failure, and what each means to a process
// (its exit code) and to whoever started it (its class).
//
// Invariant: every error that reaches main has exactly one Kind; an error that
// nobody marked is a Bug. The table of kinds is the only place where exit codes
// and classes are decided.
package fault

import (
	"context"
	"errors"
	"fmt"
)

// Kind says what went wrong, coarsely enough to act on it.
type Kind uint8

// The kinds of failure.
const (
	// Bug is a panic, a signal, or any error that nobody classified.
	Bug Kind = iota
	// Usage is a wrong command line.
	Usage
	// BadInput is a file or a schema that will never work as it is.
	BadInput
	// Unavailable is a catalogue or storage that stayed away.
	Unavailable
	// Busy is a file that is locked or not there yet.
	Busy
	// NotPermitted is a rejected token or a missing right.
	NotPermitted
	// BadConfiguration is a configuration that can not work.
	BadConfiguration
	// Interrupted is the end of our own context by SIGINT.
	Interrupted
	// Terminated is the end of our own context by SIGTERM.
	Terminated
	// SomeFailed is a run over many files that is done, but for some that failed
	// for good.
	SomeFailed
)

// Class says how to react to a failure.
type Class uint8

// The classes of failure.
const (
	// ClassBug is retried a bounded number of times, then given up.
	ClassBug Class = iota
	// ClassTransient concerns one file and passes: retry with back-off.
	ClassTransient
	// ClassSystemic concerns every file: hold the intake until it is mended.
	ClassSystemic
	// ClassPermanent concerns one file and stays: record it and go on.
	ClassPermanent
	// ClassInterrupted was our own doing: not marked, done again later.
	ClassInterrupted
)

// table is the one place that ties a kind to its exit code and its class.
var table = [...]struct {
	name  string
	exit  int
	class Class
}{
	Bug:              {"bug", 70, ClassBug},
	Usage:            {"usage", 2, ClassPermanent},
	BadInput:         {"bad input", 65, ClassPermanent},
	Unavailable:      {"unavailable", 69, ClassSystemic},
	Busy:             {"busy", 75, ClassTransient},
	NotPermitted:     {"not permitted", 77, ClassSystemic},
	BadConfiguration: {"bad configuration", 78, ClassSystemic},
	Interrupted:      {"interrupted", 130, ClassInterrupted},
	Terminated:       {"terminated", 143, ClassInterrupted},
	SomeFailed:       {"some files failed", 1, ClassPermanent},
}

func (k Kind) String() string { return table[k].name }

// ExitCode is the status with which a process ends for this kind.
func (k Kind) ExitCode() int { return table[k].exit }

// Class is how to react to this kind.
func (k Kind) Class() Class { return table[k].class }

var classNames = [...]string{
	ClassBug: "bug", ClassTransient: "transient", ClassSystemic: "systemic",
	ClassPermanent: "permanent", ClassInterrupted: "interrupted",
}

func (c Class) String() string { return classNames[c] }

// Error is an error of a known kind.
type Error struct {
	Kind Kind
	Err  error
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// New marks err with a kind; nil stays nil. A mark that err already carries
// deeper inside is overruled.
func New(k Kind, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Kind: k, Err: err}
}

// Errorf is New of fmt.Errorf.
func Errorf(k Kind, format string, args ...any) error {
	return &Error{Kind: k, Err: fmt.Errorf(format, args...)}
}

// KindOf is the kind of the outermost mark in err. Without a mark an ended
// context counts as interrupted, all else as a bug.
func KindOf(err error) Kind {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e.Kind
	case errors.Is(err, context.Canceled):
		return Interrupted
	default:
		return Bug
	}
}

// ExitCode is the status with which a process ends after err; 0 for nil.
func ExitCode(err error) int {
	if err == nil {
		return 0
	}
	return KindOf(err).ExitCode()
}

// OfExit is the kind that another process meant with its exit status. The
// second result is false for 0, which is no failure. A status that is not in
// the table counts as a bug; so does 1, with which most programs mean any failure.
func OfExit(status int) (Kind, bool) {
	if status == 0 {
		return Bug, false
	}
	for k, row := range table {
		if row.exit == status && Kind(k) != SomeFailed {
			return Kind(k), true
		}
	}
	return Bug, true
}
