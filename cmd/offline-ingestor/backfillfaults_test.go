package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ingestor/internal/treetest"
	"ingestor/offline/backfill"
	"ingestor/scicat/scicattest"
)

// slow makes the catalogue wait before it carries out a registration.
func (b *bed) slow(d time.Duration) {
	b.bench.t.Helper()
	if err := b.AddFault(scicattest.Fault{Method: http.MethodPost, PathPattern: "datasets$", Delay: d}); err != nil {
		b.bench.t.Fatal(err)
	}
}

// atDataset calls do, once, when the nth dataset is to be made.
func (b *bed) atDataset(nth int, do func()) {
	var once sync.Once
	b.around(func(_ int64, r *http.Request) {
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/datasets") && b.made("datasets") >= nth {
			once.Do(do)
		}
	}, nil)
}

func (b *bed) wantSaid(o outcomeOfRun, exit int, words ...string) {
	b.bench.t.Helper()
	if o.exit != exit {
		b.bench.t.Errorf("exit %d, want %d\n%s%s", o.exit, exit, o.stdout, lastLines(o.stderr))
	}
	for _, w := range words {
		if !strings.Contains(o.stderr, w) {
			b.bench.t.Errorf("%q is not said:\n%s", w, lastLines(o.stderr))
		}
	}
}

// wantCompleted makes one more run, after which all must be registered once.
func (b *bed) wantCompleted(args ...string) outcomeOfRun {
	t := b.bench.t
	t.Helper()
	b.ClearFaults()
	done := b.made("origdatablocks")
	last := b.backfill(args...)
	t.Logf("%d files were done before; then %s", done, last)
	if last.exit != 0 {
		t.Errorf("the next run: %s\n%s", last, lastLines(last.stderr))
	}
	b.wantOnce(b.tree.Of(treetest.Good))
	return last
}

func TestBackfillLock(t *testing.T) {
	b := newBed(t, treetest.Options{Files: 20, Plain: true})
	b.slow(200 * time.Millisecond)
	first := b.begin()
	first.await("the first file", func() bool { return b.made("datasets") > 0 })

	second := b.backfill()
	b.wantSaid(second, 75, fmt.Sprint("process ", first.cmd.Process.Pid))
	t.Log(strings.TrimSpace(second.stderr))
	third := b.backfill("--lock-wait", "100ms")
	b.wantSaid(third, 75, fmt.Sprint("process ", first.cmd.Process.Pid))
	if first.over() {
		t.Fatal("the first run is over too early for this test")
	}
	waiting := b.begin("--lock-wait", "2m")
	if e := first.end(); e.exit != 0 {
		t.Errorf("the first run: %s\n%s", e, e.stderr)
	}
	waiting.end().wantCounts(t, 0, map[backfill.Count]int{backfill.Known: 20})
	b.wantOnce(b.tree.Of(treetest.Good))
}

// A lock whose holder was killed holds nobody up.
func TestBackfillLock_OfAKilledRun(t *testing.T) {
	b := newBed(t, treetest.Options{Files: 20, Plain: true})
	b.slow(100 * time.Millisecond)
	first := b.begin()
	first.await("the first file", func() bool { return b.made("datasets") > 0 })
	first.signal(syscall.SIGKILL)
	<-first.done
	b.wantCompleted()
}

// An interrupted run says so by its status, and has saved how far it was.
func TestBackfillInterrupted(t *testing.T) {
	for _, c := range []struct {
		signal syscall.Signal
		exit   int
	}{{syscall.SIGTERM, 143}, {syscall.SIGINT, 130}} {
		t.Run(c.signal.String(), func(t *testing.T) {
			b := newBed(t, treetest.Options{Files: 300, Plain: true})
			b.slow(20 * time.Millisecond)
			first := b.begin()
			first.await("some files", func() bool { return b.made("datasets") > 120 })
			began := time.Now()
			first.signal(c.signal)
			e := first.end()
			t.Logf("%s, %s after the signal", e, time.Since(began).Round(time.Millisecond))
			b.wantSaid(e, c.exit)
			done := int64(b.made("origdatablocks"))
			if e.Counts[backfill.Registered] < done-2 || e.Counts[backfill.Registered] > done {
				t.Errorf("the report says %v, but %d are registered", e.Counts, done)
			}
			// Two workers with 50 files each: all before these is a clean prefix.
			if at := b.tree.Files[max(0, done-101)].ModTime; e.Mark.Time.Before(at) {
				t.Errorf("with %d files done the mark is %s, want at least %s", done, e.Mark.Time, at)
			}
			for _, f := range b.tree.Files {
				if !f.ModTime.After(e.Mark.Time) && f.Path <= e.Mark.Path && len(b.Datablocks("20.500.12269/"+f.Job)) != 1 {
					t.Errorf("%s is below the mark, and not registered", f.Path)
				}
			}
			posts := b.tally.asked(http.MethodPost, "datasets")
			b.wantCompleted()
			if again := b.tally.asked(http.MethodPost, "datasets") - posts - (300 - int(done)); again > 2 {
				t.Errorf("%d files were done twice", again)
			}
		})
	}
}

