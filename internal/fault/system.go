package fault

import (
	"errors"
	"io/fs"
	"slices"
	"syscall"
)

// storageErrnos are what the operating system says of a storage, or of a machine,
// that fails: never what is in a file. ENOENT is not among them, as a file may be
// missing from the best of storages.
var storageErrnos = []syscall.Errno{
	syscall.EIO, syscall.ESTALE, syscall.ETIMEDOUT, syscall.EREMOTEIO, syscall.ENOLINK, syscall.ENODEV,
	syscall.EHOSTDOWN, syscall.ENOTCONN, syscall.ESHUTDOWN, syscall.EMFILE, syscall.ENFILE,
}

// OfSystem is the kind of the operating system's refusal to open or read a file:
// Busy for one that is not there, which may come or be on a share that went away,
// Unavailable for a storage that fails, BadInput for all else.
func OfSystem(err error) Kind {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Busy
	case slices.ContainsFunc(storageErrnos, func(e syscall.Errno) bool { return errors.Is(err, e) }):
		return Unavailable
	}
	return BadInput
}
