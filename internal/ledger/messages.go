package ledger

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"
)

// MessageFilter chooses among the dead-lettered messages: those to which all of
// its fields that are set apply. The zero value chooses none.
type MessageFilter struct {
	// All chooses all of them.
	All bool
	// JobID is the file writer's job.
	JobID string
	// Since is the time from which on they were given up.
	Since time.Time
	// ID is the number of one.
	ID int64
}

func (f MessageFilter) where(deployment string) (string, []any) {
	if f == (MessageFilter{}) {
		return " WHERE false", nil
	}
	conditions, args := []string{" WHERE deployment = ? AND outcome = 'dead_lettered'"}, []any{deployment}
	if f.JobID != "" {
		conditions, args = append(conditions, "job = ?"), append(args, f.JobID)
	}
	if !f.Since.IsZero() {
		conditions, args = append(conditions, "last >= ?"), append(args, stamp(f.Since))
	}
	if f.ID != 0 {
		conditions, args = append(conditions, "id = ?"), append(args, f.ID)
	}
	return strings.Join(conditions, " AND "), args
}

// The large columns of a message, or none of them. An empty key is not the same
// as none, but is read like it.
const (
	content = "key IS NOT NULL, key, headers, stderr, value"
	without = "false, NULL, NULL, NULL, NULL"
)

// Outcome is how a message ended; "" while it is to be tried. Known is false
// when nothing was noted of it.
func (l *Ledger) Outcome(ctx context.Context, source, topic string, partition int32, offset int64, t time.Time) (outcome string, known bool, err error) {
	err = l.use(ctx, func(db *sql.DB) error {
		err := db.QueryRowContext(ctx, `SELECT outcome FROM messages
			WHERE deployment = ? AND source = ? AND topic = ? AND partition = ? AND offset = ? AND time = ?`,
			l.deployment, source, topic, partition, offset, stamp(t)).Scan(&outcome)
		known = err == nil
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return l.explain("read", err)
	})
	return outcome, known, err
}

// DeadLettered lists dead-lettered messages, the oldest first, without Key,
// Value, Headers and Stderr.
func (l *Ledger) DeadLettered(ctx context.Context, f MessageFilter) ([]MessageEntry, error) {
	where, args := f.where(l.deployment)
	return l.messages(ctx, without, where+" ORDER BY time, id", args...)
}

// Message is all that is known of a message that was listed; known is false when
// it is no longer there.
func (l *Ledger) Message(ctx context.Context, id int64) (e MessageEntry, known bool, err error) {
	list, err := l.messages(ctx, content, " WHERE deployment = ? AND id = ?", l.deployment, id)
	if err != nil || len(list) == 0 {
		return MessageEntry{}, false, err
	}
	return list[0], true, nil
}

func (l *Ledger) messages(ctx context.Context, large, rest string, args ...any) ([]MessageEntry, error) {
	var list []MessageEntry
	err := l.use(ctx, func(db *sql.DB) (err error) {
		list = nil
		rows, err := db.QueryContext(ctx, `SELECT id, source, topic, partition, offset, time, job, file, outcome, attempts,
			pid, datablock, error, class, exit, value IS NOT NULL, requested, first, last, host, version, `+large+` FROM messages`+rest, args...)
		if err != nil {
			return l.explain("read", err)
		}
		defer func() { err = errors.Join(err, l.explain("read", rows.Close())) }()
		for rows.Next() {
			e, err := scan(rows)
			if err != nil {
				return l.explain("read", err)
			}
			list = append(list, e)
		}
		return l.explain("read", rows.Err())
	})
	return list, err
}

func scan(rows *sql.Rows) (MessageEntry, error) {
	var e MessageEntry
	var made, requested, first, last int64
	var headers []byte
	var keyed bool
	err := rows.Scan(&e.ID, &e.Source, &e.Topic, &e.Partition, &e.Offset, &made, &e.JobID, &e.File, &e.Outcome, &e.Attempts,
		&e.PID, &e.Datablock, &e.Error, &e.Class, &e.Exit, &e.Kept, &requested, &first, &last, &e.Host, &e.Version,
		&keyed, &e.Key, &headers, &e.Stderr, &e.Value)
	if err != nil {
		return e, err
	}
	if keyed && e.Key == nil {
		e.Key = []byte{}
	}
	e.Time, e.Requested, e.First, e.Last = unstamp(made), unstamp(requested), unstamp(first), unstamp(last)
	e.Headers, err = decodeHeaders(headers)
	return e, err
}
