package ledger

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// use does something with the database. Where its file was moved away or
// deleted a new one is made first: a note in a file that nobody finds is lost.
func (l *Ledger) use(ctx context.Context, do func(*sql.DB) error) error {
	l.mu.RLock()
	if !l.there() {
		l.mu.RUnlock()
		if err := l.reopen(ctx); err != nil {
			return err
		}
		l.mu.RLock()
	}
	defer l.mu.RUnlock()
	if l.db == nil { // what another goroutine has just found
		return l.explain("use", errClosed)
	}
	return do(l.db)
}

var errClosed = errors.New("it is not open")

// there says that the file that is open is the one that others would open. What
// can not be looked at is taken for there: the database will say more.
func (l *Ledger) there() bool {
	if l.db == nil {
		return l.closed
	}
	info, err := os.Stat(l.path)
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR)
	}
	return os.SameFile(info, l.file)
}

func (l *Ledger) reopen(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.there() {
		return nil
	}
	if l.db != nil {
		// SQLite sees that the file is not in its place, and leaves the names
		// beside it, which may belong to a new one.
		_ = l.db.Close()
		l.db = nil
	}
	err := l.open(ctx)
	if err != nil && ctx.Err() == nil {
		err = l.open(ctx) // it may be moved away once more, while it is made
	}
	return err
}

// Probe proves that notes can be taken: it takes one.
func (l *Ledger) Probe(ctx context.Context) error {
	return l.use(ctx, func(db *sql.DB) error {
		_, err := db.ExecContext(ctx, "INSERT INTO probe (id, at) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET at = ?1", stamp(l.opt.Now()))
		return l.explain("write to", err)
	})
}
