package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"ingestor/internal/fault"
)

// busyPause is between two tries of what SQLite does not wait for by itself.
const busyPause = 5 * time.Millisecond

// prepare makes sure that the database is a ledger of our format.
func (l *Ledger) prepare(ctx context.Context, db *sql.DB) error {
	ours, format, err := l.inspect(ctx, db)
	if err != nil {
		return err
	}
	if ours && format == len(l.opt.steps) {
		return nil
	}
	// Several processes may come here at once.
	if err := l.writeAhead(ctx, db); err != nil {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return l.explain("open", err)
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	if _, format, err = l.inspect(ctx, tx); err != nil {
		return err
	}
	for ; format < len(l.opt.steps); format++ {
		step := l.opt.steps[format] + fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d;", application, format+1)
		if _, err := tx.ExecContext(ctx, step); err != nil {
			return l.explain(fmt.Sprintf("bring to format %d", format+1), err)
		}
	}
	return l.explain("open", tx.Commit())
}

// querier is a database or a transaction on it.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// inspect tells whether the database is a ledger, and of which format; an empty
// one is none, of format 0. What is neither is an error.
func (l *Ledger) inspect(ctx context.Context, q querier) (ours bool, format int, err error) {
	var id, tables int
	err = q.QueryRowContext(ctx, `SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)
		FROM pragma_application_id, pragma_user_version`).Scan(&id, &format, &tables)
	switch {
	case err != nil:
		return false, 0, l.explain("open", err)
	case id == application && format > len(l.opt.steps):
		return false, 0, fault.Errorf(fault.BadConfiguration, "the ledger %s was written by a newer version of this program "+
			"(format %d, this one knows up to %d): use that version, or another ingestion.state_directory", l.path, format, len(l.opt.steps))
	case id == application && format > 0:
		return true, format, nil
	case id != 0 || format != 0 || tables != 0:
		return false, 0, fault.New(fault.Unavailable, unusable{fmt.Errorf("open the ledger %s: it is a database of another program; "+
			"set another ingestion.state_directory, or move it away", l.path)})
	}
	return false, 0, nil
}

// writeAhead switches to the mode in which readers and a writer do not wait for
// each other. SQLite does not wait for its turn to switch.
func (l *Ledger) writeAhead(ctx context.Context, db *sql.DB) error {
	for until := time.Now().Add(l.opt.BusyTimeout); ; {
		_, err := db.ExecContext(ctx, "PRAGMA journal_mode = WAL")
		if err == nil || code(err) != busy || time.Now().After(until) {
			return l.explain("open", err)
		}
		timer := time.NewTimer(busyPause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return l.explain("open", ctx.Err())
		case <-timer.C:
		}
	}
}
