package ledger

import (
	"context"
	"database/sql"
	"time"
)

// noteMessage takes a note of a message. A message that ended well, or that
// needs nothing, is not delivered again: its content is let go.
const noteMessage = `
INSERT INTO messages (deployment, source, topic, partition, offset, time, job, file, outcome, attempts, pid, datablock,
	error, class, exit, requested, first, last, host, version, key, headers, stderr, value)
SELECT ?22, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, 0, ?15, ?15, ?16, ?17,
	iif(keep, ?18, NULL), iif(keep, ?19, NULL), iif(keep, ?20, NULL), iif(keep, ?21, NULL)
FROM (SELECT ?8 IN ('', 'dead_lettered', 'malformed', 'invalid_path') AS keep) WHERE true
ON CONFLICT (deployment, source, topic, partition, offset, time) DO UPDATE SET
	job = iif(?6 = '', job, ?6),
	file = iif(?7 = '', file, ?7),
	outcome = iif(?8 = '', outcome, ?8),
	attempts = ?9,
	pid = iif(?10 = '', pid, ?10),
	datablock = iif(?11 = '', datablock, ?11),
	error = ?12, class = ?13, exit = ?14,
	requested = iif(?8 = '', requested, 0),
	last = ?15, host = ?16, version = ?17,
	key = CASE WHEN iif(?8 = '', outcome, ?8) IN ('', 'dead_lettered', 'malformed', 'invalid_path') THEN coalesce(?18, key) END,
	headers = CASE WHEN iif(?8 = '', outcome, ?8) IN ('', 'dead_lettered', 'malformed', 'invalid_path') THEN coalesce(?19, headers) END,
	stderr = CASE WHEN iif(?8 = '', outcome, ?8) IN ('', 'dead_lettered', 'malformed', 'invalid_path') THEN ?20 END,
	value = CASE WHEN iif(?8 = '', outcome, ?8) IN ('', 'dead_lettered', 'malformed', 'invalid_path') THEN coalesce(?21, value) END`

// NoteMessages takes all notes, or none. A note with an outcome answers the
// request to try the message again; one without leaves the outcome of a message
// that is known, which may be delivered twice. Once it returns without error the
// notes survive the end of the process.
func (l *Ledger) NoteMessages(ctx context.Context, notes []MessageNote) error {
	if len(notes) == 0 {
		return nil
	}
	return l.use(ctx, func(db *sql.DB) error {
		take, err := l.prepared(ctx, db)
		if err != nil {
			return l.explain("write to", err)
		}
		return l.transactNamed(ctx, db, func(tx *sql.Tx) error { return l.insert(ctx, tx.StmtContext(ctx, take), notes) })
	})
}

// nameDeployment says in words whose the messages are, once for each database.
func (l *Ledger) nameDeployment(ctx context.Context, tx *sql.Tx) error {
	if l.named.Load() {
		return nil
	}
	_, err := tx.ExecContext(ctx, "INSERT INTO deployments (id, catalogue, consumer_group) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
		l.deployment, l.opt.Catalogue, l.opt.Group)
	return err
}

// prepared is the statement that takes a note: to prepare it costs as much as to
// run it.
func (l *Ledger) prepared(ctx context.Context, db *sql.DB) (*sql.Stmt, error) {
	l.preparing.Lock()
	defer l.preparing.Unlock()
	if l.takeMessage == nil {
		stmt, err := db.PrepareContext(ctx, noteMessage)
		if err != nil {
			return nil, err
		}
		l.takeMessage = stmt
	}
	return l.takeMessage, nil
}

func (l *Ledger) insert(ctx context.Context, take *sql.Stmt, notes []MessageNote) error {
	now := stamp(l.opt.Now())
	for _, n := range notes {
		headers, err := encodeHeaders(n.Headers)
		if err != nil {
			return err
		}
		_, err = take.ExecContext(ctx, n.Source, n.Topic, n.Partition, n.Offset, stamp(n.Time), n.JobID, n.File, n.Outcome, n.Attempts,
			n.PID, n.Datablock, n.Error, n.Class, n.Exit, now, l.opt.Host, l.opt.Version, n.Key, headers, n.Stderr, n.Value, l.deployment)
		if err != nil {
			return err
		}
	}
	return nil
}

// pruneAtOnce bounds how long others wait for a Prune.
const pruneAtOnce = 500

// Prune forgets messages that ended before a time, and returns how many. It keeps
// those that may be tried again, and those of watched folders: their files are
// found again by every daemon that starts.
func (l *Ledger) Prune(ctx context.Context, before time.Time) (int64, error) {
	var all int64
	for {
		var n int64
		err := l.use(ctx, func(db *sql.DB) error {
			r, err := db.ExecContext(ctx, `DELETE FROM messages WHERE id IN (SELECT id FROM messages
				WHERE deployment = ? AND outcome NOT IN ('', 'dead_lettered') AND source NOT GLOB 'files:*' AND last < ? ORDER BY last LIMIT ?)`, l.deployment, stamp(before), pruneAtOnce)
			if err == nil {
				n, err = r.RowsAffected()
			}
			return l.explain("prune", err)
		})
		all += n
		if err != nil || n < pruneAtOnce {
			return all, err
		}
	}
}
