package ledger

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"
)

// Knowledge is what became of a file.
type Knowledge struct {
	// State is how far this content has come; "" is not known.
	State State
	// Changed says that another content of the path is registered and this one is
	// not: its size or modification time differs.
	Changed bool
	// Accepted says that the content is Registered because AcceptChanged said so.
	Accepted bool
	// DeadLettered says that a daemon of this deployment gave the file up, after
	// it was last changed, and that it has not been registered since.
	DeadLettered bool
	// Class, Error and Exit are the last failure, be it noted of the file or of
	// its message; Attempts is how often it was tried, the larger number of both.
	Class, Error string
	Exit         int
	Attempts     int
	// Last is when the file, or its message, was noted last.
	Last time.Time
	PID  string
	// Published is when the job published this content; zero: it did not.
	Published time.Time
}

// knowAtOnce bounds the length of one statement, and how long it takes.
const knowAtOnce = 500

// KnowFiles is what became of files, in the order of files: in our catalogue, by
// the messages of this deployment, and by what a job has published. It is made
// for some hundreds at once, and costs far less than one OfFile each.
func (l *Ledger) KnowFiles(ctx context.Context, job string, files []File) ([]Knowledge, error) {
	all := make([]Knowledge, len(files))
	for from := 0; from < len(files); from += knowAtOnce {
		to := min(from+knowAtOnce, len(files))
		a := newAnswer(files[from:to], all[from:to])
		err := l.use(ctx, func(db *sql.DB) error {
			// What is published later may already be registered, not the other way round.
			return l.explain("read", errors.Join(a.askPublished(ctx, db, l.deployment, job),
				a.askMessages(ctx, db, l.deployment), a.askFiles(ctx, db, l.opt.Catalogue)))
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// answer collects what is known of some files.
type answer struct {
	files []File
	known []Knowledge
	at    map[string][]int // where each path stands in files
	paths []any
	list  string // of placeholders
}

func newAnswer(files []File, known []Knowledge) *answer {
	a := &answer{files: files, known: known, at: make(map[string][]int, len(files)), list: "(?" + strings.Repeat(", ?", len(files)-1) + ")"}
	for i, f := range files {
		a.at[f.Path] = append(a.at[f.Path], i)
		a.paths = append(a.paths, f.Path)
	}
	return a
}

func (a *answer) ask(ctx context.Context, db *sql.DB, query string, args []any, each func(*sql.Rows) error) (err error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := each(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (a *answer) askPublished(ctx context.Context, db *sql.DB, deployment, job string) error {
	return a.ask(ctx, db, "SELECT path, size, mtime, at FROM published WHERE deployment = ? AND job = ? AND path IN "+a.list,
		append([]any{deployment, job}, a.paths...), func(rows *sql.Rows) error {
			var path string
			var size, changed, at int64
			if err := rows.Scan(&path, &size, &changed, &at); err != nil {
				return err
			}
			for _, i := range a.at[path] {
				if a.files[i].is(size, changed) {
					a.known[i].Published = unstamp(at)
				}
			}
			return nil
		})
}

// askMessages comes before askFiles, which overrides what is older. The index is
// named: by its estimates the planner would rather read all dead letters.
func (a *answer) askMessages(ctx context.Context, db *sql.DB, deployment string) error {
	return a.ask(ctx, db, `SELECT file, attempts, pid, error, class, exit, last FROM messages INDEXED BY messages_dead_file
		WHERE deployment = ? AND outcome = 'dead_lettered' AND file IN `+a.list,
		append([]any{deployment}, a.paths...), func(rows *sql.Rows) error {
			var path string
			var last int64
			k := Knowledge{DeadLettered: true}
			if err := rows.Scan(&path, &k.Attempts, &k.PID, &k.Error, &k.Class, &k.Exit, &last); err != nil {
				return err
			}
			k.Last = unstamp(last)
			for _, i := range a.at[path] {
				if old := &a.known[i]; !k.Last.Before(a.files[i].ModTime) && !k.Last.Before(old.Last) {
					k.Published = old.Published
					*old = k
				}
			}
			return nil
		})
}

func (a *answer) askFiles(ctx context.Context, db *sql.DB, catalogue string) error {
	// What says of no catalogue that it is meant comes first, and is overridden.
	return a.ask(ctx, db, `SELECT path, size, mtime, state, pid, attempts, error, class, exit, last, accepted FROM files
		WHERE catalogue IN (?, '') AND path IN `+a.list+" ORDER BY path, catalogue",
		append([]any{catalogue}, a.paths...), func(rows *sql.Rows) error {
			var path string
			var size, changed, last, accepted int64
			var k Knowledge
			if err := rows.Scan(&path, &size, &changed, &k.State, &k.PID, &k.Attempts, &k.Error, &k.Class, &k.Exit, &last, &accepted); err != nil {
				return err
			}
			k.Last, k.Accepted = unstamp(last), accepted != 0
			for _, i := range a.at[path] {
				if old := &a.known[i]; a.files[i].is(size, changed) {
					*old = old.with(k)
				} else if k.State == Registered && old.State != Registered {
					old.Changed = true
				}
			}
			return nil
		})
}

// with is what is known of a message and of its file.
func (k Knowledge) with(file Knowledge) Knowledge {
	file.Published, file.Changed = k.Published, k.Changed
	switch {
	case file.State == Registered:
		file.Changed = false
		return file
	case !k.DeadLettered:
		return file
	}
	file.DeadLettered, file.Attempts = true, max(file.Attempts, k.Attempts)
	if k.Last.After(file.Last) {
		file.Class, file.Error, file.Exit, file.Last = k.Class, k.Error, k.Exit, k.Last
	}
	if file.PID == "" {
		file.PID = k.PID
	}
	return file
}

// is says that a row is of this content.
func (f File) is(size, changed int64) bool { return f.Size == size && f.ModTime.UnixNano() == changed }
