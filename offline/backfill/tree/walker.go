package tree

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"ingestor/internal/ledger"
	"ingestor/internal/pattern"
)

// chunk is how many entries of a folder are read at once; one may hold a million.
const chunk = 512

// walker is one walk. All of it belongs to the goroutine of run, but for calls, at and
// batches; stats are the caller's once run has ended.
type walker struct {
	Options
	disk   storage
	filter pattern.Filter

	batches chan []ledger.File
	calls   atomic.Int64           // to the storage: a walk that makes none hangs
	at      atomic.Pointer[string] // the root in which it is

	stats   Stats
	pending []ledger.File
	read    map[uint64]map[uint64]struct{} // folders: inodes by device
	root    string
	roots   map[string]*sighting // how they were at the beginning
	wanted  int64                // files of the root with a wanted name
}

func newWalker(d storage, o Options) *walker {
	w := &walker{
		Options: o, disk: d, filter: pattern.Filter{Include: o.Include, Exclude: o.Exclude},
		batches: make(chan []ledger.File),
		stats:   Stats{Roots: map[string]ledger.RootSeen{}},
		read:    map[uint64]map[uint64]struct{}{}, roots: map[string]*sighting{},
	}
	w.at.Store(&o.Roots[0])
	return w
}

// run looks through all roots, once all of them are known to be there.
func (w *walker) run(ctx context.Context) error {
	for _, root := range w.Roots {
		w.enter(root)
		s, err := lookAt(w.disk, root)
		if err == nil {
			err = w.compare(&s)
		}
		if err != nil {
			return err
		}
		w.roots[root] = &s
	}
	for _, root := range w.Roots {
		w.enter(root)
		if _, twice := w.stats.Roots[root]; twice {
			continue
		}
		if err := w.through(ctx); err != nil {
			return err
		}
		w.stats.Roots[root] = w.seen()
	}
	for _, root := range w.Roots {
		w.enter(root)
		if err := w.unchanged(); err != nil {
			return err
		}
	}
	return w.flush(ctx)
}

func (w *walker) enter(root string) {
	w.root, w.wanted = root, 0
	w.at.Store(&root)
	w.calls.Add(1)
}

// unchanged tells whether the root is still the folder that it was at the beginning,
// with the same mount points below it.
func (w *walker) unchanged() error {
	now, err := lookAt(w.disk, w.root)
	if err != nil {
		return err
	}
	if then := w.roots[w.root]; now.device != then.device || now.inode != then.inode {
		return gone(w.root, errReplaced)
	}
	return w.stillMounted(now.table)
}

// place is a folder in the root.
type place struct {
	path   string // absolute, with a slash at its end
	below  string // the same below what patterns relate to: "" or with a slash at its end
	device uint64 // of the folder that it is in; once it is read, its own
	root   bool
	fresh  bool // what lies in it is new here, whatever its times say
}

func (p place) enter(name string) place {
	return place{path: p.path + name + "/", below: p.below + name + "/", device: p.device, fresh: p.fresh}
}

// name is the path as it is opened: with a slash at its end a link would be followed.
func (p place) name() string {
	if p.path == "/" {
		return p.path
	}
	return strings.TrimSuffix(p.path, "/")
}

// level is a folder whose folders are still to be read.
type level struct {
	place
	names []string
}

// through looks through the root, depth first: few folders wait at any time.
func (w *walker) through(ctx context.Context) error {
	top := place{path: strings.TrimSuffix(w.root, "/") + "/", root: true}
	if part := below(w.base(w.root), w.root); part != "" {
		top.below = part + "/"
	}
	levels := []level{}
	next := &top
	for next != nil {
		names, err := w.folder(ctx, next)
		if err != nil {
			if err = w.refused(ctx, *next, err); err != nil {
				return err
			}
		}
		if len(names) > 0 {
			levels = append(levels, level{*next, names})
		}
		for next = nil; next == nil && len(levels) > 0; {
			l := &levels[len(levels)-1]
			if len(l.names) == 0 {
				levels = levels[:len(levels)-1]
				continue
			}
			into := l.enter(l.names[len(l.names)-1])
			l.names = l.names[:len(l.names)-1]
			next = &into
		}
	}
	return nil
}

