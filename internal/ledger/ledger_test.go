package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"ingestor/internal/fault"
)

var testTime = time.Date(2026, 3, 14, 10, 0, 0, 987_654_321, time.UTC)

func testOptions() Options {
	return Options{Host: "odin", Version: "1.2.3", Now: func() time.Time { return testTime }}
}

func open(t *testing.T, dir string) *Ledger {
	t.Helper()
	l, err := Open(t.Context(), dir, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func take(t *testing.T, l *Ledger, n Note) {
	t.Helper()
	if err := l.Take(t.Context(), n); err != nil {
		t.Fatal(err)
	}
}

func testFile(path string) File {
	return File{Path: path, Size: 42, ModTime: testTime.Add(-time.Hour), Device: 1 << 63, Inode: 7}
}

func TestTake_AddsToWhatIsKnownOfAFile(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "made", "on the way?#%41"))
	f := testFile("/data/a.hdf")
	take(t, l, Note{File: f, Error: "not HDF5", Class: "permanent", Exit: 65, FirstOfAttempt: true})
	take(t, l, Note{File: f, State: Registering, PID: "p/1", JobID: "job", Schema: "odin", FirstOfAttempt: true})
	take(t, l, Note{File: f, State: Attaching})
	take(t, l, Note{File: f, Error: "catalogue away", Class: "systemic", Exit: 69})
	e, known, err := l.OfFile(t.Context(), f)
	want := Entry{
		File: f, State: Attaching, PID: "p/1", JobID: "job", Schema: "odin", Attempts: 2,
		Error: "catalogue away", Class: "systemic", Exit: 69, Host: "odin", Version: "1.2.3",
	}
	check := func() {
		t.Helper()
		if err != nil || !known || !e.First.Equal(testTime) || !e.Last.Equal(testTime) || !e.ModTime.Equal(f.ModTime) {
			t.Fatalf("%v, %v: %+v", known, err, e)
		}
		e.First, e.Last, e.ModTime, want.ModTime = time.Time{}, time.Time{}, time.Time{}, time.Time{}
		if !reflect.DeepEqual(e, want) {
			t.Errorf("got  %+v\nwant %+v", e, want)
		}
	}
	check()
	take(t, l, Note{File: f, State: Registered, Datablock: "block"})
	e, known, err = l.OfFile(t.Context(), f)
	want.State, want.Datablock, want.Error, want.Class, want.Exit = Registered, "block", "", "", 0
	check()
}

func TestTake_WithoutStateIsAFailureOfAFileThatIsNotKnown(t *testing.T) {
	l := open(t, t.TempDir())
	f := testFile("/data/a.hdf")
	take(t, l, Note{File: f, Error: "x"})
	if e, known, err := l.OfFile(t.Context(), f); err != nil || !known || e.State != Failed || e.Attempts != 0 {
		t.Errorf("%v, %v: %+v", known, err, e)
	}
}

func TestOfPID_ListsEveryContentAndNameAndNothingElse(t *testing.T) {
	l := open(t, t.TempDir())
	a, changed, b := testFile("/data/a.hdf"), testFile("/data/a.hdf"), testFile("/data/b.hdf")
	changed.Size++
	take(t, l, Note{File: a, State: Registering, PID: "p/1"})
	take(t, l, Note{File: changed, State: Registering, PID: "p/1"})
	take(t, l, Note{File: b, State: Registering, PID: "p/2"})
	take(t, l, Note{File: testFile("/data/c.hdf"), State: Registering})
	for pid, want := range map[string]int{"p/1": 2, "p/2": 1, "p/3": 0, "": 0} {
		if list, err := l.OfPID(t.Context(), pid); err != nil || len(list) != want {
			t.Errorf("%q: %d entries, %v; want %d", pid, len(list), err, want)
		}
	}
	if _, known, err := l.OfFile(t.Context(), testFile("/data/none.hdf")); known || err != nil {
		t.Errorf("a file that was never noted: %v, %v", known, err)
	}
}

func TestSame_IsOnePathOrOneInode(t *testing.T) {
	f := testFile("/data/a.hdf")
	for _, c := range []struct {
		name  string
		other File
		want  bool
	}{
		{"the same path with another content", File{Path: f.Path, Inode: 9}, true},
		{"another name of the inode", File{Path: "/link", Device: f.Device, Inode: f.Inode}, true},
		{"the inode's number on another device", File{Path: "/link", Device: 2, Inode: f.Inode}, false},
		{"another file", File{Path: "/b", Device: f.Device, Inode: 8}, false},
	} {
		if got := f.Same(c.other); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	if (File{Path: "/a"}).Same(File{Path: "/b"}) {
		t.Error("files without inodes are taken for one")
	}
}

func TestLook_DescribesTheFileAsItIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(path, []byte("four"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Look(path)
	if err != nil || f.Path != path || f.Size != 4 || f.Inode == 0 || f.ModTime.IsZero() {
		t.Errorf("%+v, %v", f, err)
	}
	if _, err := Look(path + "y"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

// TestOpen_SeveralAtOnce: many processes make the ledger and write to it at the
// same time; connections of one process behave as processes do.
func TestOpen_SeveralAtOnce(t *testing.T) {
	dir := t.TempDir()
	const writers, notes = 8, 25
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			l, err := Open(t.Context(), dir, testOptions())
			if err != nil {
				t.Error(err)
				return
			}
			for i := range notes {
				if err := l.Take(t.Context(), Note{File: testFile(fmt.Sprintf("/data/%d", i)), PID: fmt.Sprint(w), FirstOfAttempt: true}); err != nil {
					t.Error(err)
				}
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	l := open(t, dir)
	for i := range notes {
		e, known, err := l.OfFile(t.Context(), testFile(fmt.Sprintf("/data/%d", i)))
		if err != nil || !known || e.Attempts != writers {
			t.Errorf("file %d: %v, %v, %d attempts of %d", i, known, err, e.Attempts, writers)
		}
	}
}

// TestTake_SurvivesKill: what a process noted is there after kill -9.
func TestTake_SurvivesKill(t *testing.T) {
	const asChild = "INGESTOR_TEST_LEDGER"
	if dir := os.Getenv(asChild); dir != "" {
		l := open(t, dir)
		take(t, l, Note{File: testFile("/data/a.hdf"), State: Attaching, PID: "p/1"})
		p, err := os.FindProcess(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Kill(); err != nil {
			t.Fatal(err)
		}
		select {} // until it arrives
	}
	dir := t.TempDir()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	child.Env = append(os.Environ(), asChild+"="+dir)
	out, err := child.CombinedOutput()
	if err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the child was not killed: %v\n%s", err, out)
	}
	e, known, err := open(t, dir).OfFile(t.Context(), testFile("/data/a.hdf"))
	if err != nil || !known || e.State != Attaching || e.PID != "p/1" {
		t.Errorf("%v, %v: %+v", known, err, e)
	}
}

func TestTake_SaysWhoHoldsItUp(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	o := testOptions()
	o.BusyTimeout = 20 * time.Millisecond
	other, err := Open(t.Context(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	tx, err := l.db.BeginTx(t.Context(), nil) // immediate: holds the write lock
	if err != nil {
		t.Fatal(err)
	}
	err = other.Take(t.Context(), Note{File: testFile("/a")})
	if fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "another process has held it for 20ms") {
		t.Errorf("kind %v: %v", fault.KindOf(err), err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	take(t, other, Note{File: testFile("/a")})
}

func raw(t *testing.T, path string, do func(context.Context, *sql.DB) error) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	if err == nil {
		err = do(t.Context(), db)
	}
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}
