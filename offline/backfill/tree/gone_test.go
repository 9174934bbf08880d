package tree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ingestor/internal/fault"
	"ingestor/internal/ledger"
)

// faulty is the disk with something that happens before a folder is opened, or a file
// looked at; an error fails the call.
type faulty struct {
	disk
	mu     sync.Mutex
	before func(path string) error
}

func (f *faulty) open(path string, follow bool) (folder, error) {
	if err := f.call(path); err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	one, err := f.disk.open(path, follow)
	return faultyFolder{one, f, path}, err
}

func (f *faulty) call(path string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.before(path)
}

type faultyFolder struct {
	folder
	disk *faulty
	path string
}

func (f faultyFolder) look(name string) (unix.Stat_t, error) {
	if err := f.disk.call(f.path + "/" + name); err != nil {
		return unix.Stat_t{}, err
	}
	return f.folder.look(name)
}

// wantsGone wants a walk to end because of the root.
func (b *bed) wantsGone(reason string) {
	b.t.Helper()
	s, err := b.walk(b.t.Context())
	var gone *RootGone
	if !errors.As(err, &gone) || fault.KindOf(err) != fault.Unavailable || gone.Root != b.opt.Roots[0] ||
		err.Error() != "the folder "+gone.Root+" can not be looked through: "+reason {
		b.t.Errorf("got %v, want %s", err, reason)
	}
	if s.Files != 0 || s.Roots != nil {
		b.t.Errorf("half a walk is told of: %+v", s)
	}
}

func TestWalk_ARootThatIsAwayIsNotEmpty(t *testing.T) {
	b := newBed(t)
	b.opt.Roots = []string{b.path("none")}
	b.wantsGone("it is not there; is it mounted?")
	b.must(os.WriteFile(b.path("file"), nil, 0o600))
	b.opt.Roots = []string{b.path("file")}
	b.wantsGone("it is no folder")
	b.must(os.Symlink("nowhere", b.path("link")))
	b.opt.Roots = []string{b.path("link"), b.dir}
	b.wantsGone("it is not there; is it mounted?")
}

func TestWalk_ARootThatHadFilesIsNotEmpty(t *testing.T) {
	b := newBed(t)
	b.wants("")
	b.write("1.hdf", "2.hdf")
	b.opt.Seen = b.wants("1.hdf 2.hdf").Roots
	b.must(os.Remove(b.path("1.hdf")))
	b.wants("2.hdf")
	b.must(os.Remove(b.path("2.hdf")))
	b.wantsGone("it held 2 files at the last run and is empty now; " + whereMeant)
	b.write("other.txt") // somebody has tidied up
	b.wants("")
}

func TestWalk_ChecksAllRootsBeforeItBegins(t *testing.T) {
	b := newBed(t).write("1.hdf")
	b.opt.Roots = []string{b.dir, filepath.Join(b.dir, "none")}
	if _, err := b.walk(t.Context()); err == nil || len(b.got) > 0 {
		t.Errorf("got %v, %s", err, b.names())
	}
}

// mount puts a tmpfs on a folder.
func (b *bed) mount(dir string) {
	b.t.Helper()
	b.must(os.MkdirAll(dir, 0o755))
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		b.t.Skip("needs the right to mount:", err)
	}
	b.t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
}

func TestWalk_AShareThatIsNotMountedIsNotEmpty(t *testing.T) {
	b := newBed(t)
	share := b.path("share")
	b.write("share/raw/stray.hdf") // somebody wrote here while it was away
	b.mount(share)
	b.dir, b.opt.Roots = filepath.Join(share, "raw"), []string{filepath.Join(share, "raw")}
	b.write("1.hdf")
	b.opt.Seen = b.wants("1.hdf").Roots
	if b.opt.Seen[b.dir].MountPoint != share {
		t.Fatalf("%+v", b.opt.Seen)
	}
	b.must(unix.Unmount(share, 0))
	b.wantsGone("at the last run it was in what was mounted on " + share + ", and is not now; " + whereMeant)
	if err := Check(t.Context(), b.opt.Seen, time.Minute); err == nil {
		t.Error("a check finds nothing")
	}
	b.mount(share)
	b.write("1.hdf")
	b.wants("1.hdf")
	b.must(Check(t.Context(), b.opt.Seen, time.Minute))
}

func TestWalk_TheMountPointIsTheNearestOne(t *testing.T) {
	b := newBed(t).write("disk/1.hdf")
	disk, share := b.path("disk"), b.path("disk/share")
	b.mount(disk)
	b.mount(share)
	bound := b.path("bound")
	b.must(os.Mkdir(bound, 0o755))
	b.must(unix.Mount(b.path("."), bound, "", unix.MS_BIND, ""))
	t.Cleanup(func() { _ = unix.Unmount(bound, unix.MNT_DETACH) })
	b.must(os.MkdirAll(filepath.Join(share, "a/b"), 0o755))
	link := filepath.Join(t.TempDir(), "link")
	b.must(os.Symlink(filepath.Join(share, "a"), link))
	for folder, want := range map[string]string{disk: disk, share: share, filepath.Join(share, "a/b"): share, link: share, "/": "/"} {
		if got, err := mountPointOf(folder); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", folder, got, err, want)
		}
	}
	outer, err := mountPointOf(b.dir)
	b.must(err)
	if got, err := mountPointOf(bound); err != nil || got != outer {
		t.Errorf("mounted once more: %s, %v; want %s", got, err, outer)
	}
	b.dir, b.opt.Roots = share, []string{share}
	b.opt.Seen = b.wants("").Roots
	b.must(unix.Unmount(share, 0))
	b.write("stray.hdf")
	b.wantsGone("at the last run it was in what was mounted on " + share + ", and is not now; " + whereMeant)
}

