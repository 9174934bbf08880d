package ledger

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"time"
)

// Mark is a place in the order of a job: by modification time, and by the bytes
// of the path among files of the same time. The zero value is before all files.
type Mark struct {
	Time time.Time `json:"time"` // exact to the nanosecond
	Path string    `json:"path"`
}

// Mark is the place of a file.
func (f File) Mark() Mark { return Mark{Time: f.ModTime, Path: f.Path} }

// IsZero says that it is before all files.
func (m Mark) IsZero() bool { return m.Time.IsZero() }

// Compare is -1, 0 or 1 where m is before, at or after o.
func (m Mark) Compare(o Mark) int {
	if m.IsZero() || o.IsZero() {
		return cmp.Compare(btoi(o.IsZero()), btoi(m.IsZero()))
	}
	return cmp.Or(cmp.Compare(m.Time.UnixNano(), o.Time.UnixNano()), strings.Compare(m.Path, o.Path))
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// JobState is how far a backfill job has come.
type JobState struct {
	Job string `json:"job"`
	// Mark is the end of the clean prefix: every file up to it, itself included,
	// is dealt with.
	Mark Mark `json:"mark"`
	// ScannedAt is when the last complete walk began; zero: none was complete.
	ScannedAt time.Time `json:"scanned_at"`
	// Roots is how each root looked at the last complete walk, by its path.
	Roots map[string]RootSeen `json:"roots"`
	// LastRun and LastGood are when a run ended last, and when one ended well.
	LastRun  time.Time `json:"last_run"`
	LastGood time.Time `json:"last_good"`
	// Selection is which files the job looks for, in words of its own, and Version
	// the layout of the state: both belong to who keeps it, and are not looked at.
	Selection string `json:"selection"`
	Version   int    `json:"version"`
}

// RootSeen is how a root looked. What an older version did not note is zero.
type RootSeen struct {
	Device     uint64 `json:"device"`      // as stat tells it
	Inode      uint64 `json:"inode"`       // the same
	Path       string `json:"path"`        // without links
	MountPoint string `json:"mount_point"` // path of the mount point of its file system
	// Mounts are the mount points below it, by their paths below it.
	Mounts []string `json:"mounts,omitempty"`
	// Fresh are those of them, and "." for the root, whose files were new when they
	// were found, whatever their times say, and are not all dealt with.
	Fresh []string `json:"fresh,omitempty"`
	Files int64    `json:"files"` // how many were found in it
	// Asked is when the ledger was last asked about every file in it.
	Asked time.Time `json:"asked"`
}

// rootRow is a root in the database. Paths are bytes and need not be text. Fields
// are only ever added.
type rootRow struct {
	Path, MountPoint []byte
	Device           uint64
	Files            int64
	Inode            uint64   `json:",omitempty"`
	Resolved         []byte   `json:",omitempty"`
	Mounts, Fresh    [][]byte `json:",omitempty"`
	Asked            int64    `json:",omitempty"` // as stamp has it
}

func (r RootSeen) row(path string) rootRow {
	return rootRow{
		Path: []byte(path), MountPoint: []byte(r.MountPoint), Device: r.Device, Files: r.Files,
		Inode: r.Inode, Resolved: []byte(r.Path), Mounts: convert[[]byte](r.Mounts), Fresh: convert[[]byte](r.Fresh), Asked: stamp(r.Asked),
	}
}

func (r rootRow) seen() RootSeen {
	return RootSeen{
		Device: r.Device, Inode: r.Inode, Path: string(r.Resolved), MountPoint: string(r.MountPoint),
		Mounts: convert[string](r.Mounts), Fresh: convert[string](r.Fresh), Files: r.Files, Asked: unstamp(r.Asked),
	}
}

func convert[T, F string | []byte](list []F) []T {
	var to []T
	for _, one := range list {
		to = append(to, T(one))
	}
	return to
}

const jobColumns = "SELECT name, mark_time, mark_path, scanned, last_run, last_good, version, selection, roots FROM jobs"

// LoadJob is the state of a job of this deployment; that of one which never ran
// has nothing but its name, and is no error.
func (l *Ledger) LoadJob(ctx context.Context, job string) (JobState, error) {
	list, err := l.jobs(ctx, " WHERE deployment = ? AND name = ?", l.deployment, job)
	if err != nil || len(list) == 0 {
		return JobState{Job: job, Roots: map[string]RootSeen{}}, err
	}
	return list[0], nil
}

// Jobs lists the states of all jobs of this deployment, by name.
func (l *Ledger) Jobs(ctx context.Context) ([]JobState, error) {
	return l.jobs(ctx, " WHERE deployment = ? ORDER BY name", l.deployment)
}

func (l *Ledger) jobs(ctx context.Context, where string, args ...any) ([]JobState, error) {
	var list []JobState
	err := l.use(ctx, func(db *sql.DB) (err error) {
		rows, err := db.QueryContext(ctx, jobColumns+where, args...)
		if err != nil {
			return l.explain("read", err)
		}
		defer func() { err = errors.Join(err, l.explain("read", rows.Close())) }()
		for rows.Next() {
			j, err := scanJob(rows)
			if err != nil {
				return l.explain("read", err)
			}
			list = append(list, j)
		}
		return l.explain("read", rows.Err())
	})
	return list, err
}

func scanJob(rows *sql.Rows) (JobState, error) {
	var j JobState
	var mark sql.NullInt64
	var scanned, lastRun, lastGood int64
	var encoded []byte
	if err := rows.Scan(&j.Job, &mark, &j.Mark.Path, &scanned, &lastRun, &lastGood, &j.Version, &j.Selection, &encoded); err != nil {
		return j, err
	}
	if mark.Valid {
		j.Mark.Time = time.Unix(0, mark.Int64)
	}
	j.ScannedAt, j.LastRun, j.LastGood = unstamp(scanned), unstamp(lastRun), unstamp(lastGood)
	var roots []rootRow
	if err := json.Unmarshal(encoded, &roots); err != nil {
		return j, err
	}
	j.Roots = make(map[string]RootSeen, len(roots))
	for _, r := range roots {
		j.Roots[string(r.Path)] = r.seen()
	}
	return j, nil
}

// SaveJob keeps the state of a job in place of the one before, wholly or not at
// all. ErrNotWritable says that it may be tried again once the disk is mended.
func (l *Ledger) SaveJob(ctx context.Context, j JobState) error {
	roots := make([]rootRow, 0, len(j.Roots))
	for path, seen := range j.Roots {
		roots = append(roots, seen.row(path))
	}
	encoded, err := json.Marshal(roots)
	if err != nil {
		return l.explain("write to", err)
	}
	var mark sql.NullInt64
	path := ""
	if !j.Mark.IsZero() {
		mark, path = sql.NullInt64{Int64: j.Mark.Time.UnixNano(), Valid: true}, j.Mark.Path
	}
	return l.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO jobs (deployment, name, mark_time, mark_path, scanned, last_run, last_good, version, selection, roots)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			l.deployment, j.Job, mark, path, stamp(j.ScannedAt), stamp(j.LastRun), stamp(j.LastGood), j.Version, j.Selection, encoded)
		return err
	})
}

// DeleteJob forgets the state of a job and what it has published, not its runs.
func (l *Ledger) DeleteJob(ctx context.Context, job string) error {
	return l.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM jobs WHERE deployment = ? AND name = ?", l.deployment, job)
		if err == nil {
			_, err = tx.ExecContext(ctx, "DELETE FROM published WHERE deployment = ? AND job = ?", l.deployment, job)
		}
		return err
	})
}

// JobFile is the path of a file of a job in the state directory: its lock
// ("lock") or its list of files ("work").
func JobFile(dir string, d Deployment, job, extension string) string {
	return filepath.Join(dir, "backfill-"+plainName(job)+"-"+d.id()+"."+extension)
}

// plainName is the name of a job where it can be part of a file's name, else
// what stands for it.
func plainName(job string) string {
	odd := func(r rune) bool {
		return !strings.ContainsRune("-_.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", r)
	}
	if job != "" && len(job) <= 64 && !strings.ContainsFunc(job, odd) {
		return job
	}
	sum := sha256.Sum256([]byte(job))
	return "job~" + hex.EncodeToString(sum[:6])
}
