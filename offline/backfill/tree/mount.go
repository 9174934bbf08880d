package tree

import (
	"fmt"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// mountPoint is where the file system is mounted on which a folder lies: the highest
// folder above it on the same device. A part of that file system which is mounted once
// more does not count: a service manager does so to protect folders, and a run by hand
// must see the same as one under it.
//
// The path of the folder has no links in it.
func mountPoint(at string) (string, error) {
	device, err := deviceOf(at)
	for err == nil && at != "/" {
		above := filepath.Dir(at)
		var other uint64
		if other, err = deviceOf(above); err == nil && other != device {
			break
		}
		at = above
	}
	if err != nil {
		return "", fmt.Errorf("look for the mount point: %w", err)
	}
	return at, nil
}

func deviceOf(path string) (uint64, error) {
	var st unix.Stat_t
	err := again(func() error { return unix.Stat(path, &st) })
	return device(&st), err
}

// Within tells whether a path is another or lies below it.
func Within(path, other string) bool {
	return path == other || strings.HasPrefix(path, strings.TrimSuffix(other, "/")+"/")
}
