package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"

	"ingestor/internal/fault"
)

// FileName is the database's name in the state directory.
const FileName = "ledger.sqlite"

// Ledger is an open ledger. It is safe for use by several goroutines, and by
// any number of processes at once.
type Ledger struct {
	db   *sql.DB
	path string
	opt  Options
}

// Open opens the ledger in a state directory, and makes both where they are
// missing. The error is one line that names the file; it is of kind
// BadConfiguration when the ledger was written by a newer version, and of kind
// Unavailable otherwise: the directory can not be written, the disk is full, or
// the file is no ledger or damaged.
func Open(ctx context.Context, dir string, o Options) (*Ledger, error) {
	o = o.withDefaults()
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fault.Errorf(fault.Unavailable, "state directory: %w", err)
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fault.Errorf(fault.Unavailable, "make the state directory: %w", err)
	}
	l := &Ledger{path: filepath.Join(dir, FileName), opt: o}
	if l.db, err = sql.Open("sqlite", source(l.path, o)); err != nil {
		return nil, l.explain("open", err)
	}
	// One connection: a process has little to say, and each costs memory.
	l.db.SetMaxOpenConns(1)
	if err := l.prepare(ctx); err != nil {
		_ = l.db.Close() // the first error says more
		return nil, err
	}
	return l, nil
}

// Close brings all notes into the main file and closes it. That waits for the
// disk; notes are kept without it too, so a program that ends anyway may leave
// it to the system.
func (l *Ledger) Close() error {
	if err := l.db.Close(); err != nil {
		return l.explain("close", err)
	}
	return nil
}

// Path is the file of the ledger.
func (l *Ledger) Path() string { return l.path }

// explain makes the one line of an error of SQLite.
func (l *Ledger) explain(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fault.Errorf(fault.Unavailable, "%s the ledger %s: %w", doing, l.path, l.reason(err))
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
	case readOnly, canNotOpen, noPermission:
		return fmt.Errorf("it can not be written by uid %d, gid %d (%w)", os.Geteuid(), os.Getegid(), err)
	case busy, locked:
		return fmt.Errorf("another process has held it for %v (%w)", l.opt.BusyTimeout, err)
	}
	return err
}
