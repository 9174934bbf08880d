package ledger

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// Request is a wish that a message be tried again. One that is made anew after
// the message has ended again has another time.
type Request struct {
	ID int64 // of the message
	At time.Time
}

// RequestRetry asks for dead-lettered messages to be delivered again, by the one
// who holds the RetryLock or the next who gets it, and returns how many it has
// newly asked for: not those that wait already, nor those whose content is not
// kept.
func (l *Ledger) RequestRetry(ctx context.Context, f MessageFilter) (n int, err error) {
	where, args := f.where(l.deployment)
	err = l.use(ctx, func(db *sql.DB) error {
		// Never the time of an earlier request, whatever the clock does.
		r, err := db.ExecContext(ctx, "UPDATE messages SET requested = max(?, last + 1)"+where+" AND requested = 0 AND value IS NOT NULL",
			append([]any{stamp(l.opt.Now())}, args...)...)
		if err != nil {
			return l.explain("write to", err)
		}
		changed, err := r.RowsAffected()
		n = int(changed)
		return l.explain("write to", err)
	})
	return n, err
}

// Requests goes through the messages that are to be delivered again, those that
// were made first first, until next returns false. Next must not use the ledger.
func (l *Ledger) Requests(ctx context.Context, next func(Request) bool) error {
	return l.use(ctx, func(db *sql.DB) (err error) {
		rows, err := db.QueryContext(ctx, "SELECT id, requested FROM messages WHERE deployment = ? AND requested <> 0 ORDER BY time, id", l.deployment)
		if err != nil {
			return l.explain("read", err)
		}
		defer func() { err = errors.Join(err, l.explain("read", rows.Close())) }()
		for rows.Next() {
			var r Request
			var at int64
			if err := rows.Scan(&r.ID, &at); err != nil {
				return l.explain("read", err)
			}
			r.At = unstamp(at)
			if !next(r) {
				break
			}
		}
		return l.explain("read", rows.Err())
	})
}
