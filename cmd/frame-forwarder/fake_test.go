package main

import (
	"context"
	"sync"
	"time"

	"ingestor/forwarder"
	"ingestor/forwarder/control"
)

// fake is an ingester that does what it is told.
type fake struct {
	mu       sync.Mutex
	snapshot forwarder.Snapshot
	ready    chan struct{}
	run      func(context.Context) error
}

func (f *fake) Run(ctx context.Context) error { return f.run(ctx) }
func (f *fake) Ready() <-chan struct{}        { return f.ready }

func (f *fake) Snapshot() forwarder.Snapshot {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.snapshot
}

func (f *fake) change(do func(*forwarder.Snapshot)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do(&f.snapshot)
}

// busy is an ingester in the middle of a scan.
func busy(name string) *fake {
	f := &fake{ready: make(chan struct{})}
	close(f.ready)
	f.snapshot = forwarder.Snapshot{
		Name: name, URL: "tcp://h:10000", Mapping: "0d78c656-113c-42e9-9613-87c61d85fb3a",
		Processed: 12, LastEvent: time.Unix(1_790_000_000, 500_000_000), Pending: 3, BadPings: 1,
		Waiting: "workers", Waits: map[string]time.Duration{"workers": 2 * time.Second, "upstream": time.Second},
		Streams: []forwarder.StreamSnapshot{{
			Name: "eiger", Source: "zmqpull_single", State: "open", Events: 12, Frames: 24, Bytes: 2400, Faults: 1,
			Discards: map[string]uint64{"invalid": 2, "no_start": 0}, Gaps: 1, Repeats: 4,
		}},
		Workers: []forwarder.WorkerSnapshot{
			{Name: "w1", Messages: 6, Frames: 12, Bytes: 1200, Waits: 1, QueuedMessages: 2, QueuedBytes: 200},
			{Name: "w\xff", Messages: 5, Frames: 10, Bytes: 1000, Dropped: 1},
		},
		Connected: []control.Worker{{Name: "w1"}},
		Latency:   forwarder.Latency{Bounds: []time.Duration{time.Millisecond, time.Second}, Counts: []uint64{3, 1, 1}, Sum: 4 * time.Second},
		Dump:      forwarder.DumpSnapshot{Records: 12, Bytes: 3000},
	}
	return f
}
