package tree

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// storage is what a walk sees of a disk. There is one beside the tests': disk.
type storage interface {
	// open opens a folder; one that is a link only where follow says so.
	open(path string, follow bool) (folder, error)
}

// folder is one that is being read.
type folder interface {
	// stat tells about the folder itself.
	stat() (unix.Stat_t, error)
	// next gives up to n entries; the error at the end is io.EOF.
	next(n int) ([]fs.DirEntry, error)
	// look tells about an entry, not about what it is a link to.
	look(name string) (unix.Stat_t, error)
	close()
}

// disk is the storage of this machine.
type disk struct{}

type diskFolder struct{ f *os.File }

func (disk) open(path string, follow bool) (folder, error) {
	flags := os.O_RDONLY | unix.O_DIRECTORY | unix.O_NONBLOCK
	if !follow {
		flags |= unix.O_NOFOLLOW
	}
	f, err := os.OpenFile(path, flags, 0)
	if err != nil {
		return nil, err
	}
	return diskFolder{f}, nil
}

func (d diskFolder) next(n int) ([]fs.DirEntry, error) { return d.f.ReadDir(n) }
func (d diskFolder) close()                            { _ = d.f.Close() }

func (d diskFolder) stat() (st unix.Stat_t, err error) {
	err = again(func() error { return unix.Fstat(int(d.f.Fd()), &st) })
	return st, err
}

// look starts at the open folder: shorter than by the whole path, and the same folder
// whatever is renamed meanwhile.
func (d diskFolder) look(name string) (st unix.Stat_t, err error) {
	err = again(func() error { return unix.Fstatat(int(d.f.Fd()), name, &st, unix.AT_SYMLINK_NOFOLLOW) })
	return st, err
}

// again repeats a call that a signal has interrupted: some network file systems tell.
func again(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

func mtime(st *unix.Stat_t) time.Time { return time.Unix(st.Mtim.Unix()) }
func ctime(st *unix.Stat_t) time.Time { return time.Unix(st.Ctim.Unix()) }

func isRegular(st *unix.Stat_t) bool { return st.Mode&unix.S_IFMT == unix.S_IFREG }

// reason is an error without the path, which the reader knows.
func reason(err error) error {
	switch e := err.(type) { //nolint:errorlint // what wraps such an error says more
	case *fs.PathError:
		return e.Err
	case *os.SyscallError:
		return e.Err
	}
	return err
}
