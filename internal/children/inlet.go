//go:build linux

package children

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// inlet is a file in memory that holds the standard input of a child; nil for
// none. A pipe would have to be filled while the child reads it, and a process
// that has left the child's group could hold that up for ever.
func inlet(content []byte) (*os.File, error) {
	if len(content) == 0 {
		return nil, nil
	}
	fd, err := unix.MemfdCreate("stdin", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	f := os.NewFile(uintptr(fd), "stdin of a child")
	_, err = f.Write(content)
	if err == nil {
		_, err = f.Seek(0, 0)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
