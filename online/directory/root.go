package directory

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// lookEvery is how soon a folder that is back, or is another one, is noticed.
	lookEvery = 5 * time.Second
	// silence is how long a look may take before the source is not ready: a dead NFS
	// server answers nothing at all.
	silence = 30 * time.Second
)

// sighting is what a look at the folder itself found.
type sighting struct {
	device, inode uint64
	err           error
}

// lookAtRoot looks at the folder, as the scans will read it.
func lookAtRoot(path string) sighting {
	if err := unix.Faccessat(unix.AT_FDCWD, path, unix.R_OK|unix.X_OK, unix.AT_EACCESS); err != nil {
		return sighting{err: err}
	}
	f, err := os.Open(path)
	if err != nil {
		return sighting{err: reason(err)}
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return sighting{err: reason(err)}
	case !info.IsDir():
		return sighting{err: syscall.ENOTDIR}
	}
	st, is := info.Sys().(*syscall.Stat_t)
	if !is {
		return sighting{err: errors.New("the system does not tell which folder it is")}
	}
	return sighting{device: uint64(st.Dev), inode: st.Ino} //nolint:unconvert // 32 bits elsewhere
}

// lookOn looks at the folder now and then, and when poked, until ctx ends. It is apart
// from all else because a look may never end.
func lookOn(ctx context.Context, path string, every time.Duration, poke <-chan struct{}, seen chan<- sighting) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-poke:
		case <-timer.C:
		}
		look := lookAtRoot(path)
		select {
		case <-ctx.Done():
			return
		case seen <- look:
		}
		timer.Reset(every)
	}
}

// unreadable says what is wrong with the folder.
func unreadable(path string, err error) error {
	return fmt.Errorf("the folder %s can not be read: %w", path, err)
}
