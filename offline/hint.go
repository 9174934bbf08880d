package offline

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// bare is the system's own reason, without the operation and the path that its
// wrapper repeats; err itself where there is none.
func bare(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	}
	return err
}

// withHint says what to do about a file that can not be had.
func withHint(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w (is the name right, and the storage mounted?)", err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w (this program runs as uid %d, gid %d)", err, os.Geteuid(), os.Getegid())
	}
	return err
}

// absolute is a path for a message; as given where it can not be told.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
