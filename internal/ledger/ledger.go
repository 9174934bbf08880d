package ledger

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"ingestor/internal/fault"
)

// FileName is the database's name in the state directory.
const FileName = "ledger.sqlite"

// Ledger is an open ledger. It is safe for use by several goroutines, and by
// any number of processes at once.
type Ledger struct {
	path       string
	opt        Options
	deployment string // stands for that of the options

	mu     sync.RWMutex // written while the file is opened or closed
	db     *sql.DB      // nil: could not be opened again
	file   os.FileInfo  // what db has open
	closed bool

	preparing   sync.Mutex
	takeMessage *sql.Stmt   // of db; closed with it
	named       atomic.Bool // the deployment, in db
}

// Open opens the ledger in a state directory, and makes both where they are
// missing. The error is one line that names the file; it is of kind
// BadConfiguration when the ledger was written by a newer version, and of kind
// Unavailable otherwise: the directory can not be written, the disk is full
// (ErrNotWritable), or the file is no ledger or damaged.
func Open(ctx context.Context, dir string, o Options) (*Ledger, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fault.Errorf(fault.Unavailable, "state directory: %w", err)
	}
	l := &Ledger{path: filepath.Join(dir, FileName), opt: o.withDefaults(), deployment: o.id()}
	if err := l.open(ctx); err != nil {
		return nil, err
	}
	return l, nil
}

// open opens the file, and makes it where it is missing.
func (l *Ledger) open(ctx context.Context) error {
	if err := makeDirectory(l.path); err != nil {
		return err
	}
	l.makeFile()
	db, err := sql.Open("sqlite", source(l.path, l.opt))
	if err != nil {
		return l.explain("open", err)
	}
	// One connection: a process has little to say, and each costs memory.
	db.SetMaxOpenConns(1)
	if err = l.prepare(ctx, db); err == nil {
		l.file, err = os.Stat(l.path)
		if err != nil {
			err = l.explain("open", err)
		}
	}
	if err != nil {
		_ = db.Close() // the first error says more
		return err
	}
	l.db, l.takeMessage = db, nil
	l.named.Store(false)
	return nil
}

// makeFile makes the file where it is missing and we are root, so that it belongs
// to the owner of the directory, and by that what SQLite puts beside it: the daemon
// needs them too. What can not be made SQLite will say.
func (l *Ledger) makeFile() {
	if os.Geteuid() != 0 {
		return
	}
	file, err := os.OpenFile(l.path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return
	}
	_ = giveToOwner(file)
	_ = file.Close()
}

// Close brings all notes into the main file and closes it. That waits for the
// disk; notes are kept without it too, so a program that ends anyway may leave
// it to the system.
func (l *Ledger) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.db == nil {
		return nil
	}
	err := l.db.Close()
	l.db = nil
	return l.explain("close", err)
}

// Path is the file of the ledger.
func (l *Ledger) Path() string { return l.path }
