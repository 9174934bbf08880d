package ledger

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// manyFiles are files of several instruments, written at the same time, in the
// order of their times but for ties.
func manyFiles(count int) []File {
	files := make([]File, count)
	for i := range files {
		files[i] = File{
			Path: fmt.Sprintf("/data/instrument-%d/2026/%06d/raw/run_%07d.hdf", i%7, i/3500, i), Size: int64(1000 + i),
			ModTime: testTime.Add(time.Duration(i/3) * time.Second), Device: 64, Inode: uint64(i + 1),
		}
	}
	return files
}

func shuffle(files []File) {
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(files), func(i, j int) { files[i], files[j] = files[j], files[i] })
}

// register notes files as registered, in one transaction, without their datablocks.
func register(tb testing.TB, l *Ledger, files []File) {
	tb.Helper()
	notes := make([]Note, len(files))
	for i, f := range files {
		notes[i] = Note{File: f, State: Registered, PID: fmt.Sprint("20.500.12269/7d4b2c1e-5a0f-4f7b-9a54-", i), FirstOfAttempt: true}
	}
	if err := l.takeAll(tb.Context(), notes); err != nil {
		tb.Fatal(err)
	}
}

// BenchmarkKnowFiles is what a run asks when nothing is to do.
func BenchmarkKnowFiles(b *testing.B) {
	for _, c := range []struct {
		registered, dead int
		order            string
	}{{0, 0, "by time"}, {200_000, 0, "by time"}, {200_000, 5_000, "by time"}, {200_000, 5_000, "in no order"}} {
		b.Run(fmt.Sprintf("%d registered, %d dead-lettered, asked %s", c.registered, c.dead, c.order), func(b *testing.B) {
			l, err := Open(b.Context(), b.TempDir(), Options{Deployment: production})
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			files := manyFiles(200_000)
			register(b, l, files[:c.registered])
			var letters []MessageNote
			for i := range c.dead {
				n := at(int64(i))
				n.File, n.Outcome = files[i].Path, "dead_lettered"
				letters = append(letters, n)
			}
			if err := l.NoteMessages(b.Context(), letters); err != nil {
				b.Fatal(err)
			}
			if c.order == "in no order" {
				shuffle(files)
			}
			asked := 0
			for b.Loop() {
				from := asked % len(files)
				known, err := l.KnowFiles(b.Context(), "night", files[from:from+500])
				if err != nil || (known[0].State == Registered) != (c.registered > 0) {
					b.Fatalf("%+v, %v", known[0], err)
				}
				asked += 500
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(asked), "µs/file")
		})
	}
}

// BenchmarkWorklist puts 200 000 files on a list and takes them off.
func BenchmarkWorklist(b *testing.B) {
	files := manyFiles(200_000)
	shuffle(files)
	for b.Loop() {
		w, err := NewWorklist(b.Context(), b.TempDir(), "list")
		if err != nil {
			b.Fatal(err)
		}
		start := time.Now()
		for from := 0; from < len(files); from += 1000 {
			if err := w.Add(b.Context(), files[from:from+1000]); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(time.Since(start).Microseconds())/float64(len(files)), "µs/added")
		start = time.Now()
		seen := 0
		for after := (Mark{}); ; {
			page, err := w.Next(b.Context(), after, 500, false)
			if err != nil {
				b.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			seen += len(page)
			after = page[len(page)-1].Mark()
		}
		b.ReportMetric(float64(time.Since(start).Microseconds())/float64(seen), "µs/taken")
		if err := w.Close(); err != nil || seen != len(files) {
			b.Fatalf("%d, %v", seen, err)
		}
	}
}
