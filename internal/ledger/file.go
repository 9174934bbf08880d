package ledger

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// File is one content of one file. A file that has changed since is another.
type File struct {
	Path    string // absolute
	Size    int64  // bytes
	ModTime time.Time
	// Device and Inode find the file under another name; 0 where the system
	// does not tell.
	Device, Inode uint64
}

// Look describes the file at path as it is now.
func Look(path string) (File, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return File{}, fmt.Errorf("describe %s for the ledger: %w", path, err)
	}
	info, err := os.Stat(abs)
	if err != nil {
		return File{}, fmt.Errorf("describe a file for the ledger: %w", err)
	}
	f := File{Path: abs, Size: info.Size(), ModTime: info.ModTime()}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		f.Device, f.Inode = uint64(st.Dev), st.Ino
	}
	return f, nil
}

// Same says that both are names of one file, whatever it contained.
func (f File) Same(other File) bool {
	return f.Path == other.Path || f.Inode != 0 && f.Inode == other.Inode && f.Device == other.Device
}
