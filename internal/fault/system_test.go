package fault

import (
	"errors"
	"io/fs"
	"syscall"
	"testing"
)

func TestOfSystem(t *testing.T) {
	for err, want := range map[error]Kind{
		syscall.ENOENT: Busy, fs.ErrNotExist: Busy,
		syscall.EIO: Unavailable, syscall.ESTALE: Unavailable, syscall.ENOTCONN: Unavailable, syscall.EMFILE: Unavailable,
		syscall.EACCES: BadInput, syscall.EISDIR: BadInput, syscall.EINVAL: BadInput, errors.New("x"): BadInput,
	} {
		if got := OfSystem(&fs.PathError{Op: "open", Path: "p", Err: err}); got != want {
			t.Errorf("%v: got %v, want %v", err, got, want)
		}
	}
}
