package backfill

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"ingestor/internal/fault"
	"ingestor/internal/ledger"
	"ingestor/internal/outcome"
	"ingestor/offline/backfill/tree"
)

// site is a tree of files and a ledger, with a pool that registers in it. The
// same is done with real workers, and a catalogue, by the tests of the program.
type site struct {
	t    *testing.T
	data string
	dir  string
	book *ledger.Ledger

	mu    sync.Mutex
	made  map[string]int // registrations by path
	asked int            // files that were given to workers
	// does decides what becomes of a file; nil: it is registered.
	does func(path string) (outcome.Record, error)
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, data: t.TempDir(), dir: t.TempDir(), made: map[string]int{}}
	book, err := ledger.Open(t.Context(), s.dir, ledger.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = book.Close() })
	s.book = book
	return s
}

// file makes one that was changed so long ago.
func (s *site) file(name string, age time.Duration) string {
	s.t.Helper()
	path := filepath.Join(s.data, name)
	when := time.Now().Add(-age)
	err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(name), 0o600), os.Chtimes(path, when, when))
	if err != nil {
		s.t.Fatal(err)
	}
	return path
}

// Ingest is that of Workers.
func (s *site) Ingest(ctx context.Context, paths []string, begin func(string), each func(outcome.Record)) error {
	for _, path := range paths {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		begin(path)
		r := outcome.Record{Outcome: outcome.Registered, File: path}
		var err error
		s.mu.Lock()
		s.asked++
		s.mu.Unlock()
		if s.does != nil {
			r, err = s.does(path)
		}
		if err != nil {
			return err
		}
		f, err := ledger.Look(path)
		if err != nil {
			return err
		}
		n := ledger.Note{File: f, FirstOfAttempt: true, State: ledger.Failed, Exit: r.Exit, Error: r.Error}
		if r.Exit == 0 {
			n.State = ledger.Registered
			s.mu.Lock()
			s.made[path]++
			s.mu.Unlock()
		}
		if err := s.book.Take(context.WithoutCancel(ctx), n); err != nil {
			return err
		}
		each(r)
	}
	return nil
}

func (s *site) run(ctx context.Context, change func(*Options)) (Report, error) {
	s.t.Helper()
	o := Options{
		Job: "job", Tree: tree.Options{Roots: []string{s.data}, Include: []string{"*"}}, Book: s.book, Workers: s,
		NewList:  func(ctx context.Context) (List, error) { return ledger.NewWorklist(ctx, s.dir, "work") },
		Lookback: time.Hour, ChunkSize: 5, Retry: Retry{Delay: time.Millisecond},
	}
	if change != nil {
		change(&o)
	}
	e, err := New(o)
	if err != nil {
		s.t.Fatal(err)
	}
	return e.Run(ctx)
}

// good is a run that must end well.
func (s *site) good(change func(*Options)) Report {
	s.t.Helper()
	r, err := s.run(s.t.Context(), change)
	if err != nil || r.Exit != 0 {
		s.t.Fatalf("exit %d, %v", r.Exit, err)
	}
	return r
}

func (s *site) state() ledger.JobState {
	s.t.Helper()
	j, err := s.book.LoadJob(s.t.Context(), "job")
	if err != nil {
		s.t.Fatal(err)
	}
	return j
}

// wantOnce wants every file registered once.
func (s *site) wantOnce(paths []string) {
	s.t.Helper()
	for _, p := range paths {
		if s.made[p] != 1 {
			s.t.Errorf("%s is registered %d times", p, s.made[p])
		}
	}
	if len(s.made) != len(paths) {
		s.t.Errorf("%d files are registered, want %d", len(s.made), len(paths))
	}
}

// settled makes the margin of clocks small: these files were just made. What is
// left of it is for the kernel's, which ticks every few milliseconds.
func settled(o *Options) { o.margin = 20 * time.Millisecond }

// age lets that margin pass.
func age() { time.Sleep(50 * time.Millisecond) }

