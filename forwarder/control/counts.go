package control

import (
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// Counts is what happened since the process started.
type Counts struct {
	// Published and PublishFailures count writes of the state.
	Published, PublishFailures uint64
	// Reconnects counts outages of Redis that were overcome, by connection:
	// one outage is up to three.
	Reconnects uint64
	// Updates and MalformedUpdates count entries of the controller.
	Updates, MalformedUpdates uint64
	// Mappings were begun; SupersededMappings were not, as a later one came in
	// the same reply.
	Mappings, SupersededMappings uint64
	// Entries and Assignments count what was read of assigned streams;
	// Assignments includes those of streams that are not ours.
	Entries, Assignments uint64
	// MalformedAssignments are entries that stopped the delivery of a mapping.
	MalformedAssignments uint64
	// RepeatedEvents are assignments left out because their event number was
	// not beyond the last one.
	RepeatedEvents uint64
}

type counts struct {
	published, publishFailures, reconnects, updates, malformedUpdates, mappings, superseded,
	entries, assignments, malformedAssignments, repeated atomic.Uint64
}

// Counts is a snapshot, from any goroutine.
func (f *Follower) Counts() Counts {
	c := &f.counts
	return Counts{
		Published: c.published.Load(), PublishFailures: c.publishFailures.Load(), Reconnects: c.reconnects.Load(),
		Updates: c.updates.Load(), MalformedUpdates: c.malformedUpdates.Load(),
		Mappings: c.mappings.Load(), SupersededMappings: c.superseded.Load(),
		Entries: c.entries.Load(), Assignments: c.assignments.Load(),
		MalformedAssignments: c.malformedAssignments.Load(), RepeatedEvents: c.repeated.Load(),
	}
}

// Lag is the age of the oldest assignments that were read and are not yet
// accepted by the pump; 0 when there are none. It compares the clock of Redis,
// which made the entry's id, with ours.
func (f *Follower) Lag() time.Duration {
	since := f.pendingSince.Load()
	if since == 0 {
		return 0
	}
	return max(0, time.Since(time.UnixMilli(since)))
}

// Mapping is the mapping that was begun last; uuid.Nil when there was none.
func (f *Follower) Mapping() uuid.UUID {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.mapping
}

// ServiceUUID is the identity of this process among the peers, version 4.
func (f *Follower) ServiceUUID() uuid.UUID { return f.service }
