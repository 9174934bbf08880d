package backfill

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"ingestor/internal/ledger"
)

// What a run leaves out as seen before must be left out for a reason that holds:
// these are the ones that do not.
func TestRun_LooksAtAllWhereWhatWasSeenIsNoProof(t *testing.T) {
	in := func(d time.Duration) func(*Options) {
		return func(o *Options) { o.Now = func() time.Time { return time.Now().Add(d) } }
	}
	for name, c := range map[string]struct {
		first, second func(*Options)
		state         func(*ledger.JobState)
		old           int64
	}{
		"an hour later it is proof":     {second: in(time.Hour), old: 10},
		"a day later all are asked":     {second: in(21 * time.Hour)},
		"a state without the last time": {state: func(s *ledger.JobState) { s.Roots = nil }},
		"a look in the future":          {state: func(s *ledger.JobState) { s.ScannedAt = s.ScannedAt.Add(50 * time.Hour) }},
		"asked in the future": {state: func(s *ledger.JobState) {
			for root, seen := range s.Roots {
				seen.Asked = seen.Asked.Add(50 * time.Hour)
				s.Roots[root] = seen
			}
		}},
		"published, and no longer": {first: func(o *Options) { o.Workers, o.Publisher = nil, &publisher{} }},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			for i := range 10 {
				s.file(fmt.Sprint(i), time.Duration(100-i)*time.Hour)
			}
			last := s.file("last", 10*time.Minute)
			age()
			run := func(change func(*Options)) Report {
				return s.good(func(o *Options) {
					settled(o)
					if change != nil {
						change(o)
					}
				})
			}
			run(c.first)
			if c.state != nil {
				state := s.state()
				c.state(&state)
				if err := s.book.SaveJob(t.Context(), state); err != nil {
					t.Fatal(err)
				}
			}
			r := run(c.second)
			if r.Looked.Old != c.old {
				t.Errorf("%d were left out, want %d; %v", r.Looked.Old, c.old, r.Counts)
			}
			if s.made[last] != 1 || c.old == 0 && s.made[filepath.Join(s.data, "0")] != 1 {
				t.Errorf("registered: %v", s.made)
			}
			if r = run(c.second); c.first == nil && r.Looked.Old != 10 {
				t.Errorf("the run after it left out %d", r.Looked.Old)
			}
		})
	}
}

func TestRun_OnlyOneThatGoesThroughAllOfTheJobIsTheLastGood(t *testing.T) {
	s := newSite(t)
	for i := range 3 {
		s.file(fmt.Sprint(i), time.Duration(100-i)*time.Hour)
	}
	for _, change := range []func(*Options){
		func(o *Options) { o.Limit = 1 },
		func(o *Options) { o.Part = true },
	} {
		if r := s.good(change); !r.LastGood.IsZero() || !s.state().LastGood.IsZero() {
			t.Errorf("%v: %v", r.Counts, r.LastGood)
		}
	}
	if r := s.good(nil); r.LastGood.IsZero() || s.state().LastGood.IsZero() {
		t.Error("a whole run is no good one")
	}
}