func TestRun_RegistersOnceAndThenFindsNothing(t *testing.T) {
	s := newSite(t)
	var all []string
	for i := range 40 {
		all = append(all, s.file(fmt.Sprintf("a/%02d", i), time.Duration(100-i/3)*time.Hour))
	}
	age()
	r := s.good(settled)
	s.wantOnce(all)
	if r.Counts[Registered] != 40 || !r.Whole || r.Mark.Path != all[39] || s.state().Mark.Compare(r.Mark) != 0 {
		t.Errorf("%+v", r)
	}
	r = s.good(settled)
	if s.asked != 40 || r.Looked.Old != 39 || r.Counts[Known] != 1 {
		t.Errorf("%d files tried, %+v", s.asked, r.Looked)
	}
	late := s.file("a/late", 1000*time.Hour)
	if r = s.good(settled); r.Counts[Registered] != 1 {
		t.Errorf("%v", r.Counts)
	}
	s.wantOnce(append(all, late))
	if r = s.good(func(o *Options) { o.All = true }); r.Counts[Known] != 41 || r.Looked.Old != 0 {
		t.Errorf("--all: %v", r.Counts)
	}
}

func TestRun_LooksAtAllWhereTheSelectionOrTheRulesAreOthers(t *testing.T) {
	s := newSite(t)
	for i := range 10 {
		s.file(fmt.Sprint(i), time.Duration(100-i)*time.Hour)
	}
	age()
	s.good(settled)
	if r := s.good(settled); r.Looked.Old == 0 {
		t.Fatalf("%+v", r.Looked)
	}
	for name, change := range map[string]func(*Options){
		"selection": func(o *Options) { o.Selection = "another"; o.Part = true },
		"rules":     func(o *Options) { o.Retry.RulesChanged = time.Now().Add(time.Hour); o.Part = true },
		"always":    func(o *Options) { o.Retry.Failed = AgainAlways; o.Part = true },
	} {
		if r := s.good(func(o *Options) { settled(o); change(o) }); r.Looked.Old != 0 || r.Counts[Known] != 10 {
			t.Errorf("%s: %+v", name, r.Looked)
		}
	}
	note := ledger.MessageNote{Source: "kafka", Topic: "t", Time: time.Now(), File: filepath.Join(s.data, "0"), Outcome: "dead_lettered", Exit: 69}
	if err := s.book.NoteMessages(t.Context(), []ledger.MessageNote{note}); err != nil {
		t.Fatal(err)
	}
	// What the daemon has given up since the last look.
	if r := s.good(settled); r.Looked.Old != 0 {
		t.Errorf("what the daemon has given up since is not looked at: %+v", r.Looked)
	}
}

func TestRun_TheMarkStaysBelowWhatIsNotDealtWith(t *testing.T) {
	s := newSite(t)
	var all []string
	for i := range 20 {
		all = append(all, s.file(fmt.Sprintf("%02d", i), time.Duration(100-i)*time.Hour))
	}
	s.does = func(path string) (outcome.Record, error) {
		switch path {
		case all[4]:
			return outcome.Record{File: path, Exit: 65, Error: "bad"}, nil
		case all[7]:
			return outcome.Record{File: path, Exit: 75, Error: "busy"}, nil
		}
		return outcome.Record{File: path, Outcome: outcome.Registered}, nil
	}
	r, err := s.run(t.Context(), settled)
	if fault.KindOf(err) != fault.SomeFailed || r.Counts[Registered] != 18 || r.Counts[Failed] != 1 || r.Counts[Waiting] != 1 || !r.Whole {
		t.Fatalf("%v, %v", err, r.Counts)
	}
	f, err := ledger.Look(all[7])
	if m := s.state().Mark; err != nil || m.Compare(f.Mark()) >= 0 || m.Time.Before(f.ModTime.Add(-time.Second)) {
		t.Errorf("the mark is %v", m)
	}
	asked := s.asked
	r = s.good(settled) // failed before is no failure of this run
	if s.asked != asked+1 || r.Counts[Waiting] != 1 || r.Counts[FailedBefore]+r.Looked.Old == 0 {
		t.Errorf("%d tried again, %v", s.asked-asked, r.Counts)
	}
	s.does = nil
	if r = s.good(settled); r.Counts[Registered] != 1 || r.Mark.Path != all[19] {
		t.Errorf("%v, %v", r.Counts, r.Mark)
	}
}

