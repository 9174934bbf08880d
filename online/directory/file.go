package directory

import (
	"errors"
	"hash/maphash"
	"io/fs"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"ingestor/internal/intake"
	"ingestor/schemas/filewriter"
)

// file is one that was seen, as it was then.
type file struct {
	path  string // absolute
	size  int64
	mtime time.Time
}

// serviceID stands where a file writer names itself.
const serviceID = "files"

// message announces a file as a file writer would. A file that is changed gets a new
// position.
func (f file) message(source string) intake.Message {
	return intake.Message{
		Source: source, Topic: f.path, Offset: f.mtime.UnixNano(), Time: f.mtime,
		Value: filewriter.WritingDone{ServiceID: serviceID, FileName: f.path}.Encode(),
	}
}

// same tells whether neither size nor time have changed.
func (f file) same(g file) bool { return f.size == g.size && f.mtime.Equal(g.mtime) }

// older orders files: by time, then by name.
func (f file) older(g file) bool {
	if !f.mtime.Equal(g.mtime) {
		return f.mtime.Before(g.mtime)
	}
	return f.path < g.path
}

// errOther says that something is there that is not a regular file.
var errOther = errors.New("not a regular file")

// look sees a file as it is, without following a link.
func look(path string) (file, fs.FileInfo, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return file{}, nil, err
	}
	if !info.Mode().IsRegular() {
		return file{}, info, errOther
	}
	return file{path, info.Size(), info.ModTime()}, info, nil
}

// lookAfresh is look past the caches of a network file system: opening a file makes
// NFS ask the server. One that may not be opened by us may be by a child.
func lookAfresh(path string) (file, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, fs.ErrPermission):
		seen, _, err := look(path)
		return seen, err
	case errors.Is(err, syscall.ELOOP):
		return file{}, errOther
	case err != nil:
		return file{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return file{}, err
	}
	if !info.Mode().IsRegular() {
		return file{}, errOther
	}
	return file{path, info.Size(), info.ModTime()}, nil
}

// print is the hash of a file's state. Its lower bits are free for memory's marks.
func (f file) print(seed maphash.Seed) uint64 {
	return maphash.Comparable(seed, [2]int64{f.size, f.mtime.UnixNano()}) &^ marks
}
