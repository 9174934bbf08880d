package ledger

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// ours are the files of the ledger.
func ours(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, FileName+"*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %v", files, err)
	}
	return files
}

func remove(t *testing.T, files ...string) {
	t.Helper()
	for _, f := range files {
		if err := os.RemoveAll(f); err != nil {
			t.Fatal(err)
		}
	}
}

func wantKnown(t *testing.T, l *Ledger, n MessageNote, want bool) {
	t.Helper()
	if _, known, err := l.Outcome(t.Context(), n.Source, n.Topic, n.Partition, n.Offset, n.Time); err != nil || known != want {
		t.Errorf("%d: known %v, want %v, %v", n.Offset, known, want, err)
	}
}

// TestUse_OpensALedgerAnewThatIsNoLongerInItsPlace: what is noted is found by
// whoever looks there.
func TestUse_OpensALedgerAnewThatIsNoLongerInItsPlace(t *testing.T) {
	for name, away := range map[string]func(t *testing.T, dir string){
		"all files deleted":        func(t *testing.T, dir string) { remove(t, ours(t, dir)...) },
		"only the ledger deleted":  func(t *testing.T, dir string) { remove(t, filepath.Join(dir, FileName)) },
		"the directory deleted":    func(t *testing.T, dir string) { remove(t, dir) },
		"the directory moved away": func(t *testing.T, dir string) { move(t, dir, dir+".old") },
		"all files moved away": func(t *testing.T, dir string) {
			for _, f := range ours(t, dir) {
				move(t, f, filepath.Join(filepath.Dir(dir), filepath.Base(f)))
			}
		},
		"another ledger in its place": func(t *testing.T, dir string) {
			move(t, dir, dir+".old")
			if err := open(t, dir).Close(); err != nil {
				t.Fatal(err)
			}
		},
	} {
		for use, do := range map[string]func(t *testing.T, l *Ledger){
			"probe": func(t *testing.T, l *Ledger) {
				if err := l.Probe(t.Context()); err != nil {
					t.Fatal(err)
				}
			},
			"note": func(t *testing.T, l *Ledger) { note(t, l, at(2)) },
			"take": func(t *testing.T, l *Ledger) { take(t, l, Note{File: testFile("/a")}) },
			"read": func(t *testing.T, l *Ledger) { wantKnown(t, l, at(1), false) },
		} {
			t.Run(name+", "+use, func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "state")
				l := open(t, dir)
				note(t, l, at(1))
				away(t, dir)
				do(t, l)
				note(t, l, at(3))
				other := open(t, dir)
				wantKnown(t, other, at(1), false)
				wantKnown(t, other, at(3), true)
				if list, err := filepath.Glob(filepath.Join(dir+".old", FileName)); err == nil && len(list) > 0 {
					wantKnown(t, open(t, dir+".old"), at(1), true) // nothing of the old one is lost
				}
			})
		}
	}
}

func move(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// TestUse_LeavesTheFilesOfTheNewLedger: the one who comes late has the old one
// open, and closes it, while others write to the new one.
func TestUse_LeavesTheFilesOfTheNewLedger(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	late := open(t, dir)
	note(t, late, at(1))
	move(t, dir, dir+".old")
	early := open(t, dir)
	note(t, early, at(2))
	before := ours(t, dir)
	note(t, late, at(3))
	if after := ours(t, dir); strings.Join(after, " ") != strings.Join(before, " ") {
		t.Errorf("files before %v, after %v", before, after)
	}
	note(t, early, at(4))
	for _, l := range []*Ledger{early, late, open(t, dir)} {
		for offset, want := range []bool{1: false, 2: true, 3: true, 4: true} {
			wantKnown(t, l, at(int64(offset)), want)
		}
	}
	wantKnown(t, open(t, dir+".old"), at(1), true)
}

func TestUse_GoesOnOnceTheLedgerCanBeMadeAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	l := open(t, dir)
	remove(t, dir)
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := l.Probe(t.Context()); err == nil || !strings.Contains(err.Error(), "make the state directory") {
		t.Fatalf("a file in place of the directory: %v", err)
	}
	remove(t, dir)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(l.Path(), []byte(strings.Repeat("torn ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := l.Probe(t.Context()); err == nil || errors.Is(err, ErrNotWritable) || !strings.Contains(err.Error(), "move it away") {
			t.Fatalf("a damaged one: %v", err)
		}
	}
	remove(t, l.Path())
	if err := l.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	note(t, l, at(1))
	wantKnown(t, open(t, dir), at(1), true)
}

func TestUse_ByManyAtOnceWhileItIsMovedAway(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	l := open(t, dir)
	const writers, notes = 4, 30
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range notes {
				if err := l.NoteMessages(t.Context(), []MessageNote{at(int64(w*notes + i))}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 3 {
		if err := os.Rename(dir, filepath.Join(t.TempDir(), "old")); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	all.Wait()
	note(t, l, at(-1))
	wantKnown(t, open(t, dir), at(-1), true)
}

func TestUse_AfterCloseIsAnError(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	for range 2 {
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	remove(t, l.Path())
	for _, err := range []error{l.Probe(t.Context()), l.Take(t.Context(), Note{}), l.NoteMessages(t.Context(), []MessageNote{at(1)})} {
		if err == nil || !strings.Contains(err.Error(), l.Path()) {
			t.Errorf("got %v", err)
		}
	}
	if _, err := os.Stat(l.Path()); err == nil {
		t.Error("it is made again")
	}
}
