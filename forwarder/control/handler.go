package control

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// WorkerSet is the workers that get one frame. Equal sets of one mapping are
// one pointer, so a receiver may key on it. Without names the frame is consumed
// and sent nowhere. It is never changed after it was handed out.
type WorkerSet struct {
	// Names are the workers, each once, in the order of the assignment.
	Names []string
}

// Batch is assignments of consecutive events, in increasing order; events in
// which no active stream of ours has a frame are left out.
type Batch struct {
	// Events are the event numbers.
	Events []uint64
	// Streams is how many streams are active, at least 1.
	Streams int
	// Sets holds len(Events)*Streams entries: Sets[i*Streams+s] is the workers
	// of stream Mapping.Active[s] in Events[i]. nil means that the stream has
	// no frame in that event; at least one of an event is not nil.
	Sets []*WorkerSet
}

// Mapping is one scan as the ingester sees it.
type Mapping struct {
	// UUID is the identity that the controller gave it.
	UUID uuid.UUID
	// Active is the streams of the ingester that take part, in the order of
	// the ingester's own list. Empty: the scan is watched, nothing is sent.
	Active []string
	// Parameters are the raw values held when the mapping began, those of the
	// update that announced it included. They are not to be changed.
	Parameters map[string][]byte
}

// Handler is the pump: what moves the frames. Begin and Finish are called from
// one goroutine, Assign from another; Assign is never called while Begin is
// under way, nor for any mapping but the one begun last. All return soon after
// ctx has ended. An error while ctx has not ended means that the pump is
// broken: it ends the follower.
type Handler interface {
	// Begin starts a mapping and drops what the mapping before has left. It
	// returns when the work of that one has ended: the controller learns of
	// the new mapping after Begin, and from then on no frame of the old one
	// may reach a worker.
	Begin(ctx context.Context, m Mapping) error
	// Assign hands over assignments; the batch belongs to the handler then. It
	// waits while too many wait already, which stops the reading from Redis.
	Assign(ctx context.Context, mapping uuid.UUID, b Batch) error
	// Finish says that the scan is over; it returns when its dump is closed.
	Finish(ctx context.Context, mapping uuid.UUID) error
}

// Stats is what the follower publishes of the pump. It is called from several
// goroutines and does not block.
type Stats interface {
	// Processed is how many events were handled since the process started.
	Processed() uint64
	// Workers are those that pinged lately (the peers: in the last 4 s).
	Workers() []Worker
	// Appeared receives when a worker has pinged for the first time: the state
	// is published at once then.
	Appeared() <-chan struct{}
}

// Worker is a worker that pings.
type Worker struct {
	// Name is its identity on the socket.
	Name string
	// UUID is the service that the ping named, version 4.
	UUID uuid.UUID
	// LastSeen is when it pinged last.
	LastSeen time.Time
}
