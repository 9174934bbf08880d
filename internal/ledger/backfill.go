package ledger

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// NotePublished notes that a job has published files, all or none. What it had
// published of them before, perhaps with another content, is forgotten.
func (l *Ledger) NotePublished(ctx context.Context, job string, files []File) error {
	if len(files) == 0 {
		return nil
	}
	now := stamp(l.opt.Now())
	return l.write(ctx, func(tx *sql.Tx) error {
		stmt, err := tx.PrepareContext(ctx, "INSERT OR REPLACE INTO published (deployment, job, path, size, mtime, at) VALUES (?, ?, ?, ?, ?, ?)")
		if err != nil {
			return err
		}
		for _, f := range files {
			if _, err := stmt.ExecContext(ctx, l.deployment, job, f.Path, f.Size, f.ModTime.UnixNano(), now); err != nil {
				return err
			}
		}
		return nil
	})
}

// HasPublished says that a job has published something.
func (l *Ledger) HasPublished(ctx context.Context, job string) (yes bool, err error) {
	err = l.use(ctx, func(db *sql.DB) error {
		return l.explain("read", db.QueryRowContext(ctx,
			"SELECT EXISTS (SELECT 1 FROM published WHERE deployment = ? AND job = ?)", l.deployment, job).Scan(&yes))
	})
	return yes, err
}

// acceptFile makes of a content that is not registered one that is, like the
// other content of the path that was noted last.
const acceptFile = `
INSERT INTO files (path, size, mtime, device, inode, state, pid, datablock, job, schema,
	attempts, error, class, exit, first, last, host, version, catalogue, accepted)
SELECT ?1, ?2, ?3, ?4, ?5, 'registered', pid, datablock, job, schema, 0, '', '', 0, ?6, ?6, ?7, ?8, ?9, ?6
FROM (SELECT * FROM files WHERE path = ?1 AND catalogue IN (?9, '') AND state = 'registered' AND (size <> ?2 OR mtime <> ?3)
	ORDER BY last DESC, id DESC LIMIT 1) WHERE true
ON CONFLICT (path, size, mtime, catalogue) DO UPDATE SET
	device = excluded.device, inode = excluded.inode, state = excluded.state, pid = excluded.pid, datablock = excluded.datablock,
	job = excluded.job, schema = excluded.schema, error = '', class = '', exit = 0,
	last = excluded.last, host = excluded.host, version = excluded.version, accepted = excluded.accepted
	WHERE state <> 'registered'`

// AcceptChanged says of contents that have changed since another one of the path
// was registered that the dataset of that one stands for them too, and returns
// of how many it was to be said: not of those that are registered, nor of those
// whose path never was. It says all or none.
func (l *Ledger) AcceptChanged(ctx context.Context, files []File) (n int, err error) {
	now := stamp(l.opt.Now())
	err = l.write(ctx, func(tx *sql.Tx) error {
		claim, err := l.claims(ctx, tx)
		if err != nil {
			return err
		}
		accept, err := tx.PrepareContext(ctx, acceptFile)
		if err != nil {
			return err
		}
		for _, f := range files {
			if err := claim(f); err != nil {
				return err
			}
			r, err := accept.ExecContext(ctx, f.Path, f.Size, f.ModTime.UnixNano(), int64(f.Device), int64(f.Inode),
				now, l.opt.Host, l.opt.Version, l.opt.Catalogue)
			if err != nil {
				return err
			}
			one, err := r.RowsAffected()
			if err != nil {
				return err
			}
			n += int(one)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// Run is one run of a job.
type Run struct {
	Job            string
	Started, Ended time.Time
	Exit           int
	Report         []byte // JSON; the ledger does not look into it
}

// AddRun keeps a run.
func (l *Ledger) AddRun(ctx context.Context, r Run) error {
	return l.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO runs (deployment, job, started, ended, exit, report) VALUES (?, ?, ?, ?, ?, ?)",
			l.deployment, r.Job, stamp(r.Started), stamp(r.Ended), r.Exit, r.Report)
		return err
	})
}

// Runs lists the runs of a job, the newest first, and no more than limit where
// that is above 0.
func (l *Ledger) Runs(ctx context.Context, job string, limit int) ([]Run, error) {
	if limit <= 0 {
		limit = -1
	}
	var list []Run
	err := l.use(ctx, func(db *sql.DB) (err error) {
		rows, err := db.QueryContext(ctx, `SELECT job, started, ended, exit, report FROM runs
			WHERE deployment = ? AND job = ? ORDER BY started DESC, id DESC LIMIT ?`, l.deployment, job, limit)
		if err != nil {
			return l.explain("read", err)
		}
		defer func() { err = errors.Join(err, l.explain("read", rows.Close())) }()
		for rows.Next() {
			var r Run
			var started, ended int64
			if err := rows.Scan(&r.Job, &started, &ended, &r.Exit, &r.Report); err != nil {
				return l.explain("read", err)
			}
			r.Started, r.Ended = unstamp(started), unstamp(ended)
			list = append(list, r)
		}
		return l.explain("read", rows.Err())
	})
	return list, err
}

// PruneRuns forgets the runs of a job that started before a time, and what it
// published before that, and returns how many runs they were.
func (l *Ledger) PruneRuns(ctx context.Context, job string, before time.Time) (n int64, err error) {
	err = l.write(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, "DELETE FROM runs WHERE deployment = ? AND job = ? AND started < ?", l.deployment, job, stamp(before))
		if err == nil {
			n, err = r.RowsAffected()
		}
		if err == nil {
			_, err = tx.ExecContext(ctx, "DELETE FROM published WHERE deployment = ? AND job = ? AND at < ?", l.deployment, job, stamp(before))
		}
		return err
	})
	return n, err
}
