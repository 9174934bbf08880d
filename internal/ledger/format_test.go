package ledger

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"ingestor/internal/fault"
	"ingestor/internal/intake"
)

var update = flag.Bool("update", false, "write the golden file of the newest format, unless it is there")

// TestOpen_RefusesWhatIsNoLedgerOfOurs: one line, the name of the file, what to
// do, and the file as it was.
func TestOpen_RefusesWhatIsNoLedgerOfOurs(t *testing.T) {
	execute := func(statements string) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			raw(t, path, func(ctx context.Context, db *sql.DB) error {
				_, err := db.ExecContext(ctx, statements)
				return err
			})
		}
	}
	content := func(b []byte) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		name string
		make func(t *testing.T, path string)
		kind fault.Kind
		says string
	}{
		{"a newer format", execute("CREATE TABLE files (a); PRAGMA application_id = 0x696e676c; PRAGMA user_version = 9"),
			fault.BadConfiguration, fmt.Sprintf("newer version of this program (format 9, this one knows up to %d): use that version", len(formats()))},
		{"a database of another program", execute("CREATE TABLE bookmarks (a)"),
			fault.Unavailable, "of another program; set another ingestion.state_directory"},
		{"another program's mark", execute("PRAGMA application_id = 1; CREATE TABLE files (a)"),
			fault.Unavailable, "of another program"},
		{"a text", content([]byte(strings.Repeat("no database at all\n", 50))),
			fault.Unavailable, "no SQLite database, or damaged; move it away"},
		{"a torn file", func(t *testing.T, path string) {
			l := open(t, filepath.Dir(path))
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			content(append(b[:4096:4096], bytes.Repeat([]byte{0xff}, len(b)-4096)...))(t, path)
		}, fault.Unavailable, "damaged"},
		{"a folder", func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, fault.Unavailable, "can not be written"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, FileName)
			c.make(t, path)
			before, _ := os.ReadFile(path) // nothing of a folder
			l, err := Open(t.Context(), dir, testOptions())
			if err == nil {
				// What is torn further in shows when it is used.
				err = l.Take(t.Context(), Note{File: testFile("/a")})
				if e := l.Close(); e != nil {
					t.Log(e)
				}
			}
			if err == nil || fault.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), path) {
				t.Fatalf("kind %v: %v", fault.KindOf(err), err)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %v", err)
			}
			if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
				t.Error("the file has changed")
			}
		})
	}
}

func TestOpen_AnEmptyFileIsMadeALedger(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, FileName), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	take(t, open(t, dir), Note{File: testFile("/a")})
}

func TestOpen_WhereNothingCanBeWritten(t *testing.T) {
	t.Run("the parent is a file", func(t *testing.T) {
		parent := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(parent, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(t.Context(), filepath.Join(parent, "state"), testOptions())
		if fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), parent) {
			t.Errorf("kind %v: %v", fault.KindOf(err), err)
		}
	})
	t.Run("the folder is closed", func(t *testing.T) {
		if os.Geteuid() == 0 {
			t.Skip("root may write everywhere")
		}
		dir := t.TempDir()
		if err := os.Chmod(dir, 0o555); err != nil {
			t.Fatal(err)
		}
		_, err := Open(t.Context(), dir, testOptions())
		if fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "can not be written by uid") {
			t.Errorf("kind %v: %v", fault.KindOf(err), err)
		}
	})
	t.Run("the disk is full", func(t *testing.T) {
		dir := t.TempDir()
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
			t.Skip("no small file system can be mounted here: ", err)
		}
		t.Cleanup(func() {
			if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
				t.Error(err)
			}
		})
		var last error
		for i := 0; i < 200 && last == nil; i++ {
			var l *Ledger
			if l, last = Open(t.Context(), dir, testOptions()); last == nil {
				last = l.Take(t.Context(), Note{File: testFile(strings.Repeat("x", i)), Error: strings.Repeat("y", 2000)})
				_ = l.Close() // full as well
			}
		}
		if fault.KindOf(last) != fault.Unavailable || !strings.Contains(last.Error(), dir) {
			t.Errorf("kind %v: %v", fault.KindOf(last), last)
		}
	})
}

