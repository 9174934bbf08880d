package tree

import (
	"fmt"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// mountPoint is where the file system is mounted on which a folder lies.
func mountPoint(folder string) (string, error) {
	at, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return "", err
	}
	for at != "/" {
		is, err := isMountPoint(at)
		if err != nil {
			return "", fmt.Errorf("look for the mount point: %w", err)
		}
		if is {
			break
		}
		at = filepath.Dir(at)
	}
	return at, nil
}

// isMountPoint tells whether something is mounted on the folder. Linux 5.8 and later
// say so; otherwise it is where the device changes, which leaves bind mounts unseen.
func isMountPoint(folder string) (bool, error) {
	var own, above unix.Statx_t
	if err := again(func() error { return unix.Statx(unix.AT_FDCWD, folder, 0, 0, &own) }); err != nil {
		return false, err
	}
	if own.Attributes_mask&unix.STATX_ATTR_MOUNT_ROOT != 0 {
		return own.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0, nil
	}
	if err := again(func() error { return unix.Statx(unix.AT_FDCWD, filepath.Dir(folder), 0, 0, &above) }); err != nil {
		return false, err
	}
	return own.Dev_major != above.Dev_major || own.Dev_minor != above.Dev_minor, nil
}

// within tells whether a path is another or lies below it.
func within(path, other string) bool {
	return path == other || strings.HasPrefix(path, strings.TrimSuffix(other, "/")+"/")
}