// refused says what an error of reading a folder means: nil when the walk goes on.
func (w *walker) refused(ctx context.Context, p place, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case p.root:
		return gone(w.root, err)
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.ELOOP):
		w.stats.Vanished++
		return w.unchanged() // or all of the root has gone
	case errors.Is(err, fs.ErrPermission), errors.Is(err, unix.ENAMETOOLONG):
		w.stats.Closed++
		w.stats.Unreadable = named(w.stats.Unreadable, p.name(), reason(err).Error())
		return nil
	default: // EIO, ESTALE, ENOTCONN …: a look at the rest would tell nothing
		return gone(w.root, fmt.Errorf("reading %s: %w", p.name(), reason(err)))
	}
}

// folder reads one folder, unless it was read before, and returns the names of those in
// it. It marks the place as fresh where the folder is.
func (w *walker) folder(ctx context.Context, p *place) (names []string, err error) {
	w.calls.Add(1)
	f, err := w.disk.open(p.name(), p.root)
	if err != nil {
		return nil, err
	}
	defer f.close()
	st, err := f.stat()
	if err != nil {
		return nil, err
	}
	if w.mountPoint(p, &st) {
		p.fresh = true
	}
	p.device = device(&st)
	if !w.first(p.device, st.Ino) {
		w.stats.Repeated++
		return nil, nil
	}
	w.stats.Folders++
	if !p.root && !ctime(&st).Before(w.SeenCTime) {
		p.fresh = true
	}
	for {
		w.calls.Add(1)
		entries, err := f.next(chunk)
		for _, e := range entries {
			below := p.below + e.Name()
			switch kind := e.Type(); {
			case kind.IsDir():
				if w.filter.Folder(below) {
					names = append(names, e.Name())
				}
			case kind&fs.ModeSymlink != 0:
				if w.filter.Folder(below) {
					w.stats.Links++
				}
			case !w.filter.File(below):
			case !kind.IsRegular():
				w.stats.Special++
			default:
				if err := w.file(ctx, f, p, e.Name()); err != nil {
					return names, err
				}
			}
		}
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.Is(err, io.EOF):
			return names, nil
		case err != nil:
			return names, err
		}
	}
}

// first tells whether a folder has not been read yet. Some storage numbers nothing.
func (w *walker) first(device, inode uint64) bool {
	inodes := w.read[device]
	if inodes == nil {
		inodes = map[uint64]struct{}{}
		w.read[device] = inodes
	}
	_, before := inodes[inode]
	inodes[inode] = struct{}{}
	return !before || inode == 0
}

// file looks at one file with a wanted name.
func (w *walker) file(ctx context.Context, f folder, p *place, name string) error {
	w.calls.Add(1)
	st, err := f.look(name)
	switch {
	case errors.Is(err, unix.ENOENT), err == nil && !isRegular(&st):
		w.stats.Vanished++
		return nil
	case err != nil:
		return err
	}
	w.wanted++
	path := p.path + name
	content, change := mtime(&st), ctime(&st)
	switch {
	case !utf8.ValidString(path):
		w.stats.BadNames++
		w.stats.Unnamed = named(w.stats.Unnamed, path, "its name is no UTF-8")
	case !w.Since.IsZero() && content.Before(w.Since), !w.Until.IsZero() && !content.Before(w.Until):
		w.stats.Outside++
	case !p.fresh && !w.LowWater.IsZero() && content.Before(w.LowWater) && change.Before(w.SeenCTime):
		w.stats.Old++
	case w.MinAge > 0 && w.Now.Sub(lastWrite(content, change, w.Now)) < w.MinAge:
		w.stats.TooYoung++
	default:
		w.stats.Files++
		w.stats.Bytes += st.Size
		w.pending = append(w.pending, ledger.File{Path: path, Size: st.Size, ModTime: content, Device: device(&st), Inode: st.Ino})
		if len(w.pending) >= batch {
			return w.flush(ctx)
		}
	}
	return nil
}

// lastWrite is when a file was last written, as far as its times tell: one in the
// future is nobody's clock's.
func lastWrite(content, change, now time.Time) time.Time {
	if content.After(now) {
		return change
	}
	return content
}

func (w *walker) flush(ctx context.Context) error {
	if len(w.pending) == 0 {
		return ctx.Err()
	}
	select {
	case w.batches <- w.pending:
		w.pending = make([]ledger.File, 0, batch)
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
