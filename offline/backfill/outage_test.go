package backfill

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"ingestor/internal/fault"
	"ingestor/internal/ledger"
	"ingestor/internal/outcome"
)

// refusing makes the catalogue of a site refuse some files, as a worker tells it:
// by its end. Tried lists them all, in order.
func (s *site) refusing(kind fault.Kind, which func(path string) bool) (tried *[]string) {
	tried = new([]string)
	s.does = func(path string) (outcome.Record, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		*tried = append(*tried, path)
		if which(path) {
			return outcome.Record{}, fault.Errorf(kind, "%s: refused", path)
		}
		return outcome.Record{File: path, Outcome: outcome.Registered}, nil
	}
	return tried
}

// in makes the files of a site, the oldest first.
func (s *site) in(folder string, n int, oldest time.Duration) (all []string) {
	for i := range n {
		all = append(all, s.file(fmt.Sprintf("%s/%04d", folder, i), oldest-time.Duration(i)*time.Minute))
	}
	return all
}

func well(o *Options) {
	settled(o)
	o.CatalogueWell = func(context.Context) error { return nil }
}

func (s *site) wantExit(want int, change func(*Options)) Report {
	s.t.Helper()
	r, err := s.run(s.t.Context(), change)
	if r.Exit != want || fault.ExitCode(err) != want {
		s.t.Errorf("exit %d (%v), want %d; %v", r.Exit, err, want, r.Counts)
	}
	return r
}

func TestOutage_RefusedFilesKeepNoOthersFromBeingTried(t *testing.T) {
	for _, order := range []Order{Oldest, Newest} {
		for _, kind := range []fault.Kind{fault.NotPermitted, fault.Unavailable} {
			t.Run(fmt.Sprint(order, " ", kind), func(t *testing.T) {
				s := newSite(t)
				bad, good := s.in("bad", 2, 100*time.Hour), s.in("good", 20, 50*time.Hour)
				if order == Newest {
					bad = s.in("bad", 2, 10*time.Hour)
				}
				age()
				tried := s.refusing(kind, func(path string) bool { return slices.Contains(bad, path) })
				with := func(o *Options) { well(o); o.Order = order }
				// It may have been chance: this is no failure yet.
				if r := s.wantExit(0, with); r.Counts[Registered] != 20 || r.Counts[Waiting] != 2 || !r.Whole {
					t.Errorf("first run: %v", r.Counts)
				}
				good = append(good, s.file("good/new", 40*time.Minute))
				*tried = nil
				r := s.wantExit(1, with)
				if r.Counts[Registered] != 1 || r.Counts[Waiting] != 2 || r.Refused != 2 || len(r.RefusedFiles) != 2 || len(r.Failures) != 1 || r.LastGood.IsZero() {
					t.Errorf("second run: %+v", r)
				}
				if len(*tried) != 3 || (*tried)[0] != good[20] {
					t.Errorf("tried %v", *tried)
				}
				// Told once. Nothing else is to be done, and the catalogue is well.
				if r = s.wantExit(0, with); r.Counts[Waiting] != 2 || r.Refused != 2 || !r.Whole || s.state().LastGood.Before(r.Started) {
					t.Errorf("third run: %+v", r)
				}
				s.wantExit(kind.ExitCode(), settled) // nobody says that it is
				s.wantOnce(good)
				s.does = nil
				if r = s.wantExit(0, settled); r.Counts[Registered] != 2 {
					t.Errorf("when they are mended: %v", r.Counts)
				}
			})
		}
	}
}

func TestOutage_ThatIsOneIsFoundOutWithFewFiles(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Options)
		most   [2]int // files that are tried, by the first run and the next
	}{
		"nobody to ask": {settled, [2]int{mostSuspects, mostSuspects}},
		"the catalogue is away": {func(o *Options) {
			settled(o)
			o.CatalogueWell = func(context.Context) error { return errors.New("away") }
		}, [2]int{3, 3}},
		"it takes no more datasets":  {well, [2]int{mostSuspects, 2 * mostSuspects}},
		"one worker, newest first":   {func(o *Options) { well(o); o.Concurrency, o.Order = 1, Newest }, [2]int{mostSuspects, 2 * mostSuspects}},
		"a limit that is never full": {func(o *Options) { well(o); o.Limit = 30 }, [2]int{mostSuspects, 2 * mostSuspects}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			all := s.in("a", 60, 100*time.Hour)
			age()
			s.refusing(fault.Unavailable, func(string) bool { return true })
			for _, most := range c.most {
				s.asked = 0
				if r := s.wantExit(69, c.change); s.asked > most || s.asked < 2 || r.Counts[Left] != 60 || r.Counts[Failed]+r.Counts[Waiting] != 0 {
					t.Errorf("%d files were tried; %v", s.asked, r.Counts)
				}
			}
			s.does = nil
			s.good(settled)
			s.wantOnce(all)
		})
	}
}

func TestOutage_ManyRefusedFilesDoNotHideTheOthers(t *testing.T) {
	for _, n := range []int{150, 700} { // the list is read by 500
		s := newSite(t)
		s.in("bad", n, 1000*time.Hour)
		good := s.in("good", 50, 50*time.Hour)
		age()
		s.refusing(fault.NotPermitted, func(path string) bool { return containsText(path, "/bad/") })
		runs := 0
		for ; len(s.made) < len(good) && runs < 5; runs++ {
			if _, err := s.run(t.Context(), well); err != nil && fault.KindOf(err) != fault.NotPermitted && fault.KindOf(err) != fault.SomeFailed {
				t.Fatal(err)
			}
		}
		t.Logf("%d refused files: %d runs", n, runs)
		s.wantOnce(good)
		good = append(good, s.file("good/new", 40*time.Minute))
		if s.run(t.Context(), well); s.made[good[50]] != 1 { //nolint:errcheck // it may end in any way
			t.Error("a new file is not registered by the next run")
		}
		// Each run gets further than the one before, until all are told.
		for runs = 0; ; runs++ {
			r, err := s.run(t.Context(), well)
			if err == nil {
				if r.Counts[Waiting] != int64(n) {
					t.Errorf("%v", r.Counts)
				}
				break
			}
			if runs > n/mostPatience+5 {
				t.Fatalf("every run fails: %v", err)
			}
		}
		t.Logf("%d more until none fails", runs)
	}
}

