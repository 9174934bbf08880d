package ledger

import (
	"context"
	"database/sql"
	"slices"
)

// Note is one thing to remember of a file. Fields that are empty leave what is
// known as it is, but Error, Class and Exit are those of this note.
type Note struct {
	File
	// State is how far it has come; "" keeps the state of a file that is known,
	// and is Failed for one that is not.
	State     State
	PID       string
	Datablock string
	JobID     string
	Schema    string
	// FirstOfAttempt counts one more attempt.
	FirstOfAttempt bool
	Error, Class   string
	Exit           int
}

// claimFile makes a row of format 1, which says of no catalogue that it is meant,
// one of ours.
const claimFile = `UPDATE OR IGNORE files SET catalogue = ?1 WHERE path = ?2 AND size = ?3 AND mtime = ?4 AND catalogue = ''`

const takeNote = `
INSERT INTO files (path, size, mtime, device, inode, state, pid, datablock, job, schema,
	attempts, error, class, exit, first, last, host, version, catalogue)
VALUES (?1, ?2, ?3, ?4, ?5, CASE ?6 WHEN '' THEN 'failed' ELSE ?6 END, ?7, ?8, ?9, ?10,
	?11, ?12, ?13, ?14, ?15, ?15, ?16, ?17, ?18)
ON CONFLICT (path, size, mtime, catalogue) DO UPDATE SET
	device = excluded.device, inode = excluded.inode,
	state = CASE ?6 WHEN '' THEN state ELSE ?6 END,
	pid = CASE ?7 WHEN '' THEN pid ELSE ?7 END,
	datablock = CASE ?8 WHEN '' THEN datablock ELSE ?8 END,
	job = CASE ?9 WHEN '' THEN job ELSE ?9 END,
	schema = CASE ?10 WHEN '' THEN schema ELSE ?10 END,
	attempts = attempts + excluded.attempts,
	error = excluded.error, class = excluded.class, exit = excluded.exit,
	last = excluded.last, host = excluded.host, version = excluded.version`

// Take takes a note. Once it returns without error the note survives the end of
// the process.
func (l *Ledger) Take(ctx context.Context, n Note) error {
	return l.takeAll(ctx, []Note{n})
}

// NoteFailed takes all notes, or none: failures that a worker could not note
// itself, because it was killed. Their State is not looked at: a file that is
// known keeps its own, any other is Failed.
func (l *Ledger) NoteFailed(ctx context.Context, notes []Note) error {
	if len(notes) == 0 {
		return nil
	}
	notes = slices.Clone(notes)
	for i := range notes {
		notes[i].State = ""
	}
	return l.takeAll(ctx, notes)
}

func (l *Ledger) takeAll(ctx context.Context, notes []Note) error {
	return l.use(ctx, func(db *sql.DB) error {
		return l.transact(ctx, db, func(tx *sql.Tx) error { return l.takeIn(ctx, tx, notes) })
	})
}

func (l *Ledger) takeIn(ctx context.Context, tx *sql.Tx, notes []Note) error {
	claim, err := l.claims(ctx, tx)
	if err != nil {
		return err
	}
	take, err := tx.PrepareContext(ctx, takeNote)
	if err != nil {
		return err
	}
	for _, n := range notes {
		if err := claim(n.File); err != nil {
			return err
		}
		attempt := 0
		if n.FirstOfAttempt {
			attempt = 1
		}
		_, err := take.ExecContext(ctx,
			n.Path, n.Size, n.ModTime.UnixNano(), int64(n.Device), int64(n.Inode), string(n.State), n.PID, n.Datablock, n.JobID, n.Schema,
			attempt, n.Error, n.Class, n.Exit, l.opt.Now().UnixNano(), l.opt.Host, l.opt.Version, l.opt.Catalogue)
		if err != nil {
			return err
		}
	}
	return nil
}

// claims makes what format 1 said of files ours, one after the other.
func (l *Ledger) claims(ctx context.Context, tx *sql.Tx) (func(File) error, error) {
	if l.opt.Catalogue == "" {
		return func(File) error { return nil }, nil
	}
	stmt, err := tx.PrepareContext(ctx, claimFile)
	if err != nil {
		return nil, err
	}
	return func(f File) error {
		_, err := stmt.ExecContext(ctx, l.opt.Catalogue, f.Path, f.Size, f.ModTime.UnixNano())
		return err
	}, nil
}
