package forwarder

import (
	"time"

	"ingestor/forwarder/control"
)

// Snapshot is what an ingester says of itself at one moment, for metrics, health and
// logs. Counts begin at 0 with the process.
type Snapshot struct {
	Name, URL string
	// Mapping is the uuid of the scan, empty before the first.
	Mapping string
	// Processed are events that are done, those for no worker included.
	Processed uint64
	// LastEvent is when the last was done; zero: none was.
	LastEvent time.Time
	// Pending are events that are assigned and not done.
	Pending  int64
	BadPings uint64
	// Waiting is what the pump waits for when it waits: assignment, upstream,
	// workers or dump; and Waits how long it has waited for each.
	Waiting string
	Waits   map[string]time.Duration
	Streams []StreamSnapshot
	// Workers are all that were ever assigned anything, Connected those that
	// pinged in the last seconds.
	Workers   []WorkerSnapshot
	Connected []control.Worker
	Latency   Latency
	Dump      DumpSnapshot
	Redis     RedisSnapshot
}

// RedisSnapshot is how the follower of the controller fares.
type RedisSnapshot struct {
	// Ready says that the peers can see this ingester, else Reason why not.
	Ready  bool
	Reason string
	// Lag is the age of the oldest assignments that are read and not yet accepted.
	Lag time.Duration
	control.Counts
}

// StreamSnapshot counts what one stream has brought.
type StreamSnapshot struct {
	Name, Source, State   string
	Events, Frames, Bytes uint64
	Faults                uint64            // of opening it, and ends it was not asked for
	Discards              map[string]uint64 // messages, by reason
	Gaps, Repeats         uint64            // of frame numbers
}

// WorkerSnapshot counts what went to one worker.
type WorkerSnapshot struct {
	Name                        string
	Messages, Frames, Bytes     uint64
	Dropped                     uint64 // messages, while it was away
	Waits                       uint64 // times that it could not take a message at once
	QueuedMessages, QueuedBytes int64
}

// DumpSnapshot counts what was dumped.
type DumpSnapshot struct{ Records, Bytes, Dropped, Failures uint64 }

// Latency is a histogram of the time from an event's coming into the pump's hands to
// its going out, of one in 128 events.
type Latency struct {
	Bounds []time.Duration
	// Counts has one more: the last is above all bounds.
	Counts []uint64
	Sum    time.Duration
}

var streamStates = map[streamState]string{streamClosed: "closed", streamOpen: "open", streamFailed: "failed"}

// Snapshot may be called from any goroutine, at any time.
func (i *Ingester) Snapshot() Snapshot {
	p, c := i.pump, i.pump.counts
	s := Snapshot{
		Name: i.opt.Name, URL: i.opt.URL, Processed: c.processed.Load(), Pending: p.inbox.pending.Load(),
		BadPings: c.badPings.Load(), Waiting: c.why().String(), Waits: map[string]time.Duration{},
		Connected: p.workers.connected(time.Now()), Redis: i.redis(),
		Dump: DumpSnapshot{
			Records: p.dump.count.Records.Load(), Bytes: p.dump.count.Bytes.Load(),
			Dropped: p.dump.count.Dropped.Load(), Failures: p.dump.count.Failures.Load(),
		},
		Latency: Latency{Bounds: latencyBounds[:], Sum: time.Duration(c.latency.sum.Load())},
	}
	if m := c.mapping.Load(); m != nil {
		s.Mapping = m.UUID.String()
	}
	if t := c.lastEvent.Load(); t != 0 {
		s.LastEvent = time.Unix(0, t)
	}
	for r := range reasons {
		s.Waits[r.String()] = time.Duration(c.waits[r].Load())
	}
	for n := range c.latency.buckets {
		s.Latency.Counts = append(s.Latency.Counts, c.latency.buckets[n].Load())
	}
	for n, st := range p.streams {
		s.Streams = append(s.Streams, StreamSnapshot{
			Name: st.name, Source: i.opt.Streams[n].Source, State: streamStates[streamState(st.state.Load())],
			Events: st.events.Load(), Frames: st.frames.Load(), Bytes: st.bytes.Load(), Faults: st.faults.Load(),
			Discards: st.up.Count.Discards(), Gaps: st.up.Count.Gaps.Load(), Repeats: st.up.Count.Repeats.Load(),
		})
	}
	for _, w := range p.workers.all() {
		s.Workers = append(s.Workers, WorkerSnapshot{
			Name: w.name, Messages: w.messages.Load(), Frames: w.frames.Load(), Bytes: w.sent.Load(),
			Dropped: w.dropped.Load(), Waits: w.waits.Load(),
			QueuedMessages: w.queuedMessages.Load(), QueuedBytes: w.queuedBytes.Load(),
		})
	}
	return s
}

func (i *Ingester) redis() RedisSnapshot {
	s := RedisSnapshot{Lag: i.follower.Lag(), Counts: i.follower.Counts()}
	s.Ready, s.Reason = i.follower.Ready()
	return s
}
