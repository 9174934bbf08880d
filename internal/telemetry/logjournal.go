package telemetry

import (
	"fmt"
	"os"
	"syscall"
)

// isJournal tells whether f itself is connected to systemd's journal, of which stream
// (JOURNAL_STREAM) holds device and inode. Children inherit the variable but may have
// another standard error.
func isJournal(f *os.File, stream string) bool {
	if stream == "" {
		return false
	}
	info, err := f.Stat()
	if err != nil {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && fmt.Sprintf("%d:%d", stat.Dev, stat.Ino) == stream
}
