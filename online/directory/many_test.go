package directory

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"ingestor/internal/intake"
)

// many makes n empty files in folders of a thousand, oldest last.
func many(tb testing.TB, dir string, n int) {
	tb.Helper()
	old := time.Now().Add(-24 * time.Hour)
	for i := range n {
		folder := filepath.Join(dir, fmt.Sprint(i/1000))
		if i%1000 == 0 {
			if err := os.MkdirAll(folder, 0o755); err != nil {
				tb.Fatal(err)
			}
		}
		path := filepath.Join(folder, fmt.Sprintf("%d.hdf", i))
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			tb.Fatal(err)
		}
		if err := os.Chtimes(path, old, old.Add(-time.Duration(i)*time.Second)); err != nil {
			tb.Fatal(err)
		}
	}
}

// inUse is what is in use.
func inUse() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

func TestSource_TwentyThousandFilesComeOldestFirstAndLeaveLittleBehind(t *testing.T) {
	if testing.Short() {
		t.Skip("makes many files")
	}
	const n = 20_000
	k := newBook()
	b := newBed(t, func(o *Options) { o.Done, o.ScanEvery = k.done, 10*settle })
	many(t, b.dir, n)
	before := inUse()
	var last time.Time
	first, again := map[string]bool{}, 0
	b.answer = func(m intake.Message, ack intake.Ack) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.got, b.acks = b.got[:0], b.acks[:0]
		if first[m.Topic] {
			again++ // out of turn, as it comes by another scan
			ack(nil)
			return
		}
		first[m.Topic] = true
		if m.Time.Before(last) {
			t.Errorf("%s is older than the one before", m.Topic)
		}
		last = m.Time
		if len(first)%100 == 0 {
			ack(errors.New("given back once"))
			return
		}
		ack(nil)
	}
	b.start()
	b.eventually("all files, and those given back twice", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return len(first) == n && again == n/100
	})
	clear(first)
	left := inUse() - before
	asked := k.questions()
	t.Logf("%d bytes a file are left behind", left/n)
	if left > n*100 {
		t.Errorf("%d bytes are left behind", left)
	}
	b.quiet()
	if more := k.questions() - asked; more > 0 {
		t.Errorf("%d more questions when nothing was new", more)
	}
}

// BenchmarkScan looks through 20 000 files of which all are known.
func BenchmarkScan(b *testing.B) {
	const n = 20_000
	dir := b.TempDir()
	many(b, dir, n)
	s, err := New(Options{Path: dir, Include: []string{"*.hdf"}, Recursive: true})
	if err != nil {
		b.Fatal(err)
	}
	r := newRun(s, nil)
	defer r.watches.close()
	one := &scan{root: dir, filter: s.filter, below: true, watch: r.watches.add, found: func(files []file) error {
		for _, f := range files {
			r.memory.set(f, ended)
		}
		r.take(b.Context(), files)
		return nil
	}}
	b.ReportAllocs()
	for b.Loop() {
		if err := one.run(b.Context(), dir); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/file")
}