func TestWalk_AShareThatGoesAwayMeanwhileEndsIt(t *testing.T) {
	for name, bare := range map[string]bool{"onto a bare mount point": true, "onto a folder that looks the same": false} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			share := b.path("share")
			folders := []string{"a", "b", "c"}
			for _, f := range folders {
				if !bare {
					b.write("share/" + f + "/1.hdf")
				}
			}
			b.mount(share)
			b.dir, b.opt.Roots = share, []string{share}
			for _, f := range folders {
				b.write(f + "/1.hdf")
			}
			b.disk = &faulty{before: func(path string) error {
				if path == b.path("b") {
					b.must(unix.Unmount(share, unix.MNT_DETACH))
				}
				return nil
			}}
			b.wantsGone(errReplaced.Error())
		})
	}
}

func TestWalk_ABindMountIsReadOnce(t *testing.T) {
	b := newBed(t).write("a/1.hdf", "a/deep/2.hdf", "other/3.hdf")
	again := b.path("again")
	b.must(os.Mkdir(again, 0o755))
	if err := unix.Mount(b.path("a"), again, "", unix.MS_BIND, ""); err != nil {
		t.Skip("needs the right to mount:", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(again, unix.MNT_DETACH) })
	b.opt.Include = nil
	s, err := b.walk(t.Context())
	if err != nil || s.Files != 3 || s.Repeated != 1 {
		t.Errorf("%v, %s, %+v", err, b.names(), s)
	}
}

func TestWalk_FilesAndFoldersMayVanishMeanwhile(t *testing.T) {
	b := newBed(t).write("a/1.hdf", "b/2.hdf", "c/3.hdf", "c/4.hdf")
	b.disk = &faulty{before: func(path string) error {
		switch path {
		case b.path("b"):
			return os.RemoveAll(path)
		case b.path("c/3.hdf"):
			return os.Remove(path)
		}
		return nil
	}}
	if s := b.wants("a/1.hdf c/4.hdf"); s.Vanished != 2 || s.Incomplete() {
		t.Errorf("%+v", s)
	}
}

func TestWalk_StorageThatFailsEndsIt(t *testing.T) {
	for _, errno := range []unix.Errno{unix.EIO, unix.ESTALE, unix.ENOTCONN, unix.ETIMEDOUT, unix.EHOSTDOWN, unix.EMFILE} {
		for _, where := range []string{"a", "a/1.hdf"} {
			t.Run(fmt.Sprint(errno, " at ", where), func(t *testing.T) {
				b := newBed(t).write("a/1.hdf", "b/2.hdf")
				b.disk = &faulty{before: func(path string) error {
					if path == b.path(where) {
						return errno
					}
					return nil
				}}
				b.wantsGone("reading " + b.path("a") + ": " + errno.Error())
			})
		}
	}
}

func TestWalk_StorageThatDoesNotAnswerEndsIt(t *testing.T) {
	b := newBed(t).write("1.hdf", "a/2.hdf")
	back := make(chan struct{})
	b.disk = &faulty{before: func(path string) error {
		if path == b.path("a") {
			<-back
		}
		return nil
	}}
	b.opt.Silence = 50 * time.Millisecond
	b.wantsGone("the storage has not answered for 50ms")
	err := check(t.Context(), &faulty{before: func(string) error { <-back; return nil }}, map[string]ledger.RootSeen{b.dir: {}}, b.opt.Silence)
	if err == nil || !strings.HasSuffix(err.Error(), "has not answered for 50ms") {
		t.Errorf("a check: %v", err)
	}
	close(back)
}

func TestWalk_AnInterruptDoesNotWaitForDeadStorage(t *testing.T) {
	b := newBed(t).write("a/1.hdf")
	ctx, stop := context.WithCancel(t.Context())
	back := make(chan struct{})
	b.disk = &faulty{before: func(path string) error {
		if path == b.path("a") {
			stop()
			<-back
		}
		return nil
	}}
	if _, err := b.walk(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	close(back)
}

func TestWalk_ASlowCallerIsNotSilence(t *testing.T) {
	b := newBed(t)
	for i := range 3 * batch {
		b.write(fmt.Sprintf("%d.hdf", i))
	}
	b.opt.Silence = 100 * time.Millisecond
	s, err := Walk(t.Context(), b.opt, func(files []ledger.File) error {
		time.Sleep(250 * time.Millisecond)
		return nil
	})
	if err != nil || s.Files != 3*batch {
		t.Errorf("%v, %+v", err, s)
	}
}

func mountPointOf(folder string) (string, error) {
	s, err := lookAt(disk{}, folder)
	return s.mountPoint, err
}
