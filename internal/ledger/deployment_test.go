package ledger

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"ingestor/internal/outcome"
)

var (
	production = Deployment{Catalogue: "https://scicat.example.org/api/v3", Group: "ingestor"}
	staging    = Deployment{Catalogue: "https://staging.example.org/api/v3", Group: "ingestor"}
	second     = Deployment{Catalogue: production.Catalogue, Group: "ingestor-2"}
)

func openAs(t *testing.T, dir string, d Deployment) *Ledger {
	t.Helper()
	o := testOptions()
	o.Deployment = d
	l, err := Open(t.Context(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func TestDeployments_SeeTheirOwnMessagesOnly(t *testing.T) {
	for _, c := range []struct {
		name         string
		ours, theirs Deployment
	}{
		{"two catalogues", production, staging},
		{"two groups", production, second},
		{"one that says nothing of itself", production, Deployment{}},
		{"names that run together", Deployment{"a", "bc"}, Deployment{"ab", "c"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			ours, theirs := openAs(t, dir, c.ours), openAs(t, dir, c.theirs)
			n := at(1)
			dead := n
			dead.Outcome = "dead_lettered"
			note(t, ours, dead)
			wantKnown(t, ours, n, true)
			wantKnown(t, theirs, n, false)
			if list, err := theirs.DeadLettered(t.Context(), MessageFilter{All: true}); err != nil || len(list) != 0 {
				t.Errorf("they list %+v, %v", list, err)
			}
			request(t, theirs, MessageFilter{All: true}, 0)
			request(t, ours, MessageFilter{All: true}, 1)
			if got, _ := requests(t, theirs); len(got) != 0 {
				t.Errorf("they are asked for %v", got)
			}
			_, list := requests(t, ours)
			if _, known, err := theirs.Message(t.Context(), list[0].ID); known || err != nil {
				t.Errorf("they read ours: %v, %v", known, err)
			}
			note(t, theirs, ended(n, outcome.Registered)) // the same position, another message
			if e := message(t, ours, n); e.Outcome != "dead_lettered" || e.Requested.IsZero() {
				t.Errorf("ours after theirs: %+v", e)
			}
			if pruned, err := ours.Prune(t.Context(), testTime.Add(time.Hour)); pruned != 0 || err != nil {
				t.Errorf("%d of theirs are forgotten, %v", pruned, err)
			}
			if others, err := theirs.Others(t.Context()); err != nil || !slices.Equal(others, []DeadLetters{{c.ours.plain(), 1}}) {
				t.Errorf("others: %+v, %v", others, err)
			}
			if others, err := ours.Others(t.Context()); err != nil || len(others) != 0 {
				t.Errorf("others: %+v, %v", others, err)
			}
		})
	}
}

func TestDeployments_HaveALockEach(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []Deployment{production, staging, second, {}} {
		lock, err := LockRetries(RetryLockFile(dir, d), "test")
		if err != nil {
			t.Fatal(err)
		}
		slash := Deployment{d.Catalogue + "/", d.Group}
		_, err = LockRetries(RetryLockFile(dir, slash), "test")
		var held *HeldError
		if !errors.As(err, &held) || held.PID != os.Getpid() || held.Program != "test" {
			t.Errorf("%+v: %v", slash, err)
		}
		defer func() {
			if err := lock.Release(); err != nil {
				t.Error(err)
			}
		}()
	}
}

func TestDeployments_OfOneCatalogueShareItsFiles(t *testing.T) {
	dir := t.TempDir()
	ours, fellow, other := openAs(t, dir, production), openAs(t, dir, second), openAs(t, dir, staging)
	f := testFile("/data/a.hdf")
	take(t, ours, Note{File: f, State: Registered, PID: "p"})
	for name, c := range map[string]struct {
		l    *Ledger
		want bool
	}{"ours": {ours, true}, "of the same catalogue": {fellow, true}, "of another": {other, false}} {
		_, known, err := c.l.OfFile(t.Context(), f)
		list, e := c.l.OfPID(t.Context(), "p")
		if errors.Join(err, e) != nil || known != c.want || (len(list) == 1) != c.want {
			t.Errorf("%s: %v, %d of the pid, %v", name, known, len(list), errors.Join(err, e))
		}
	}
	take(t, other, Note{File: f, Error: "x"})
	if e, _, err := ours.OfFile(t.Context(), f); err != nil || e.State != Registered {
		t.Errorf("%+v, %v", e, err)
	}
	if e, _, err := other.OfFile(t.Context(), f); err != nil || e.State != Failed {
		t.Errorf("%+v, %v", e, err)
	}
}

// TestFormat1_CountsForAnyCatalogueUntilItIsNotedAgain: it did not say of which
// it was.
func TestFormat1_CountsForAnyCatalogueUntilItIsNotedAgain(t *testing.T) {
	dir := t.TempDir()
	content, err := os.ReadFile("testdata/format-1.sqlite")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, FileName), content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	ours, other := openAs(t, dir, production), openAs(t, dir, staging)
	f := goldenNotes()[0].File
	want := func(l *Ledger, attempts int) {
		t.Helper()
		e, known, err := l.OfFile(t.Context(), f)
		if err != nil || known != (attempts > 0) || e.Attempts != attempts {
			t.Errorf("%v, %v: %+v, want %d attempts", known, err, e, attempts)
		}
	}
	want(ours, 1)
	want(other, 1)
	take(t, ours, Note{File: f, FirstOfAttempt: true})
	want(ours, 2)
	want(other, 0)
	take(t, other, Note{File: f, FirstOfAttempt: true})
	want(ours, 2)
	want(other, 1)
}
