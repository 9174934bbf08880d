package ledger

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

const entries = `SELECT path, size, mtime, device, inode, state, pid, datablock, job, schema,
	attempts, error, class, exit, first, last, host, version FROM files `

// OfFile is what is known of this content of a file in our catalogue; known is false when it is
// nothing.
func (l *Ledger) OfFile(ctx context.Context, f File) (e Entry, known bool, err error) {
	list, err := l.list(ctx, "WHERE path = ? AND size = ? AND mtime = ? AND catalogue IN (?, '') ORDER BY catalogue DESC LIMIT 1",
		f.Path, f.Size, f.ModTime.UnixNano(), l.opt.Catalogue)
	if err != nil || len(list) == 0 {
		return Entry{}, false, err
	}
	return list[0], true, nil
}

// OfPID lists the files that were noted with the pid of a dataset, the one noted
// last first. There may be several: other contents, or other names.
func (l *Ledger) OfPID(ctx context.Context, pid string) ([]Entry, error) {
	if pid == "" {
		return nil, nil
	}
	return l.list(ctx, "WHERE pid = ? AND pid <> '' AND catalogue IN (?, '') ORDER BY last DESC, id DESC", pid, l.opt.Catalogue)
}

func (l *Ledger) list(ctx context.Context, where string, args ...any) ([]Entry, error) {
	var list []Entry
	err := l.use(ctx, func(db *sql.DB) (err error) {
		rows, err := db.QueryContext(ctx, entries+where, args...)
		if err != nil {
			return l.explain("read", err)
		}
		defer func() { err = errors.Join(err, l.explain("read", rows.Close())) }()
		for rows.Next() {
			var e Entry
			var device, inode, changed, first, last int64
			err := rows.Scan(&e.Path, &e.Size, &changed, &device, &inode, &e.State, &e.PID, &e.Datablock, &e.JobID, &e.Schema,
				&e.Attempts, &e.Error, &e.Class, &e.Exit, &first, &last, &e.Host, &e.Version)
			if err != nil {
				return l.explain("read", err)
			}
			e.Device, e.Inode = uint64(device), uint64(inode)
			e.ModTime, e.First, e.Last = time.Unix(0, changed), time.Unix(0, first), time.Unix(0, last)
			list = append(list, e)
		}
		return l.explain("read", rows.Err())
	})
	return list, err
}
