package backfill

import (
	"os"
	"testing"
	"time"
)

// Another folder in the place of a root holds files that are older than the last look:
// all are found, also where the run that sees it first is interrupted.
func TestRun_AnotherFolderAsRootIsLookedAtUntilAllIsDone(t *testing.T) {
	s := newSite(t)
	one := s.file("1", 9*time.Hour)
	place := s.data
	s.data = t.TempDir()
	other := []string{s.file("2", 100*time.Hour), s.file("3", 99*time.Hour), s.file("4", 98*time.Hour)}
	for i, path := range other {
		other[i] = place + path[len(s.data):]
	}
	moved := s.data
	s.data = place
	age()
	s.good(settled)
	s.wantOnce([]string{one})
	for _, err := range []error{os.Rename(place, place+".old"), os.Rename(moved, place)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = os.RemoveAll(place + ".old") })
	limited := func(o *Options) {
		settled(o)
		o.Limit = 1
	}
	s.good(limited)
	s.good(limited)
	if fresh := s.state().Roots[place].Fresh; len(fresh) != 1 {
		t.Errorf("before all is done: %q", fresh)
	}
	s.good(settled)
	s.wantOnce(append(other, one))
	if fresh := s.state().Roots[place].Fresh; fresh != nil {
		t.Errorf("all is done: %q", fresh)
	}
	if r := s.good(settled); r.Looked.Old == 0 {
		t.Errorf("they are asked about again: %+v", r.Looked)
	}
}
