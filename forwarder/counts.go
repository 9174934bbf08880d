package forwarder

import (
	"sync/atomic"
	"time"

	"ingestor/forwarder/control"
)

// waitReason is what the pump waits for.
type waitReason int32

// The reasons, in the order of reasonNames.
const (
	waitAssignment waitReason = iota // nothing is assigned
	waitFrames                       // the upstream has sent nothing yet
	waitWorkers                      // the workers' queues are full
	waitDump                         // the dump's disk is slow
	reasons
)

var reasonNames = [reasons]string{"assignment", "upstream", "workers", "dump"}

func (r waitReason) String() string { return reasonNames[r] }

// counts are what the pump says of itself. Everybody may read them.
type counts struct {
	processed atomic.Uint64 // events that are done, as dranspose counts them
	badPings  atomic.Uint64
	lastEvent atomic.Int64 // unix nanoseconds; 0: none
	reason    atomic.Int32 // a waitReason
	waits     [reasons]atomic.Int64
	latency   histogram
	mapping   atomic.Pointer[control.Mapping]
}

func (c *counts) waitsFor(r waitReason) {
	if c.reason.Load() != int32(r) {
		c.reason.Store(int32(r))
	}
}

func (c *counts) why() waitReason { return waitReason(c.reason.Load()) }

func (c *counts) waited(r waitReason, d time.Duration) { c.waits[r].Add(int64(d)) }

// latencyBounds are the upper bounds of the histogram's buckets.
var latencyBounds = [...]time.Duration{
	10 * time.Microsecond, 30 * time.Microsecond, 100 * time.Microsecond, 300 * time.Microsecond,
	time.Millisecond, 3 * time.Millisecond, 10 * time.Millisecond, 30 * time.Millisecond,
	100 * time.Millisecond, 300 * time.Millisecond, time.Second, 10 * time.Second,
}

// histogram counts sampled durations.
type histogram struct {
	buckets [len(latencyBounds) + 1]atomic.Uint64 // the last is above all bounds
	sum     atomic.Int64
}

func (h *histogram) observe(d time.Duration) {
	i := 0
	for i < len(latencyBounds) && d > latencyBounds[i] {
		i++
	}
	h.buckets[i].Add(1)
	h.sum.Add(int64(d))
}
