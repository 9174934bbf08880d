//go:build linux

package children

import (
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"syscall"

	"ingestor/internal/fault"
)

// ErrStopped says that no child can be started any more: the context of Run has
// ended.
var ErrStopped = errors.New("no new child: the runner has stopped")

// errRunning says that Run was called a second time.
var errRunning = errors.New("run children: the runner runs already or has run")

// StartError says that a program could not be started. Its kind of fault tells
// whether that is so for every child (the program is missing or no program),
// for this one (its arguments) or for now (the system is out of something).
type StartError struct {
	// Program is the first element of Argv.
	Program string
	// Err is the reason.
	Err error
}

// Error names the program and the reason in one line.
func (e *StartError) Error() string {
	reason := e.Err
	var path *fs.PathError
	var lookup *exec.Error
	switch {
	// These name the program once more.
	case errors.As(e.Err, &path) && path.Path == e.Program:
		reason = path.Err
	case errors.As(e.Err, &lookup):
		reason = lookup.Err
	}
	return fmt.Sprintf("start program %q: %v", e.Program, reason)
}

// Unwrap gives the reason.
func (e *StartError) Unwrap() error { return e.Err }

// startError is a StartError with its kind of fault.
func startError(program string, err error) error {
	return fault.New(startFault(err), &StartError{Program: program, Err: err})
}

func startFault(err error) fault.Kind {
	for _, passing := range []error{
		syscall.EAGAIN, syscall.ENOMEM, syscall.EMFILE, syscall.ENFILE, syscall.ENOSPC,
		syscall.ETXTBSY, // the program is being replaced
	} {
		if errors.Is(err, passing) {
			return fault.Busy
		}
	}
	// Arguments that are too long or hold a NUL byte.
	if errors.Is(err, syscall.E2BIG) || errors.Is(err, syscall.EINVAL) {
		return fault.BadInput
	}
	return fault.BadConfiguration
}
