package tree

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"ingestor/internal/fault"
	"ingestor/internal/ledger"
)

// RootGone says that a root can not be looked through: it is away, or not what it was.
// Nothing may be concluded about the files in it.
type RootGone struct {
	Root string
	Err  error
}

func (e *RootGone) Error() string {
	return fmt.Sprintf("the folder %s can not be looked through: %v", e.Root, e.Err)
}

func (e *RootGone) Unwrap() error { return e.Err }

// gone is a *RootGone of the kind that fits.
func gone(root string, err error) error {
	kind := fault.Unavailable
	if errors.Is(err, fs.ErrPermission) {
		kind = fault.NotPermitted
	}
	return fault.New(kind, &RootGone{Root: root, Err: reason(err)})
}

var errReplaced = errors.New("it went away, or became another folder, while it was looked through")

const whereMeant = "mount it, or, where it is meant, `backfill state reset` the job"

// sighting is what a look at a root found.
type sighting struct {
	device, inode uint64
	path          string // without links
	mountPoint    string // of its file system
	empty         bool
	table         func() map[string]bool // mountTable, read when it is needed first
	nested
}

// lookAt looks at a root. The error is a *RootGone.
func lookAt(d storage, root string) (sighting, error) {
	f, err := d.open(root, true) // makes an automounter mount it
	switch {
	case errors.Is(err, unix.ENOENT):
		return sighting{}, gone(root, errors.New("it is not there; is it mounted?"))
	case errors.Is(err, unix.ENOTDIR):
		return sighting{}, gone(root, errors.New("it is no folder"))
	case err != nil:
		return sighting{}, gone(root, err)
	}
	defer f.close()
	st, err := f.stat()
	if err != nil {
		return sighting{}, gone(root, err)
	}
	entries, err := f.next(1)
	if err != nil && !errors.Is(err, io.EOF) {
		return sighting{}, gone(root, err)
	}
	s := sighting{device: device(&st), inode: st.Ino, empty: len(entries) == 0, table: sync.OnceValue(mountTable)}
	if s.path, err = filepath.EvalSymlinks(root); err == nil {
		s.mountPoint, err = mountPoint(s.path)
	}
	if err != nil {
		return sighting{}, gone(root, err)
	}
	return s, nil
}

func device(st *unix.Stat_t) uint64 { return uint64(st.Dev) } //nolint:unconvert // 32 bits elsewhere

// stillThere tells whether the root is what it was. Devices are not compared: a share
// gets another number with each mount.
func (s *sighting) stillThere(root string, before ledger.RootSeen) error {
	switch {
	case before.MountPoint != s.mountPoint && Within(before.MountPoint, s.mountPoint):
		return gone(root, fmt.Errorf("at the last run it was in what was mounted on %s, and is not now; %s", before.MountPoint, whereMeant))
	case before.Files > 0 && s.empty:
		return gone(root, fmt.Errorf("it held %d files at the last run and is empty now; %s", before.Files, whereMeant))
	}
	return nil
}

// another tells whether the root is another folder than it was.
func (s *sighting) another(before ledger.RootSeen) bool {
	return before.Path != "" && before.Path != s.path || before.MountPoint != "" && before.MountPoint != s.mountPoint ||
		before.Inode != 0 && s.inode != 0 && before.Inode != s.inode
}

// Check finds out whether roots are there, and what they were: whether their files can
// be missed at all. It waits for the storage no longer than silence, or until ctx ends.
// The error is a *RootGone, or that of ctx.
func Check(ctx context.Context, seen map[string]ledger.RootSeen, silence time.Duration) error {
	return check(ctx, disk{}, seen, silence)
}

func check(ctx context.Context, d storage, seen map[string]ledger.RootSeen, silence time.Duration) error {
	late := time.NewTimer(silence)
	defer late.Stop()
	for root, before := range seen {
		result := make(chan error, 1)
		go func() { // a call to a dead server returns when that does
			s, err := lookAt(d, root)
			if err == nil {
				err = s.stillThere(root, before)
			}
			for _, m := range before.Mounts {
				if err == nil {
					at := filepath.Join(root, m)
					_, e := mounted(d, at, s.table)
					err = mountGone(root, at, e)
				}
			}
			result <- err
		}()
		select {
		case err := <-result:
			if err != nil {
				return err
			}
		case <-late.C:
			return gone(root, errSilent(silence))
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func errSilent(silence time.Duration) error {
	return fmt.Errorf("the storage has not answered for %s", silence)
}
