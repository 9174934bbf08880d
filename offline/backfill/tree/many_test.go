package tree

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"ingestor/internal/ledger"
)

// many makes n empty files in folders of the given size.
func many(tb testing.TB, dir string, n, folder int) {
	tb.Helper()
	for i := range n {
		in := filepath.Join(dir, fmt.Sprint("folder", i/folder))
		if i%folder == 0 {
			if err := os.MkdirAll(in, 0o755); err != nil {
				tb.Fatal(err)
			}
		}
		f, err := os.Create(filepath.Join(in, fmt.Sprintf("file_%08d.hdf", i)))
		if err != nil {
			tb.Fatal(err)
		}
		if err := f.Close(); err != nil {
			tb.Fatal(err)
		}
	}
}

func TestWalk_AFolderOfManyFilesCostsNoMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("makes many files")
	}
	const n = 100_000
	dir := t.TempDir()
	many(t, dir, n, n)
	inUse := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before, most, batches := inUse(), uint64(0), 0
	s, err := Walk(t.Context(), Options{Roots: []string{dir}, Now: time.Now()}, func(files []ledger.File) error {
		if batches++; batches%10 == 0 {
			most = max(most, inUse())
		}
		if len(files) > batch {
			t.Errorf("%d files at once", len(files))
		}
		return nil
	})
	if err != nil || s.Files != n {
		t.Fatalf("%v, %+v", err, s)
	}
	t.Logf("%d bytes in use besides", int64(most)-int64(before))
	if most > before+4<<20 {
		t.Errorf("%d bytes in use, %d before", most, before)
	}
}

// BenchmarkWalk looks through 200 000 files.
func BenchmarkWalk(b *testing.B) {
	const n = 200_000
	for _, folder := range []int{20, 1000} {
		b.Run(fmt.Sprint("folders of ", folder), func(b *testing.B) {
			dir := b.TempDir()
			many(b, dir, n, folder)
			b.ReportAllocs()
			for b.Loop() {
				s, err := Walk(b.Context(), Options{Roots: []string{dir}, Include: []string{"*.hdf"}, Now: time.Now()}, func([]ledger.File) error { return nil })
				if err != nil || s.Files != n {
					b.Fatalf("%v, %+v", err, s)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/file")
		})
	}
}
