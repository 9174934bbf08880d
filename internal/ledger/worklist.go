package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"ingestor/internal/fault"
)

// Worklist puts the files of one run in order on disk, so that memory stays flat
// however many they are. It is of one process, and ends with it: its file has no
// name from the beginning, so nothing of it is left behind. After an error of
// Add it is of no use.
type Worklist struct {
	path string
	db   *sql.DB
	// conn is the one that has the file open: another would find none.
	conn   *sql.Conn
	insert *sql.Stmt // closed with conn

	mu     sync.Mutex
	broken error // of the first Add that failed
}

// worklistCache is in KiB. It bounds the memory, and the number of files that are
// put in order without reading back what was written.
const worklistCache = 8 << 10

// NewWorklist makes an empty list on the disk of dir, see JobFile. What an
// earlier one of the name may have left is taken away, so only the holder of the
// job's lock may make it. The error is of kind Unavailable, and is ErrNotWritable
// where it may be mended.
func NewWorklist(ctx context.Context, dir, name string) (*Worklist, error) {
	w := &Worklist{path: filepath.Join(dir, name)}
	if err := makeDirectory(w.path); err != nil {
		return nil, err
	}
	if err := w.unname(); err != nil {
		return nil, w.explain("make", err)
	}
	settings := url.Values{"_pragma": {"page_size(8192)", "journal_mode(OFF)", "synchronous(OFF)", "locking_mode(EXCLUSIVE)", fmt.Sprintf("cache_size(-%d)", worklistCache)}}
	source := url.URL{Scheme: "file", Path: w.path, RawQuery: settings.Encode()}
	db, err := sql.Open("sqlite", source.String())
	if err != nil {
		return nil, w.explain("make", err)
	}
	w.db = db
	if err := w.prepare(ctx); err != nil {
		_, _ = w.Close(), w.unname() // the first error says more
		return nil, w.explain("make", err)
	}
	return w, nil
}

// prepare begins the one transaction of the list, which never ends: what is not
// committed is written only where the cache is too small for it.
func (w *Worklist) prepare(ctx context.Context) (err error) {
	if w.conn, err = w.db.Conn(ctx); err != nil {
		return err
	}
	_, err = w.conn.ExecContext(ctx, `CREATE TABLE files (
		mtime  INTEGER NOT NULL,
		path   TEXT    NOT NULL,
		size   INTEGER NOT NULL,
		device INTEGER NOT NULL,
		inode  INTEGER NOT NULL,
		PRIMARY KEY (mtime, path)
	) STRICT, WITHOUT ROWID;
	BEGIN EXCLUSIVE`)
	if err != nil {
		return err
	}
	if err := w.unname(); err != nil {
		return err
	}
	w.insert, err = w.conn.PrepareContext(ctx, "INSERT OR IGNORE INTO files (mtime, path, size, device, inode) VALUES (?, ?, ?, ?, ?)")
	return err
}

func (w *Worklist) unname() error {
	if err := os.Remove(w.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Add puts files on the list. One that is there already, with the same time,
// stays once.
func (w *Worklist) Add(ctx context.Context, files []File) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken == nil {
		w.broken = w.explain("write to", w.add(ctx, files))
	}
	return w.broken
}

func (w *Worklist) add(ctx context.Context, files []File) error {
	for _, f := range files {
		if _, err := w.insert.ExecContext(ctx, f.ModTime.UnixNano(), f.Path, f.Size, int64(f.Device), int64(f.Inode)); err != nil {
			return err
		}
	}
	return nil
}

// Next is up to limit files after a mark, the oldest first; with newestFirst
// those before it, the newest first, where the zero mark stands for the end.
// None is the end of the list.
func (w *Worklist) Next(ctx context.Context, after Mark, limit int, newestFirst bool) ([]File, error) {
	than, order := ">", "ORDER BY mtime, path"
	if newestFirst {
		than, order = "<", "ORDER BY mtime DESC, path DESC"
	}
	where, args := "", []any{}
	if !after.IsZero() {
		where, args = "WHERE (mtime, path) "+than+" (?, ?) ", append(args, after.Time.UnixNano(), after.Path)
	}
	rows, err := w.conn.QueryContext(ctx, "SELECT mtime, path, size, device, inode FROM files "+where+order+" LIMIT ?", append(args, limit)...)
	if err != nil {
		return nil, w.explain("read", err)
	}
	defer rows.Close()
	list := make([]File, 0, limit)
	for rows.Next() {
		var f File
		var changed, device, inode int64
		if err := rows.Scan(&changed, &f.Path, &f.Size, &device, &inode); err != nil {
			return nil, w.explain("read", err)
		}
		f.ModTime, f.Device, f.Inode = time.Unix(0, changed), uint64(device), uint64(inode)
		list = append(list, f)
	}
	return list, w.explain("read", rows.Err())
}

// Close gives the space on the disk back.
func (w *Worklist) Close() error {
	var err error
	if w.conn != nil {
		err = w.conn.Close()
	}
	return w.explain("close", errors.Join(err, w.db.Close()))
}

// explain makes the one line of an error.
func (w *Worklist) explain(doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case canceled(err):
		return fmt.Errorf("%s the list of files %s: %w", doing, w.path, context.Canceled)
	case code(err) == full:
		err = fmt.Errorf("the disk is full (%w)", err)
	}
	if mayBeMended(code(err)) {
		err = notWritable{err}
	}
	return fault.Errorf(fault.Unavailable, "%s the list of files %s: %w", doing, w.path, err)
}
