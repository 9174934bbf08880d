package nexustest

import (
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// FailReads lets every further read of a file that this process has open end with
// EIO, as on a storage that went away: another file takes the place of each of its
// descriptors, in which there is nothing to read, the own memory at address 0.
func FailReads(t *testing.T, path string) {
	t.Helper()
	want, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	bad, err := os.Open("/proc/self/mem")
	if err != nil {
		t.Fatal(err)
	}
	defer bad.Close()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	replaced := 0
	for _, e := range list {
		fd, err := strconv.Atoi(e.Name())
		if err != nil {
			t.Fatal(err)
		}
		have, err := os.Stat(filepath.Join("/proc/self/fd", e.Name()))
		if err != nil || !os.SameFile(have, want) {
			continue
		}
		if err := syscall.Dup3(int(bad.Fd()), fd, syscall.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
		replaced++
	}
	if replaced == 0 {
		t.Fatalf("%s is not open", path)
	}
}
