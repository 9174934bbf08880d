package ledger

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"ingestor/internal/fault"
)

// mount makes dir a small file system of its own, or skips.
func mount(t *testing.T, dir, options string) {
	t.Helper()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Skip("no small file system can be mounted here: ", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}

// asNobody does something with the rights of nobody where we are root.
func asNobody(t *testing.T, do func()) {
	t.Helper()
	if os.Geteuid() == 0 {
		if err := syscall.Seteuid(65534); err != nil {
			t.Skip("the rights of root can not be put down here: ", err)
		}
		defer func() {
			if err := syscall.Seteuid(0); err != nil {
				t.Fatal(err)
			}
		}()
	}
	do()
}

// publicDir is a folder that others come to.
func publicDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := errors.Join(os.Chmod(filepath.Dir(dir), 0o755), os.Chmod(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// wantNotWritable is one line that names the file or its folder.
func wantNotWritable(t *testing.T, err error, dir, says string) {
	t.Helper()
	if !errors.Is(err, ErrNotWritable) || fault.KindOf(err) != fault.Unavailable ||
		!strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "\n") {
		t.Errorf("kind %v, may be mended: %v: %v", fault.KindOf(err), errors.Is(err, ErrNotWritable), err)
	}
}

// large is a message that needs room.
func large(offset int64) MessageNote {
	n := at(offset)
	n.Value = []byte(strings.Repeat("x", 20_000))
	return n
}

// fillUp takes notes until there is no room, and returns how many it took.
func fillUp(t *testing.T, l *Ledger) (taken int64) {
	t.Helper()
	for ; taken < 10_000; taken++ {
		if err := l.NoteMessages(t.Context(), []MessageNote{large(2 * taken), large(2*taken + 1)}); err != nil {
			wantNotWritable(t, err, l.Path(), "")
			return taken
		}
	}
	t.Fatal("it is never full")
	return 0
}

// wantTaken is what is there of pairs of notes: all that were taken, and none
// by half.
func wantTaken(t *testing.T, l *Ledger, taken int64) {
	t.Helper()
	for i := range 2*taken + 2 {
		n := large(i)
		if _, known, err := l.Outcome(t.Context(), n.Source, n.Topic, n.Partition, n.Offset, n.Time); err != nil || known != (i < 2*taken) {
			t.Fatalf("note %d of %d: %v, %v", i, 2*taken, known, err)
		}
	}
}

func TestNoteMessages_WhereTheDiskIsFull(t *testing.T) {
	t.Run("a small file system", func(t *testing.T) {
		dir := t.TempDir()
		mount(t, dir, "size=1m")
		filler := filepath.Join(dir, "filler")
		if err := os.WriteFile(filler, make([]byte, 512<<10), 0o600); err != nil {
			t.Fatal(err)
		}
		l := open(t, dir)
		taken := fillUp(t, l)
		wantNotWritable(t, l.NoteMessages(t.Context(), []MessageNote{large(-1), large(-2)}), l.Path(), "")
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		if err := l.Probe(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantTaken(t, l, taken)
		note(t, l, large(-1))
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		wantTaken(t, open(t, dir), taken)
	})
	t.Run("a database that may not grow", func(t *testing.T) {
		dir := t.TempDir()
		l := open(t, dir)
		limit := func(pages int) {
			t.Helper()
			if _, err := l.db.ExecContext(t.Context(), fmt.Sprintf("PRAGMA max_page_count = %d", pages)); err != nil {
				t.Fatal(err)
			}
		}
		limit(100)
		taken := fillUp(t, l)
		wantNotWritable(t, l.NoteMessages(t.Context(), []MessageNote{large(-1), large(-2)}), l.Path(), "the disk is full")
		limit(1 << 20)
		wantTaken(t, l, taken)
		note(t, l, large(-1))
	})
}

func TestProbe_SaysWhetherNotesCanBeTaken(t *testing.T) {
	l := open(t, t.TempDir())
	if err := l.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := l.db.ExecContext(t.Context(), "PRAGMA query_only = 1"); err != nil {
		t.Fatal(err)
	}
	wantNotWritable(t, l.Probe(t.Context()), l.Path(), "can not be written by uid")
	if _, err := l.db.ExecContext(t.Context(), "PRAGMA query_only = 0"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := l.Probe(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestOpen_TellsWhatMayBeMended: it is opened once it is mended.
func TestOpen_TellsWhatMayBeMended(t *testing.T) {
	t.Run("the folder is closed to us", func(t *testing.T) {
		dir := publicDir(t)
		for _, mode := range []os.FileMode{0o555, 0o000} {
			if err := os.Chmod(dir, mode); err != nil {
				t.Fatal(err)
			}
			asNobody(t, func() {
				_, err := Open(t.Context(), dir, testOptions())
				wantNotWritable(t, err, dir, "can not be written by uid")
			})
		}
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		asNobody(t, func() {
			if err := open(t, dir).Close(); err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("the file is closed to us", func(t *testing.T) {
		dir := publicDir(t)
		if err := open(t, dir).Close(); err != nil {
			t.Fatal(err)
		}
		for _, mode := range []os.FileMode{0o000, 0o444} {
			if err := errors.Join(os.Chmod(dir, 0o777), os.Chmod(filepath.Join(dir, FileName), mode)); err != nil {
				t.Fatal(err)
			}
			asNobody(t, func() {
				l, err := Open(t.Context(), dir, testOptions())
				if err == nil { // it can be read, so only the proof tells
					err = l.Probe(t.Context())
					_ = l.Close()
				}
				wantNotWritable(t, err, dir, "can not be written by uid")
			})
		}
	})
	t.Run("the file system is read-only", func(t *testing.T) {
		dir := t.TempDir()
		mount(t, dir, "size=1m")
		l := open(t, dir)
		note(t, l, at(1))
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		remount := func(flags uintptr) {
			t.Helper()
			if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|flags, ""); err != nil {
				t.Skip("it can not be made read-only here: ", err)
			}
		}
		remount(syscall.MS_RDONLY)
		l, err := Open(t.Context(), dir, testOptions())
		if err == nil {
			err = l.Probe(t.Context())
			_ = l.Close()
		}
		wantNotWritable(t, err, dir, "can not be written by uid")
		remount(0)
		message(t, open(t, dir), at(1))
	})
	t.Run("the disk is full", func(t *testing.T) {
		dir := t.TempDir()
		mount(t, dir, "size=4k")
		filler := filepath.Join(dir, "filler")
		if err := os.WriteFile(filler, make([]byte, 4096), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(t.Context(), dir, testOptions())
		wantNotWritable(t, err, dir, "")
	})
	t.Run("there is no room for the folder", func(t *testing.T) {
		dir := t.TempDir()
		mount(t, dir, "nr_inodes=1")
		_, err := Open(t.Context(), filepath.Join(dir, "state"), testOptions())
		wantNotWritable(t, err, dir, "make the state directory")
	})
	t.Run("another process holds it", func(t *testing.T) {
		dir := t.TempDir()
		l := open(t, dir)
		tx, err := l.db.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = tx.Rollback() }()
		o := testOptions()
		o.BusyTimeout = 1
		other, err := Open(t.Context(), dir, o)
		if err == nil {
			err = other.Probe(t.Context())
			_ = other.Close()
		}
		wantNotWritable(t, err, dir, "another process has held it")
	})
}

// TestOpen_TellsWhatStays: the daemon goes on without ledger.
func TestOpen_TellsWhatStays(t *testing.T) {
	write := func(t *testing.T, path, content string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, prepare := range map[string]func(t *testing.T, dir string) string{
		"damaged": func(t *testing.T, dir string) string {
			write(t, filepath.Join(dir, FileName), strings.Repeat("torn ", 1000))
			return dir
		},
		"a folder in its place": func(t *testing.T, dir string) string {
			if err := os.Mkdir(filepath.Join(dir, FileName), 0o755); err != nil {
				t.Fatal(err)
			}
			return dir
		},
		"the state directory is a file": func(t *testing.T, dir string) string {
			write(t, filepath.Join(dir, "state"), "")
			return filepath.Join(dir, "state")
		},
		"the state directory may not be made": func(t *testing.T, dir string) string {
			if err := os.Chmod(dir, 0o555); err != nil {
				t.Fatal(err)
			}
			return filepath.Join(dir, "state")
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := prepare(t, publicDir(t))
			asNobody(t, func() {
				_, err := Open(t.Context(), dir, testOptions())
				if is := errors.Is(err, ErrUnusable); is != (name != "the state directory may not be made") {
					t.Errorf("stays unusable: %v: %v", is, err)
				}
				if err == nil || errors.Is(err, ErrNotWritable) || fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), dir) {
					t.Errorf("kind %v, may be mended: %v: %v", fault.KindOf(err), errors.Is(err, ErrNotWritable), err)
				}
			})
		})
	}
}

// TestOpen_WhatRootMakesBelongsToTheOwnerOfTheDirectory: the daemon needs the
// files too, also those that SQLite puts beside the ledger.
func TestOpen_WhatRootMakesBelongsToTheOwnerOfTheDirectory(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make files of others")
	}
	const nobody = 65534
	dir := publicDir(t)
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	for _, state := range []string{"new", "there already"} {
		l := open(t, dir)
		note(t, l, at(1))
		for _, ending := range []string{"", "-wal", "-shm"} {
			info, err := os.Stat(filepath.Join(dir, FileName+ending))
			if err != nil {
				t.Fatal(err)
			}
			if st, ok := info.Sys().(*syscall.Stat_t); !ok || st.Uid != nobody || st.Gid != nobody {
				t.Errorf("%s: %s belongs to uid %d, gid %d", state, info.Name(), st.Uid, st.Gid)
			}
		}
		asNobody(t, func() { take(t, open(t, dir), Note{File: testFile("/a")}) })
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
