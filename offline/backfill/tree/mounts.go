package tree

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"ingestor/internal/ledger"
	"ingestor/internal/pattern"
)

// mostMounts bounds how many mount points below a root are remembered. What lies in
// others is new in each walk.
const mostMounts = 1000

// nested are the mount points below a root, by their paths.
type nested struct {
	known  bool              // how it was before
	before map[string]bool   // that were there
	now    map[string]uint64 // that are there, with their inodes
	fresh  map[string]bool   // those, and the root, whose files are new here
}

// errAway says that nothing is mounted any more where something was.
var errAway = errors.New("nothing is mounted")

// mounted looks at a mount point: its inode, 0 where that is not told. The error is
// errAway or of the storage.
func mounted(d storage, at string, table func() map[string]bool) (inode uint64, err error) {
	f, err := d.open(at, false) // makes an automounter mount it
	switch {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.ELOOP):
		return 0, errAway
	case errors.Is(err, fs.ErrPermission):
		return 0, nil // whoever looks into it is told
	case err != nil:
		return 0, err
	}
	defer f.close()
	st, err := f.stat()
	if err != nil {
		return 0, err
	}
	above, err := deviceOf(filepath.Dir(at))
	if err != nil {
		return 0, err
	}
	if above != device(&st) {
		return st.Ino, nil
	}
	resolved, err := filepath.EvalSymlinks(at)
	if err != nil {
		return 0, err
	}
	if !table()[resolved] {
		return 0, errAway
	}
	return st.Ino, nil
}

// mountGone is a *RootGone for what mounted says, nil without error.
func mountGone(root, at string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errAway):
		return gone(root, fmt.Errorf("at the last run something was mounted on %s, and is not now; %s", at, whereMeant))
	}
	return gone(root, fmt.Errorf("reading %s: %w", at, reason(err)))
}

// base is the folder below which patterns and what was seen apply to a root.
func (o *Options) base(root string) string {
	if base := o.Base[root]; base != "" {
		return base
	}
	return root
}

// before is how the root was, and the folder to which its mount points relate. Of a
// part of a root is known what is said of that.
func (o *Options) before(root string, s *sighting) (seen ledger.RootSeen, of string, known bool) {
	if seen, known = o.Seen[root]; known {
		return seen, root, true
	}
	of = o.base(root)
	whole, known := o.Seen[of]
	seen.Mounts, seen.Fresh = whole.Mounts, whole.Fresh
	if whole.Path != "" && Within(s.path, whole.Path) {
		seen.MountPoint = whole.MountPoint
	}
	return seen, of, known
}

// compare tells whether the root is what it was, and what is mounted below it, or
// around it where it is a part; but for what nobody looks into.
func (w *walker) compare(s *sighting) error {
	seen, of, known := w.before(w.root, s)
	if err := s.stillThere(w.root, seen); err != nil {
		return err
	}
	s.nested = nested{known: known, before: map[string]bool{}, now: map[string]uint64{}, fresh: map[string]bool{}}
	if known {
		s.fresh[w.root] = slices.Contains(seen.Fresh, ".") || s.another(seen)
	}
	for _, m := range seen.Mounts {
		at := filepath.Join(of, m)
		if !Within(at, w.root) && !Within(w.root, at) || !looksInto(w.filter, below(w.base(w.root), at)) {
			continue
		}
		w.calls.Add(1)
		inode, err := mounted(w.disk, at, s.table)
		if err != nil {
			return mountGone(w.root, at, err)
		}
		s.before[at], s.now[at] = true, inode
		s.fresh[at] = slices.Contains(seen.Fresh, m)
	}
	return nil
}

// looksInto tells whether a walk gets to the folder at a path below the root.
func looksInto(f pattern.Filter, path string) bool {
	for part := range steps(path) {
		if !f.Folder(part) {
			return false
		}
	}
	return true
}

// below is the path of a folder below another in which it lies; "" for that itself.
func below(other, path string) string {
	return strings.TrimPrefix(strings.TrimPrefix(path, strings.TrimSuffix(other, "/")), "/")
}

// mountPoint notes a folder that is read where it is a mount point, and says whether
// what lies in it is new here.
func (w *walker) mountPoint(p *place, st *unix.Stat_t) (fresh bool) {
	s, at := w.roots[w.root], p.name()
	if p.root {
		return s.fresh[at]
	}
	if device(st) == p.device && !s.table()[filepath.Join(s.path, below(w.root, at))] {
		return false
	}
	if fresh = s.known && !s.before[at] || s.fresh[at]; fresh {
		s.fresh[at] = true
	}
	if s.before[at] || len(s.now) < mostMounts && utf8.ValidString(at) { // others can not be printed
		s.now[at] = st.Ino
	}
	return fresh
}

// seen is how the root looked.
func (w *walker) seen() ledger.RootSeen {
	s := w.roots[w.root]
	r := ledger.RootSeen{Device: s.device, Inode: s.inode, Path: s.path, MountPoint: s.mountPoint, Files: w.wanted}
	for _, at := range slices.Sorted(maps.Keys(s.now)) {
		if name := below(w.root, at); Within(at, w.root) && name != "" {
			r.Mounts = append(r.Mounts, name)
			if s.fresh[at] {
				r.Fresh = append(r.Fresh, name)
			}
		}
	}
	if s.fresh[w.root] {
		r.Fresh = append(r.Fresh, ".")
	}
	return r
}

// stillMounted tells whether the mount points are those that they were.
func (w *walker) stillMounted(table func() map[string]bool) error {
	now := w.roots[w.root].now
	for _, at := range slices.Sorted(maps.Keys(now)) { // the uppermost is told
		w.calls.Add(1)
		then := now[at]
		inode, err := mounted(w.disk, at, table)
		if errors.Is(err, errAway) || err == nil && then != 0 && inode != 0 && then != inode {
			return gone(w.root, fmt.Errorf("what is mounted on %s: %w", at, errReplaced))
		}
		if err != nil {
			return mountGone(w.root, at, err)
		}
	}
	return nil
}
