package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"ingestor/internal/fault"
)

// ErrNotWritable says that the state directory is there, but full, read-only,
// closed to us or held up: that may be mended. Other errors are of a ledger or
// a directory that will stay as it is, see ErrUnusable.
var ErrNotWritable = errors.New("the ledger can not be written at present")

// notWritable marks an error as ErrNotWritable and leaves its text.
type notWritable struct{ error }

func (notWritable) Is(target error) bool { return target == ErrNotWritable }
func (n notWritable) Unwrap() error      { return n.error }

// ErrUnusable says that what stands in the place of the ledger, or of its
// directory, is something else, or damaged: it stays so until somebody moves it
// away.
var ErrUnusable = errors.New("the ledger can not be used as it is")

// unusable marks an error as ErrUnusable and leaves its text.
type unusable struct{ error }

func (unusable) Is(target error) bool { return target == ErrUnusable }
func (u unusable) Unwrap() error      { return u.error }

// mayBeMended are the result codes of a disk or of rights that may be mended.
// An input/output error is one: a full quota and a network that is away look
// like that.
func mayBeMended(c int) bool {
	switch c {
	case full, readOnly, canNotOpen, noPermission, busy, locked, protocol, inputOutput:
		return true
	}
	return false
}

// explain makes the one line of an error of SQLite. The end of our own context
// keeps its kind: nothing is wrong with the ledger.
func (l *Ledger) explain(doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case canceled(err):
		return fmt.Errorf("%s the ledger %s: %w", doing, l.path, context.Canceled)
	}
	said := l.reason(err)
	switch c := code(err); {
	case c == notADatabase, c == corrupt, l.isFolder():
		said = unusable{said}
	case mayBeMended(c):
		said = notWritable{said}
	}
	return fault.Errorf(fault.Unavailable, "%s the ledger %s: %w", doing, l.path, said)
}

// reason says what to do about an error of SQLite, where that is known.
func (l *Ledger) reason(err error) error {
	const anew = "; move it away, with its -wal and -shm, and a new one is made"
	switch code(err) {
	case notADatabase:
		return fmt.Errorf("it is no SQLite database, or damaged%s", anew)
	case corrupt:
		return fmt.Errorf("it is damaged (%w)%s", err, anew)
	case full:
		return fmt.Errorf("the disk is full (%w)", err)
	case inputOutput:
		return fmt.Errorf("the disk does not take or give it (%w): is it full, over its quota, or failing?", err)
	case readOnly, canNotOpen, noPermission:
		return fmt.Errorf("it can not be written by uid %d, gid %d (%w)", os.Geteuid(), os.Getegid(), err)
	case busy, locked, protocol:
		return fmt.Errorf("another process has held it for %v (%w)", l.opt.BusyTimeout, err)
	}
	return err
}

// isFolder says that something else stands in the place of the ledger.
func (l *Ledger) isFolder() bool {
	info, err := os.Stat(l.path)
	return err == nil && info.IsDir()
}

// makeDirectory makes the state directory where it is missing.
func makeDirectory(path string) error {
	dir := filepath.Dir(path)
	err := os.MkdirAll(dir, 0o750)
	if err == nil {
		return nil
	}
	said := fault.Errorf(fault.Unavailable, "make the state directory: %w", err)
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return notWritable{said}
	}
	if errors.Is(err, syscall.ENOTDIR) {
		return unusable{said}
	}
	return said
}
