package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ingestor/internal/fault"
)

func worklist(t *testing.T, dir string) *Worklist {
	t.Helper()
	w, err := NewWorklist(t.Context(), dir, filepath.Base(JobFile(dir, production, "night", "work")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	return w
}

func add(t *testing.T, w *Worklist, files ...File) {
	t.Helper()
	if err := w.Add(t.Context(), files); err != nil {
		t.Fatal(err)
	}
}

func next(t *testing.T, w *Worklist, after Mark, limit int, newestFirst bool) []File {
	t.Helper()
	files, err := w.Next(t.Context(), after, limit, newestFirst)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// fileAt is a file that was changed some nanoseconds after 1970.
func fileAt(ns int64, path string) File {
	return File{Path: path, Size: 10, ModTime: time.Unix(0, ns), Device: 1 << 63, Inode: 1<<64 - 1}
}

func paths(files []File) []string {
	var list []string
	for _, f := range files {
		list = append(list, f.Path)
	}
	return list
}

// ordered is a list with ties, times before 1970 and at its very beginning, and
// names that are no text, in the order that is wanted.
func ordered() []File {
	return []File{
		fileAt(-1e18, "/before 1970"), fileAt(-1, "/b"), fileAt(0, "/1970"), fileAt(0, "/1970/x"), fileAt(1, "/a"),
		fileAt(5, "/"), fileAt(5, "/A"), fileAt(5, "/a"), fileAt(5, "/a b"), fileAt(5, "/a/b"), fileAt(5, "/aa"), fileAt(5, "/ä"), fileAt(5, "/\xff"),
		fileAt(6, "/'\";--\n"), fileAt(1773482400987654321, "/a"), fileAt(1773482400987654322, "/0"),
	}
}

func TestWorklist_IsOrderedByTimeAndThenByTheBytesOfThePath(t *testing.T) {
	w := worklist(t, t.TempDir())
	want := ordered()
	mixed := slices.Clone(want)
	shuffle(mixed)
	add(t, w, mixed[:7]...)
	add(t, w, mixed[7:]...)
	if !slices.IsSortedFunc(want, func(a, b File) int { return a.Mark().Compare(b.Mark()) }) {
		t.Error("marks have another order")
	}
	for _, newestFirst := range []bool{false, true} {
		if newestFirst {
			slices.Reverse(want)
		}
		if got := next(t, w, Mark{}, 100, newestFirst); !reflect.DeepEqual(got, want) {
			t.Errorf("got  %q\nwant %q", paths(got), paths(want))
		}
		for _, limit := range []int{1, 3, len(want) - 1, len(want)} {
			var got []File
			for after := (Mark{}); ; {
				page := next(t, w, after, limit, newestFirst)
				if len(page) == 0 {
					break
				}
				if len(page) > limit {
					t.Fatalf("%d files of %d", len(page), limit)
				}
				got = append(got, page...)
				after = page[len(page)-1].Mark()
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("pages of %d: got  %q\nwant %q", limit, paths(got), paths(want))
			}
		}
	}
}

func TestWorklist_BeginsAfterAnyMark(t *testing.T) {
	w := worklist(t, t.TempDir())
	add(t, w, fileAt(1, "/b"), fileAt(2, "/a"), fileAt(2, "/c"), fileAt(3, "/a"))
	for _, c := range []struct {
		name         string
		after        Mark
		older, newer []string
	}{
		{"none", Mark{}, []string{"/a", "/c", "/a", "/b"}, []string{"/b", "/a", "/c", "/a"}},
		{"a file of the list", Mark{time.Unix(0, 2), "/a"}, []string{"/b"}, []string{"/c", "/a"}},
		{"a file that is gone, among ties", Mark{time.Unix(0, 2), "/b"}, []string{"/a", "/b"}, []string{"/c", "/a"}},
		{"a time", Mark{Time: time.Unix(0, 2)}, []string{"/b"}, []string{"/a", "/c", "/a"}},
		{"1970", Mark{Time: time.Unix(0, 0)}, nil, []string{"/b", "/a", "/c", "/a"}},
		{"the last", Mark{time.Unix(0, 3), "/a"}, []string{"/c", "/a", "/b"}, nil},
	} {
		if got := paths(next(t, w, c.after, 100, false)); !slices.Equal(got, c.newer) {
			t.Errorf("after %s: %q, want %q", c.name, got, c.newer)
		}
		if got := paths(next(t, w, c.after, 100, true)); !slices.Equal(got, c.older) {
			t.Errorf("before %s: %q, want %q", c.name, got, c.older)
		}
	}
}

func TestWorklist_HasAFileOnceAndTakesMoreWhileItIsRead(t *testing.T) {
	w := worklist(t, t.TempDir())
	if n, bytes, err := w.Count(t.Context()); n != 0 || bytes != 0 || err != nil {
		t.Errorf("an empty list has %d files, %d bytes, %v", n, bytes, err)
	}
	if got := next(t, w, Mark{}, 10, false); len(got) != 0 {
		t.Errorf("an empty list gives %q", paths(got))
	}
	add(t, w)
	add(t, w, fileAt(1, "/a"), fileAt(3, "/b"), fileAt(1, "/a"))
	first := next(t, w, Mark{}, 1, false)
	add(t, w, fileAt(1, "/a"), fileAt(2, "/c"), fileAt(4, "/a")) // changed while the tree was walked
	if got := paths(next(t, w, first[0].Mark(), 10, false)); !slices.Equal(got, []string{"/c", "/b", "/a"}) {
		t.Errorf("got %q", got)
	}
	if n, bytes, err := w.Count(t.Context()); n != 4 || bytes != 40 || err != nil {
		t.Errorf("%d files, %d bytes, %v", n, bytes, err)
	}
}

func entriesOf(t *testing.T, dir string) []string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

func TestWorklist_LeavesNothingBehindHoweverItEnds(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made?#%41")
	for _, odd := range []string{"night", "Ω/..", ""} {
		w, err := NewWorklist(t.Context(), dir, filepath.Base(JobFile(dir, production, odd, "work")))
		if err != nil {
			t.Fatal(err)
		}
		add(t, w, manyFiles(30_000)...) // more than is kept in memory
		if names := entriesOf(t, dir); len(names) != 0 {
			t.Errorf("while it is in use: %q", names)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		if err := w.Add(t.Context(), manyFiles(1)); err == nil || fault.KindOf(err) != fault.Unavailable {
			t.Errorf("after it is closed: %v", err)
		}
	}
	left := JobFile(dir, production, "night", "work")
	if err := os.WriteFile(left, []byte("of a run that was killed at its beginning"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := worklist(t, dir)
	if n, _, err := w.Count(t.Context()); n != 0 || err != nil || len(entriesOf(t, dir)) != 0 {
		t.Errorf("%d files, %v, %q", n, err, entriesOf(t, dir))
	}
}

func TestWorklist_IsOfNoUseAfterItCouldNotBeWritten(t *testing.T) {
	t.Run("the disk is full", func(t *testing.T) {
		dir := t.TempDir()
		mount(t, dir, "size=1m")
		w := worklist(t, dir)
		var err error
		files := manyFiles(200_000)
		shuffle(files)
		for from := 0; from < len(files) && err == nil; from += 1000 {
			err = w.Add(t.Context(), files[from:from+1000])
		}
		wantNotWritable(t, err, dir, "")
		wantNotWritable(t, w.Add(t.Context(), files[:1]), dir, "")
		if err := w.Close(); err != nil {
			t.Log(err)
		}
	})
	t.Run("there is no room at all", func(t *testing.T) {
		dir := t.TempDir()
		mount(t, dir, "size=4k")
		if err := os.WriteFile(filepath.Join(dir, "filler"), make([]byte, 4096), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := NewWorklist(t.Context(), dir, "list")
		wantNotWritable(t, err, dir, "make the list of files")
		if names := entriesOf(t, dir); len(names) != 1 {
			t.Errorf("left %q", names)
		}
	})
	t.Run("a folder in its place", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, "list", "full"), 0o700); err != nil {
			t.Fatal(err)
		}
		if _, err := NewWorklist(t.Context(), dir, "list"); fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), dir) {
			t.Errorf("kind %v: %v", fault.KindOf(err), err)
		}
	})
	t.Run("its context ended", func(t *testing.T) {
		w := worklist(t, t.TempDir())
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for _, err := range []error{w.Add(ctx, manyFiles(1)), w.Add(t.Context(), manyFiles(1))} {
			if !errors.Is(err, context.Canceled) || fault.KindOf(err) != fault.Interrupted {
				t.Errorf("kind %v: %v", fault.KindOf(err), err)
			}
		}
	})
}

// resident is the memory of this process, in bytes.
func resident(t *testing.T) int64 {
	t.Helper()
	debug.FreeOSMemory()
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("the memory of a process can not be looked at here: ", err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(b))[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

// TestWorklist_StaysFlat: 200 000 files go through it, in no order, and none is
// lost or comes twice.
func TestWorklist_StaysFlat(t *testing.T) {
	const all, atOnce = 200_000, 1000
	w := worklist(t, t.TempDir())
	before := resident(t)
	files := make([]File, atOnce)
	// Each number below all once: 7919 has no divisor in common with it.
	number := func(i int) int { return i * 7919 % all }
	for i := range all {
		files[i%atOnce] = fileAt(int64(number(i)/3), fmt.Sprintf("/data/instrument/2026/443503/raw/a-rather-long-name-of-a-file-%07d.hdf", number(i)))
		if i%atOnce == atOnce-1 {
			add(t, w, files...)
		}
	}
	if n, bytes, err := w.Count(t.Context()); n != all || bytes != 10*all || err != nil {
		t.Errorf("%d files, %d bytes, %v", n, bytes, err)
	}
	seen, last := 0, Mark{}
	for {
		page := next(t, w, last, 500, false)
		if len(page) == 0 {
			break
		}
		for _, f := range page {
			if f.Mark().Compare(last) <= 0 {
				t.Fatalf("%v after %v", f.Mark(), last)
			}
			last = f.Mark()
			seen++
		}
	}
	if seen != all {
		t.Errorf("%d files of %d", seen, all)
	}
	if grown := resident(t) - before; grown > 40<<20 {
		t.Errorf("memory has grown by %d MiB", grown>>20)
	} else {
		t.Logf("memory has grown by %d KiB", grown>>10)
	}
}

// Count is how many files are on the list, and their sizes together.
func (w *Worklist) Count(ctx context.Context) (files, bytes int64, err error) {
	err = w.conn.QueryRowContext(ctx, "SELECT count(*), coalesce(sum(size), 0) FROM files").Scan(&files, &bytes)
	return files, bytes, w.explain("read", err)
}
