package online

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// isMountPoint says whether a folder is the root of a file system of its own.
func isMountPoint(path string, info os.FileInfo) bool {
	above, err := os.Stat(filepath.Dir(filepath.Clean(path)))
	if err != nil {
		return false
	}
	own, ok := info.Sys().(*syscall.Stat_t)
	upper, okAbove := above.Sys().(*syscall.Stat_t)
	return ok && okAbove && own.Dev != upper.Dev
}

// stillMounted finds out that a data directory which was a mount point is none
// any more: after an unmount an empty folder is left, which can be listed.
func (h *Health) stillMounted(now bool) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.mounted && !now {
		return fmt.Errorf("data directory %s is not mounted any more", h.opt.DataDirectory)
	}
	h.mounted = now
	return nil
}
