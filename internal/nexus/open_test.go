package nexus

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ingestor/internal/fault"
)

func TestOpen_FaultsHaveTheirKindAndCause(t *testing.T) {
	whole, err := os.ReadFile("testdata/kinds.hdf")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	garbage := append(append([]byte{}, whole[:8]...), []byte(strings.Repeat("\xa5\x5a garbage", 500))...)
	for _, c := range []struct {
		name, path string
		kind       fault.Kind
		text       string
	}{
		{"absent", filepath.Join(dir, "absent.hdf"), fault.Busy, "no such file"},
		{"below a file", filepath.Join(write("file", whole), "x.hdf"), fault.BadInput, "not a directory"},
		{"directory", dir, fault.BadInput, "is a directory"},
		{"pipe", pipe, fault.BadInput, "not a regular file"},
		{"empty", write("empty.hdf", nil), fault.BadInput, "is empty"},
		{"text", write("text.hdf", []byte("hello, this is text\n")), fault.BadInput, "no HDF5 signature"},
		{"truncated", write("truncated.hdf", whole[:60000]), fault.BadInput, "is truncated: 60000 of 129477 bytes are there (is its writer done?)"},
		{"signature alone", write("signature.hdf", whole[:8]), fault.BadInput, "unable to open file: "},
		{"garbage after the signature", write("garbage.hdf", garbage), fault.BadInput, "superblock"},
		{"mark of a writer that did not close it", "testdata/marked.hdf", fault.Busy, "already open for write"},
		{"NUL in the name", "a\x00b", fault.BadInput, "invalid argument"},
		{"name too long", strings.Repeat("x", 5000), fault.BadInput, "too long"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := Open(t.Context(), c.path, OpenOptions{})
			if err == nil {
				t.Fatal("opened", f.Close())
			}
			if fault.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.text) {
				t.Errorf("%v: %v", fault.KindOf(err), err)
			}
			if strings.ContainsAny(err.Error(), "\n") {
				t.Errorf("more than a line: %q", err)
			}
			if errors.Is(err, fs.ErrNotExist) != (c.name == "absent") {
				t.Errorf("is %v: %v", fs.ErrNotExist, errors.Is(err, fs.ErrNotExist))
			}
		})
	}
}

func TestOpen_UnreadableFileIsNotRetried(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may read everything")
	}
	path := filepath.Join(t.TempDir(), "secret.hdf")
	if err := os.WriteFile(path, []byte("x"), 0); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), path, OpenOptions{RetryDelays: []time.Duration{time.Hour}})
	if fault.KindOf(err) != fault.BadInput || !errors.Is(err, fs.ErrPermission) {
		t.Errorf("%v: %v", fault.KindOf(err), err)
	}
}

func TestOpen_TriesAgainUntilTheFileIsThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "late.hdf")
	go func() {
		time.Sleep(20 * time.Millisecond)
		if err := os.Link("testdata/order.hdf", path); err != nil {
			t.Error(err)
		}
	}()
	delays := make([]time.Duration, 2000)
	for i := range delays {
		delays[i] = 5 * time.Millisecond
	}
	f, err := Open(t.Context(), path, OpenOptions{RetryDelays: delays})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func TestOpen_SaysHowOftenItTried(t *testing.T) {
	_, err := Open(t.Context(), "testdata/absent.hdf", OpenOptions{RetryDelays: []time.Duration{0, time.Millisecond}})
	if err == nil || !strings.Contains(err.Error(), "tried 3 times") || fault.KindOf(err) != fault.Busy {
		t.Errorf("%v: %v", fault.KindOf(err), err)
	}
}

func TestOpen_EndOfContextEndsTheWaiting(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Open(ctx, "testdata/absent.hdf", OpenOptions{RetryDelays: []time.Duration{time.Hour}})
	if !errors.Is(err, context.Canceled) || !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err = Open(ctx, "testdata/absent.hdf", OpenOptions{RetryDelays: []time.Duration{time.Hour}})
	if !errors.Is(err, context.DeadlineExceeded) || fault.KindOf(err) != fault.Busy {
		t.Errorf("%v: %v", fault.KindOf(err), err)
	}
}

// TestOpen_LockedFileIsBusy holds the lock that a writing libhdf5 holds.
func TestOpen_LockedFileIsBusy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "locked.hdf")
	b, err := os.ReadFile("testdata/order.hdf")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	w, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(w.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), path, OpenOptions{})
	if fault.KindOf(err) != fault.Busy || err == nil || !strings.Contains(err.Error(), "another program has it open for writing") {
		t.Errorf("%v: %v", fault.KindOf(err), err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	f := openTestFile(t, path)
	if !f.IsGroup("/p") {
		t.Error("no group p once the lock is gone")
	}
}

func TestFile_CloseTwiceAndUseAfter(t *testing.T) {
	f, err := Open(t.Context(), "testdata/order.hdf", OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := f.Read("/p"); !errors.Is(err, fs.ErrClosed) {
		t.Error(err)
	}
	if f.Exists("/") || f.IsGroup("/") {
		t.Error("a closed file has a root")
	}
}

// libhdf5 looks at the name again after it has opened the file.
func TestOpen_AFileThatGoesAwayMeanwhileIsAbsent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.hdf")
	err := openError(path, &libraryError{text: "unable to open file: can't retrieve stat info for file"})
	if fault.KindOf(err) != fault.Busy || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v: %v", fault.KindOf(err), err)
	}
}