// goldenMessage is what the golden files from format 2 on hold.
func goldenMessage() MessageNote {
	return MessageNote{
		Source: "kafka", Topic: "done", Partition: 3, Offset: 1 << 40, Time: testTime.Add(-time.Minute), JobID: "job-a",
		File: "/data/a.hdf", Outcome: "dead_lettered", Attempts: 5, PID: "20.500.12269/a", Datablock: "block-a",
		Error: "killed", Class: "bug", Exit: 70, Stderr: []byte("signal: killed\n"), Key: []byte{0, 0xff}, Value: []byte("wrdn\x00"),
		Headers: []intake.Header{{Key: "a", Value: []byte{1}}, {Key: "\xff"}},
	}
}

// goldenNotes are what the golden files of all formats hold.
func goldenNotes() []Note {
	f := testFile("/data/odin/2026/443503/raw/run_31010.hdf")
	return []Note{
		{File: f, State: Attaching, PID: "20.500.12269/a", JobID: "job-a", Schema: "odin", FirstOfAttempt: true},
		{File: f, State: Registered, Datablock: "block-a"},
		{File: testFile("/data/b.hdf"), Error: "not HDF5", Class: "permanent", Exit: 65, FirstOfAttempt: true},
	}
}

// goldenJob is what the golden files from format 3 on hold of a job, with the
// second of goldenContents published by it, and the first accepted.
func goldenJob() JobState {
	return JobState{
		Job: "night", Mark: Mark{Time: testTime.Add(-time.Hour), Path: "/data/b.hdf"}, ScannedAt: testTime.Add(-time.Minute),
		Roots:   map[string]RootSeen{"/data": {Device: 1 << 63, MountPoint: "/data", Files: 2}, "/\xff": {MountPoint: "/\xff"}},
		LastRun: testTime, LastGood: testTime.Add(-24 * time.Hour), Selection: "all", Version: 1,
	}
}

func goldenRun() Run {
	return Run{Job: "night", Started: testTime.Add(-time.Minute), Ended: testTime, Exit: 1, Report: []byte(`{"files":2}`)}
}

// goldenContents are one that has changed since it was registered, and one that failed.
func goldenContents() []File {
	changed := goldenNotes()[0].File
	changed.Size++
	return []File{changed, testFile("/data/b.hdf")}
}

func noteGoldenJob(t *testing.T, l *Ledger) {
	t.Helper()
	n, err := l.AcceptChanged(t.Context(), goldenContents()[:1])
	err = errors.Join(err, l.SaveJob(t.Context(), goldenJob()), l.AddRun(t.Context(), goldenRun()),
		l.NotePublished(t.Context(), "night", goldenContents()[1:]))
	if err != nil || n != 1 {
		t.Fatalf("%d accepted, %v", n, err)
	}
}

func wantGoldenJob(t *testing.T, l *Ledger) {
	t.Helper()
	j, err := l.LoadJob(t.Context(), "night")
	wantJob(t, j, goldenJob())
	runs, e := l.Runs(t.Context(), "night", 0)
	if err = errors.Join(err, e); err != nil || len(runs) != 1 || string(runs[0].Report) != `{"files":2}` || !runs[0].Started.Equal(goldenRun().Started) {
		t.Errorf("runs %+v, %v", runs, err)
	}
	known, err := l.KnowFiles(t.Context(), "night", goldenContents())
	if err != nil || known[0].State != Registered || !known[0].Accepted || known[0].PID != "20.500.12269/a" ||
		known[1].State != Failed || !known[1].Published.Equal(testTime) {
		t.Errorf("%+v, %v", known, err)
	}
}

