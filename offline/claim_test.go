package offline

import (
	"context"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"ingestor/internal/outcome"
)

// TestConcurrent_TwoIngestorsOfOneFile: whatever the checks find, whether the
// dataset is new or half done, there is one of each at the end.
func TestConcurrent_TwoIngestorsOfOneFile(t *testing.T) {
	const ingestors = 4
	for _, c := range []struct {
		name   string
		seed   func(*bed)
		change func(*Options)
	}{
		{name: "new, both checks"},
		{name: "new, no checks", change: func(o *Options) { o.CheckByPID, o.CheckByMetadata = false, false }},
		{name: "new, pid from the catalogue", change: func(o *Options) { o.AllowPID = false }},
		{name: "a dataset without datablock", seed: func(b *bed) { b.seedDataset(testPID) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			for range 5 {
				b := newBed(t)
				if c.seed != nil {
					c.seed(b)
				}
				g := b.ingestor(c.change)
				var all sync.WaitGroup
				outcomes := make(chan outcome.Outcome, ingestors)
				for range ingestors {
					all.Go(func() {
						rep, err := g.Ingest(t.Context(), b.file, "")
						if err != nil {
							t.Error(err)
						}
						outcomes <- rep.Outcome
					})
				}
				all.Wait()
				close(outcomes)
				registered := 0
				for o := range outcomes {
					if o == outcome.Registered {
						registered++
					}
				}
				b.wantOneOfEach()
				if registered != 1 {
					t.Errorf("%d of them say that they registered it", registered)
				}
			}
		})
	}
}

// TestConcurrent_AnotherMachine: there is no claim across machines, but a
// datablock that appears while we wait is not made a second time.
func TestConcurrent_AnotherMachine(t *testing.T) {
	b := newBed(t)
	b.seedDataset(testPID)
	lists := 0
	b.between = func(_ http.ResponseWriter, r *http.Request, pass func()) {
		if strings.HasSuffix(r.URL.Path, "/origdatablocks") && r.Method == http.MethodGet {
			if lists++; lists == 2 {
				b.seedDatablock(testPID) // the other machine's
			}
		}
		pass()
	}
	if rep := b.ingest(nil); rep.Outcome != outcome.Existed {
		t.Errorf("outcome %s", rep.Outcome)
	}
	b.wantOneOfEach()
}

func TestClaim_OfAnotherFileDoesNotWait(t *testing.T) {
	b := newBed(t)
	first, err := claim(t.Context(), b.file, b.logger)
	if err != nil {
		t.Fatal(err)
	}
	defer first()
	second, err := claim(t.Context(), b.write("raw/other", "x"), b.logger)
	if err != nil {
		t.Fatal(err)
	}
	second()
}

func TestClaim_WaitsForTheHolderByWhateverPath(t *testing.T) {
	b := newBed(t)
	release, err := claim(t.Context(), b.file, b.logger)
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan error, 1)
	go func() {
		again, err := claim(t.Context(), filepath.Join(b.dir, "raw", "..", "raw", "run.hdf"), b.logger)
		if err == nil {
			again()
		}
		got <- err
	}()
	for !strings.Contains(b.logged(logrus.InfoLevel), "waiting") {
		time.Sleep(time.Millisecond)
	}
	select {
	case err := <-got:
		t.Fatalf("it did not wait: %v", err)
	default:
	}
	release()
	if err := <-got; err != nil {
		t.Error(err)
	}
}

func TestClaim_TheContextEndsTheWaiting(t *testing.T) {
	b := newBed(t)
	release, err := claim(t.Context(), b.file, b.logger)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan error, 1)
	go func() {
		_, err := claim(ctx, b.file, b.logger)
		got <- err
	}()
	for !strings.Contains(b.logged(logrus.InfoLevel), "waiting") {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-got; err == nil {
		t.Error("a claim that another holds was given")
	}
}
