package nexus

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"gonum.org/v1/hdf5"

	"ingestor/internal/fault"
)

// File is an open file. Its methods may be called from any goroutine, and run
// one at a time, over all files of the process.
type File struct {
	ctx      context.Context // of Open
	path     string
	maxBytes int64
	limit    time.Duration
	file     *hdf5.File // nil once closed; guarded by section.run, as is lost
	lost     error      // the storage failed; the rest of the file is not read
}

// Path is the path with which the file was opened.
func (f *File) Path() string { return f.path }

// Close closes the file. Closing it again does nothing. When libhdf5 broke over
// the file, or its storage failed, Close says so once more: who takes a failure to
// read for a value that is absent must not take the file for a good one.
func (f *File) Close() error {
	return section{file: f.path, limit: f.limit}.run(func() error {
		if f.file == nil {
			return f.lost
		}
		err := f.file.Close()
		f.file = nil
		if err != nil && f.lost == nil {
			return fmt.Errorf("close %s: %w", f.path, lastError())
		}
		return f.lost
	})
}

// do runs fn with the file's id and path in the form that libhdf5 takes; errors
// get the path in front. An error about what is in a file is one of input; one of
// the storage is fault.Unavailable, and ends all reading of the file. What
// fn sets may be looked at only if the error does not wrap ErrBroken.
func (f *File) do(path, object string, fn func(file int64, path string) error) error {
	return section{f.ctx, f.limit, f.path, object}.run(func() error {
		if f.file == nil {
			return fmt.Errorf("read %s: %w", f.path, fs.ErrClosed)
		}
		if f.lost != nil {
			return f.lost
		}
		in := path
		if in == "" {
			in = "/" // libhdf5 refuses the empty path; slashes too many it takes
		}
		err := checkName(in)
		if err == nil {
			err = fn(f.file.ID(), in)
		}
		if e := storageFailure(); e != nil { // also behind what fn takes for an answer
			f.lost = fault.Errorf(fault.Unavailable, "read %s: %s: %w", f.path, in, e)
			return f.lost
		}
		if err != nil {
			return fault.Errorf(fault.BadInput, "%s: %w", path, err)
		}
		return nil
	})
}

// checkName refuses names that C would see only the beginning of, and find.
func checkName(name string) error {
	if strings.IndexByte(name, 0) >= 0 {
		return fmt.Errorf("%w: a name in a file has no NUL", ErrNotFound)
	}
	return nil
}

// closing closes c and reports that only when nothing else went wrong.
func closing(c io.Closer, err error) error {
	if e := c.Close(); e != nil && err == nil {
		return fmt.Errorf("close: %w", lastError())
	}
	return err
}