// TestOpen_MigratesEveryOlderFormat opens a ledger of each format that was ever
// released: testdata/format-N.sqlite, which are never written again.
func TestOpen_MigratesEveryOlderFormat(t *testing.T) {
	newest := filepath.Join("testdata", fmt.Sprintf("format-%d.sqlite", len(formats())))
	if _, err := os.Stat(newest); *update && os.IsNotExist(err) {
		dir := t.TempDir()
		l := open(t, dir)
		for _, n := range goldenNotes() {
			take(t, l, n)
		}
		note(t, l, goldenMessage())
		noteGoldenJob(t, l)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(l.Path(), newest); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob("testdata/format-*.sqlite")
	if err != nil || len(files) != len(formats()) {
		t.Fatalf("%d golden files of %d formats, %v", len(files), len(formats()), err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, FileName), content, 0o600); err != nil {
			t.Fatal(err)
		}
		l := open(t, dir)
		e, known, err := l.OfFile(t.Context(), goldenNotes()[0].File)
		if err != nil || !known || e.State != Registered || e.PID != "20.500.12269/a" || e.Datablock != "block-a" || e.Attempts != 1 ||
			e.JobID != "job-a" || !e.Last.Equal(testTime) {
			t.Errorf("%s: %v, %v: %+v", file, known, err, e)
		}
		e, known, err = l.OfFile(t.Context(), testFile("/data/b.hdf"))
		if err != nil || !known || e.State != Failed || e.Error != "not HDF5" || e.Exit != 65 {
			t.Errorf("%s: %v, %v: %+v", file, known, err, e)
		}
		if filepath.Base(file) == "format-1.sqlite" { // knows no messages; takes them now
			note(t, l, goldenMessage())
		}
		if got, want := message(t, l, goldenMessage()), goldenMessage(); !reflect.DeepEqual(got.MessageNote, want) || !got.Kept ||
			!got.First.Equal(testTime) || !got.Last.Equal(testTime) || got.Host != "odin" || got.Version != "1.2.3" {
			t.Errorf("%s: got  %+v\nwant %+v", file, got, want)
		}
		switch filepath.Base(file) {
		case "format-1.sqlite", "format-2.sqlite": // know no jobs; take them now
			noteGoldenJob(t, l)
		}
		wantGoldenJob(t, l)
	}
}

// TestOpen_TakesTheStepsThatAreMissing, once, however many come at the same time,
// and a step that fails leaves the format as it was.
func TestOpen_TakesTheStepsThatAreMissing(t *testing.T) {
	dir := t.TempDir()
	take(t, open(t, dir), Note{File: testFile("/a"), PID: "p"})
	o := testOptions()
	o.steps = append(formats(), "ALTER TABLE files ADD COLUMN more TEXT NOT NULL DEFAULT 'x';", "no SQL;")
	if _, err := Open(t.Context(), dir, o); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("bring to format %d", len(o.steps))) {
		t.Fatalf("a step that is no SQL: %v", err)
	}
	take(t, open(t, dir), Note{File: testFile("/b")}) // our format still
	o.steps = o.steps[:len(o.steps)-1]
	done := make(chan error, 4)
	for range cap(done) {
		go func() {
			l, err := Open(t.Context(), dir, o)
			if err == nil {
				err = l.Close()
			}
			done <- err
		}()
	}
	for range cap(done) {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	l, err := Open(t.Context(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var more string
	if err := l.db.QueryRowContext(t.Context(), "SELECT more FROM files WHERE pid = 'p'").Scan(&more); err != nil || more != "x" {
		t.Errorf("%q, %v", more, err)
	}
	if _, err := Open(t.Context(), dir, testOptions()); fault.KindOf(err) != fault.BadConfiguration {
		t.Errorf("the older program: kind %v: %v", fault.KindOf(err), err)
	}
}

func BenchmarkOpenAndTake(b *testing.B) {
	dir := b.TempDir()
	for b.Loop() {
		l, err := Open(b.Context(), dir, Options{BusyTimeout: time.Second})
		if err != nil {
			b.Fatal(err)
		}
		for _, n := range goldenNotes() {
			if err := l.Take(b.Context(), n); err != nil {
				b.Fatal(err)
			}
		}
		if err := l.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
