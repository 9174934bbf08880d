package offline

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"ingestor/internal/fault"
)

// contextWithCause is one that cancel ends for a reason.
func contextWithCause(t *testing.T, cause error) (context.Context, func()) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	t.Cleanup(func() { cancel(nil) })
	return ctx, func() { cancel(cause) }
}

// TestInterrupt_AtEveryRequest ends the context at each request of a
// registration: when it arrives and is lost, and when it is carried out and
// the answer is lost. The error is an interruption, and another run completes.
func TestInterrupt_AtEveryRequest(t *testing.T) {
	for _, acted := range []bool{false, true} {
		t.Run(fmt.Sprintf("carried out %v", acted), func(t *testing.T) {
			for position := int64(1); ; position++ {
				if reached := interruptAt(t, position, acted); !reached {
					if position < 6 {
						t.Errorf("only %d positions: the sequence has changed", position-1)
					}
					return
				}
			}
		})
	}
}

// stopAt stops the ingestor at a request, before or after the catalogue has acted on
// it, and counts the requests.
func (b *bed) stopAt(position int64, acted bool, stop func()) *atomic.Int64 {
	seen := &atomic.Int64{}
	b.between = func(_ http.ResponseWriter, r *http.Request, pass func()) {
		if seen.Add(1) != position {
			pass()
			return
		}
		if acted {
			pass()
		}
		stop()
		// The server only sees the client hang up once the body is read.
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}
	return seen
}

// interruptAt is false when the registration was over before.
func interruptAt(t *testing.T, position int64, acted bool) bool {
	t.Helper()
	b := newBed(t)
	ctx, cancel := contextWithCause(t, fault.Errorf(fault.Terminated, "stopped"))
	seen := b.stopAt(position, acted, cancel)
	_, err := b.ingestor(nil).Ingest(ctx, b.file, "")
	reached := seen.Load() >= position
	switch kind := fault.KindOf(err); {
	case !reached && err != nil:
		t.Errorf("position %d: %v", position, err)
	case reached && err != nil && kind != fault.Interrupted && kind != fault.Terminated:
		t.Errorf("position %d: kind %v: %v", position, kind, err)
	case reached && err == nil:
		// The answer came before the end of the context was seen.
		b.wantOneOfEach()
	}
	if datasets, blocks := b.stored(); datasets > 1 || blocks > datasets {
		t.Errorf("position %d: %d datasets, %d datablocks", position, datasets, blocks)
	}
	b.between = nil
	b.ingest(nil)
	b.wantOneOfEach()
	return reached
}

func TestInterrupt_WhileHashing(t *testing.T) {
	b := newBed(t)
	ctx, cancel := contextWithCause(t, fault.Errorf(fault.Terminated, "stopped"))
	_, err := b.ingestor(func(o *Options) {
		o.Files.SaveHash = true
		o.Files.Progress = func(_, _ int64) { cancel() }
	}).Ingest(ctx, b.file, "")
	if err == nil {
		t.Fatal("no error")
	}
	b.wantStored(0, 0)
	if tree := b.tree(); tree != "raw raw/run.hdf" {
		t.Errorf("left behind: %s", tree)
	}
	b.ingest(nil)
	b.wantOneOfEach()
}