func TestRun_EndedAtAnyPointLosesNothingAndDoesNothingTwice(t *testing.T) {
	for seed := range uint64(30) {
		s := newSite(t)
		dice := rand.New(rand.NewPCG(seed, 1))
		var all []string
		for i := range 60 {
			all = append(all, s.file(fmt.Sprintf("%d/%02d", i%3, i), time.Duration(1+dice.IntN(40))*time.Hour))
		}
		for life := 0; ; life++ {
			if life == 5 { // restored from a tape meanwhile
				all = append(all, s.file("late", 500*time.Hour))
			}
			ctx, cancel := context.WithCancelCause(t.Context())
			left := dice.IntN(12)
			broken := dice.IntN(3) == 0
			s.does = func(path string) (outcome.Record, error) {
				s.mu.Lock()
				defer s.mu.Unlock()
				if left--; left == 0 {
					if broken {
						return outcome.Record{}, &CrashError{Reason: "crash"}
					}
					cancel(fault.Errorf(fault.Terminated, "stopped"))
				}
				return outcome.Record{File: path, Outcome: outcome.Registered}, nil
			}
			r, err := s.run(ctx, func(o *Options) {
				if seed%2 == 0 {
					settled(o)
				}
				if seed%5 == 0 {
					o.Order = Newest
				}
				o.Concurrency = 1 + int(seed%3)
			})
			cancel(nil)
			if k := fault.KindOf(err); err != nil && k != fault.Terminated {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if err == nil && r.Whole && r.Counts[Waiting] == 0 && life > 5 {
				break
			}
			if life > 200 {
				t.Fatalf("seed %d does not end: %v", seed, r.Counts)
			}
		}
		s.wantOnce(all)
	}
}

func TestRun_LimitAndTimesDoNotPassOverFiles(t *testing.T) {
	s := newSite(t)
	var all []string
	for i := range 20 {
		all = append(all, s.file(fmt.Sprintf("%02d", i), time.Duration(100-i)*time.Hour))
	}
	if r := s.good(func(o *Options) { settled(o); o.Since = time.Now().Add(-90 * time.Hour) }); r.Counts[Registered] == 0 || !r.Mark.IsZero() {
		t.Errorf("since: %v, %v", r.Counts, r.Mark)
	}
	if r := s.good(func(o *Options) { settled(o); o.Limit = 3 }); r.Counts[Registered] != 3 || r.Whole || r.Mark.Path != all[2] {
		t.Errorf("limit: %v, %v", r.Counts, r.Mark)
	}
	if r := s.good(func(o *Options) { settled(o); o.Until = time.Now().Add(-95*time.Hour + time.Minute) }); r.Whole || r.Counts[Registered] != 3 {
		t.Errorf("until: %v, %v", r.Counts, r.Mark)
	}
	s.good(settled)
	s.wantOnce(all)
}

func TestRun_StorageThatGoesAwayEndsIt(t *testing.T) {
	s := newSite(t)
	for i := range 20 {
		s.file(fmt.Sprintf("%02d", i), time.Duration(100-i)*time.Hour)
	}
	s.does = func(path string) (outcome.Record, error) {
		return outcome.Record{File: path, Exit: 75, Error: "no such file"}, nil
	}
	r, err := s.run(t.Context(), func(o *Options) {
		o.CheckRoots = func(context.Context) error { return fault.Errorf(fault.Unavailable, "unmounted") }
	})
	if fault.KindOf(err) != fault.Unavailable || r.Reason != "unmounted" || !s.state().Mark.Time.Before(time.Now().Add(-100*time.Hour)) || !s.state().ScannedAt.IsZero() {
		t.Errorf("%v, %+v", err, s.state())
	}
	if err := os.RemoveAll(s.data); err != nil {
		t.Fatal(err)
	}
	if _, err := s.run(t.Context(), nil); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("got %v", err)
	}
}

func TestNew_ListsAllFaults(t *testing.T) {
	_, err := New(Options{Order: "up", PerHour: -1, Retry: Retry{Failed: "x"}})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"no job", "no folder", "no book", "no list", "workers or a publisher", `order "up"`, "an hour", `"x"`} {
		if !containsText(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}