func TestOutage_FilesThatAllFailAreNoProofAgainstThemselves(t *testing.T) {
	s := newSite(t)
	s.in("a", 2, 100*time.Hour)
	s.refusing(fault.NotPermitted, func(string) bool { return true })
	// A right that nobody has looks like this, too, though the catalogue is well.
	s.wantExit(77, well)
	if r := s.wantExit(77, settled); r.Refused != 0 {
		t.Errorf("%+v", r)
	}
	s.wantExit(1, well)
	s.wantExit(0, well)
	s.file("b", 40*time.Minute)
	if r := s.wantExit(77, well); r.Counts[Left] != 3 {
		t.Errorf("with another one: %v", r.Counts)
	}
}

func TestOutage_TheLastFileOfARunThatWentWell(t *testing.T) {
	for _, c := range []struct {
		change func(*Options)
		exit   int
		count  Count
	}{{well, 0, Waiting}, {settled, 69, Left}} {
		s := newSite(t)
		all := s.in("a", 7, 100*time.Hour)
		s.refusing(fault.Unavailable, func(path string) bool { return path == all[6] })
		r := s.wantExit(c.exit, func(o *Options) { c.change(o); o.Concurrency = 1 })
		if r.Counts[Registered] != 6 || r.Counts[c.count] != 1 {
			t.Errorf("%v", r.Counts)
		}
	}
}

func TestOutage_SuspectedFilesAreBoundedAndTakeTurns(t *testing.T) {
	s := newSite(t)
	const n = mostLastly + 100
	all := s.in("bad", n, 5000*time.Hour)
	var notes []ledger.Note
	for _, path := range all {
		f, err := ledger.Look(path)
		if err != nil {
			t.Fatal(err)
		}
		notes = append(notes, ledger.Note{File: f, Error: "refused", Class: "systemic", Exit: 77})
	}
	if err := s.book.NoteFailed(t.Context(), notes); err != nil {
		t.Fatal(err)
	}
	good := s.file("good", 40*time.Minute)
	tried := s.refusing(fault.NotPermitted, func(path string) bool { return path != good })
	if r := s.wantExit(1, well); r.Counts[Waiting] != n || r.Counts[Registered] != 1 || len(*tried) != 1+mostInVain || !r.Whole {
		t.Errorf("%d tried, %v", len(*tried), r.Counts)
	}
	first := slices.Clone((*tried)[1:])
	*tried = nil
	// 1: those that were too many are told by a later run.
	if r := s.wantExit(1, well); r.Counts[Waiting] != n || len(*tried) != mostDoubts {
		t.Errorf("%d tried, %v", len(*tried), r.Counts)
	}
	if slices.Contains(first, (*tried)[0]) && slices.Contains(first, (*tried)[1]) && slices.Contains(first, (*tried)[2]) {
		t.Error("the same ones again") // by chance once in some millions
	}
}

func TestOutage_SuspectedFilesDoNotUseUpALimit(t *testing.T) {
	s := newSite(t)
	s.in("bad", 10, 1000*time.Hour)
	good := s.in("good", 12, 50*time.Hour)
	s.refusing(fault.NotPermitted, func(path string) bool { return containsText(path, "/bad/") })
	for range 20 {
		r, _ := s.run(t.Context(), func(o *Options) { well(o); o.Limit = 4 })
		if sum(r) != r.Looked.Files {
			t.Errorf("%v of %d", r.Counts, r.Looked.Files)
		}
	}
	s.wantOnce(good)
}

func sum(r Report) (n int64) {
	for _, c := range r.Counts {
		n += c
	}
	return n
}

func TestCounts_AddUpHoweverARunEnds(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Options)
		does   func(end context.CancelCauseFunc, path string) (outcome.Record, error)
	}{
		"limit":   {change: func(o *Options) { o.Limit = 7 }},
		"dry run": {change: func(o *Options) { o.DryRun, o.Notice = true, func(ledger.File, Count, string) error { return nil } }},
		"dry run and limit": {change: func(o *Options) {
			o.DryRun, o.Limit, o.Notice = true, 7, func(ledger.File, Count, string) error { return nil }
		}},
		"outage": {does: func(_ context.CancelCauseFunc, path string) (outcome.Record, error) {
			return outcome.Record{}, fault.Errorf(fault.Unavailable, "away")
		}},
		"stopped": {does: func(end context.CancelCauseFunc, path string) (outcome.Record, error) {
			end(fault.Errorf(fault.Terminated, "stopped"))
			return outcome.Record{File: path, Outcome: outcome.Registered}, nil
		}},
		"done": {},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.in("a", 600, 5000*time.Hour)
			ctx, end := context.WithCancelCause(t.Context())
			defer end(nil)
			if c.does != nil {
				s.does = func(path string) (outcome.Record, error) { return c.does(end, path) }
			}
			r, _ := s.run(ctx, c.change)
			if r.Looked.Files != 600 || sum(r) != 600 {
				t.Errorf("%v of %d", r.Counts, r.Looked.Files)
			}
			if early := name != "done" && name != "dry run"; early != (r.Counts[Left] > 0) {
				t.Errorf("%v", r.Counts)
			}
		})
	}
}
