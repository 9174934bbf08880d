package forwarder

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"

	"ingestor/forwarder/control"
)

// pendingLimit bounds the assignments that are read ahead, in events.
const pendingLimit = 1_000_000

// order is something that the pump shall do between two events.
type order struct {
	begin   *control.Mapping
	assign  *control.Batch
	finish  bool
	mapping uuid.UUID
	// done is closed when the order is carried out; nil when nobody waits. The pump
	// leaves in finished what the caller has to do then.
	done     chan struct{}
	finished func(context.Context) error
}

// inbox brings orders from the follower's goroutines to the pump.
type inbox struct {
	wake func()

	some   atomic.Bool // spares the pump the lock
	mu     sync.Mutex
	orders []*order
	// events assigned and not yet served, here and in the plan
	pending atomic.Int64
	room    chan struct{} // tells one that waits to look again
}

func newInbox(wake func()) *inbox { return &inbox{wake: wake, room: make(chan struct{}, 1)} }

func (in *inbox) post(o *order) {
	in.mu.Lock()
	in.orders = append(in.orders, o)
	in.mu.Unlock()
	in.some.Store(true)
	in.wake()
}

// call posts an order and waits until it is carried out.
func (in *inbox) call(ctx context.Context, o *order) error {
	o.done = make(chan struct{})
	in.post(o)
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-o.done:
	}
	if o.finished != nil {
		return o.finished(ctx)
	}
	return nil
}

// assign posts a batch when there is room for it.
func (in *inbox) assign(ctx context.Context, mapping uuid.UUID, b control.Batch) error {
	for in.pending.Load() >= pendingLimit {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-in.room:
		}
	}
	in.pending.Add(int64(len(b.Events)))
	in.post(&order{assign: &b, mapping: mapping})
	return nil
}

// served counts events that no longer wait.
func (in *inbox) served(n int) {
	if n > 0 && in.pending.Add(int64(-n)) < pendingLimit {
		select {
		case in.room <- struct{}{}:
		default:
		}
	}
}

// take gives the orders that have come.
func (in *inbox) take() []*order {
	if !in.some.Load() {
		return nil
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.some.Store(false)
	orders := in.orders
	in.orders = nil
	return orders
}