func TestBackfillCatalogueDown(t *testing.T) {
	b := newBed(t, treetest.Options{Files: 300, Plain: true})
	b.atDataset(100, func() { go b.stop() })
	e := b.backfill()
	b.wantSaid(e, 69, "catalogue", b.address)
	if e.Counts[backfill.Failed] != 0 {
		t.Errorf("an outage is no file's fault: %v", e.Counts)
	}
	t.Log(e)
	again := b.backfill() // still away
	b.wantSaid(again, 69, "catalogue", b.address)
	b.around(nil, nil)
	t.Log(again)
	b.start()
	b.wantCompleted()
}

// TestBackfillTokenRefused: a token that is not good any more is no file's fault.
func TestBackfillTokenRefused(t *testing.T) {
	b := newBed(t, treetest.Options{Files: 200, Plain: true})
	b.atDataset(100, func() {
		if err := b.RevokeTokens(); err != nil {
			t.Error(err)
		}
	})
	e := b.backfill()
	b.wantSaid(e, 77, "token")
	if e.Counts[backfill.Failed] != 0 {
		t.Errorf("a bad token is no file's fault: %v", e.Counts)
	}
	b.around(nil, nil)
	b.token = b.Token("ingestor")
	b.wantCompleted()
}

// share is a mounted storage that can be unmounted under everybody's feet, and
// comes back with what it held.
type share struct {
	t           *testing.T
	store, dir  string
	mounted     bool
	mountedLock sync.Mutex
}

func newShare(t *testing.T) *share {
	t.Helper()
	s := &share{t: t, store: t.TempDir(), dir: filepath.Join(t.TempDir(), "share")}
	if err := os.Mkdir(s.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", s.store, "tmpfs", 0, "size=64m"); err != nil {
		t.Skip("no file system can be mounted here: ", err)
	}
	t.Cleanup(func() {
		s.away()
		if err := syscall.Unmount(s.store, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	s.back()
	return s
}

func (s *share) back() {
	s.mountedLock.Lock()
	defer s.mountedLock.Unlock()
	if err := syscall.Mount(s.store, s.dir, "", syscall.MS_BIND, ""); err != nil {
		s.t.Error(err)
	}
	s.mounted = true
}

// away unmounts it as umount -l does: what is open stays so.
func (s *share) away() {
	s.mountedLock.Lock()
	defer s.mountedLock.Unlock()
	if !s.mounted {
		return
	}
	if err := syscall.Unmount(s.dir, syscall.MNT_DETACH); err != nil {
		s.t.Error(err)
	}
	s.mounted = false
}

// A share that is unmounted, be it before or in a run, is told, and no file
// counts as gone or failed.
func TestBackfillShareAway(t *testing.T) {
	for _, c := range []struct {
		name string
		root string // below the share
		away func(b *bed, s *share) outcomeOfRun
	}{
		{"in the middle", "", func(b *bed, s *share) outcomeOfRun {
			b.atDataset(100, s.away)
			return b.backfill()
		}},
		{"in the middle, the root below it", "data", func(b *bed, s *share) outcomeOfRun {
			b.atDataset(100, s.away)
			return b.backfill()
		}},
		{"between two runs", "", func(b *bed, s *share) outcomeOfRun {
			b.backfill("--limit", "100")
			s.away()
			return b.backfill()
		}},
		{"between two whole runs", "", func(b *bed, s *share) outcomeOfRun {
			b.backfill()
			s.away()
			return b.backfill()
		}},
		{"between two runs, the root below it", "data", func(b *bed, s *share) outcomeOfRun {
			b.backfill("--limit", "100")
			s.away()
			return b.backfill()
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newShare(t)
			b := newBed(t, treetest.Options{Files: 300, Plain: true, Root: filepath.Join(s.dir, c.root)})
			e := c.away(b, s)
			t.Log(e)
			b.wantSaid(e, 69, b.data)
			if e.Counts[backfill.Failed] != 0 {
				t.Errorf("it is no file's fault: %v", e.Counts)
			}
			b.around(nil, nil)
			b.wantSaid(b.backfill(), 69, b.data) // still away
			s.back()
			b.wantCompleted()
		})
	}
}

// At moments that nobody chose.
func TestBackfillShareAway_AtAnyMoment(t *testing.T) {
	rounds := 6
	if largeForm(t) > 0 {
		rounds = 40
	}
	s := newShare(t)
	b := newBed(t, treetest.Options{Files: 1000, Plain: true, Root: filepath.Join(s.dir, "data")})
	for i := range rounds {
		run := b.begin()
		wait := time.Duration(i*7919%701) * time.Millisecond // spread over the run
		time.Sleep(wait)
		s.away()
		e := run.end()
		s.back()
		t.Logf("away %s after the start: %s", wait, e)
		if e.exit != 69 && e.exit != 0 || e.Counts[backfill.Failed] != 0 || e.Counts[backfill.FailedBefore] != 0 {
			t.Errorf("%s\n%s", e, lastLines(e.stderr))
		}
	}
	b.wantCompleted()
}

// A root that is not there, or no folder, is told at once.
func TestBackfillRootMissing(t *testing.T) {
	b := newBed(t, treetest.Options{Files: 10, Plain: true})
	b.wantSaid(b.backfill(), 0)
	if err := os.Rename(b.data, b.data+".away"); err != nil {
		t.Fatal(err)
	}
	b.wantSaid(b.backfill(), 69, b.data)
	if err := os.Mkdir(b.data, 0o755); err != nil {
		t.Fatal(err)
	}
	b.wantSaid(b.backfill(), 69, b.data) // it had files, and has none
	if err := os.Remove(b.data); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(b.data+".away", b.data); err != nil {
		t.Fatal(err)
	}
	b.wantCompleted()
}

// A state directory that is full or read-only is told, and when it is mended
// the next run completes what is left.
func TestBackfillDiskFull(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(b *bed, dir string) outcomeOfRun
	}{
		{"full in the middle", func(b *bed, dir string) outcomeOfRun {
			b.slow(50 * time.Millisecond)
			b.atDataset(100, func() { b.fill(dir) })
			e := b.backfill()
			if e.Counts[backfill.Left] == 0 {
				t.Errorf("without a state, it went on to the end: %s", e)
			}
			return e
		}},
		{"full at the start", func(b *bed, dir string) outcomeOfRun {
			b.backfill("--limit", "100")
			b.fill(dir)
			return b.backfill()
		}},
		{"full from the first", func(b *bed, dir string) outcomeOfRun {
			b.fill(dir)
			return b.backfill()
		}},
		{"read-only at the start", func(b *bed, dir string) outcomeOfRun {
			b.backfill("--limit", "100")
			b.remount(dir, syscall.MS_RDONLY)
			return b.backfill()
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBed(t, treetest.Options{Files: 300, Plain: true})
			dir := filepath.Join(b.state, "ingestor")
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=3m"); err != nil {
				t.Skip("no small file system can be mounted here: ", err)
			}
			t.Cleanup(func() {
				if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
					t.Error(err)
				}
			})
			e := c.spoil(b, dir)
			t.Log(e, lastLines(e.stderr))
			b.around(nil, nil)
			if e.exit != 69 && e.exit != 78 {
				t.Errorf("exit %d, want 69 or 78\n%s", e.exit, lastLines(e.stderr))
			}
			if !strings.Contains(e.stderr, dir) {
				t.Errorf("it is not said where:\n%s", lastLines(e.stderr))
			}
			if e.Counts[backfill.Failed] != 0 {
				t.Errorf("it is no file's fault: %v", e.Counts)
			}
			b.remount(dir, 0)
			if err := os.RemoveAll(filepath.Join(dir, "filler")); err != nil {
				t.Fatal(err)
			}
			b.wantCompleted()
		})
	}
}

func (b *bed) remount(dir string, flags uintptr) {
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|flags, "size=3m"); err != nil {
		b.bench.t.Error(err)
	}
}

// fill leaves no byte free.
func (b *bed) fill(dir string) {
	f, err := os.Create(filepath.Join(dir, "filler"))
	if err != nil {
		b.bench.t.Error(err)
		return
	}
	defer f.Close()
	for size := 1 << 20; size > 0; {
		if _, err := f.Write(make([]byte, size)); err != nil {
			size /= 4
		}
	}
}
