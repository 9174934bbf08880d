package source

import (
	"github.com/sirupsen/logrus"

	"ingestor/internal/zmq"
)

// Source is one stream's upstream. The pump calls all methods from its one goroutine.
type Source interface {
	// Typ is what headers and dumps say of the stream's kind.
	Typ() string
	// Open begins to take from upstream. It is called at the first assignment of a
	// mapping that asks for the stream, and again, later, after an error.
	Open(up *Upstream) error
	// Next gives the next event, whose parts are its frames, or nil when there is
	// none yet. The message is the caller's. An error says that the source has ended:
	// nothing more comes before Close and Open.
	Next() (*zmq.Message, error)
	// Close drops what waits and lets go of upstream. It may be called at any time.
	Close() error
}

// Restarter is a Source that can begin a new series without losing what has arrived
// already: its connection stays, and what waits is looked through for the next start.
type Restarter interface{ Restart() }

// Triggered is a Source without upstream. Step makes its event; it is called once for
// each event of the mapping in which the ingester takes part, also for those that the
// stream is not assigned in. Next gives nothing.
type Triggered interface {
	Step(event uint64) (*zmq.Message, error)
}

// Listener is a Source that its upstream connects to, and finds there whether a scan
// goes on or not. Listen is called once, before anything else, and Shut at the end.
// Without Listen, Open listens and Close ends it.
type Listener interface {
	Listen(up *Upstream) error
	Shut() error
}

// Upstream is what a source gets from the pump.
type Upstream struct {
	Context *zmq.Context
	Pool    *zmq.Pool
	// Watch has the pump wake up when the socket may have messages; Unwatch comes
	// before its Close.
	Watch, Unwatch func(*zmq.Socket)
	// Wake says, from any goroutine, that there is something for Next.
	Wake func()
	Log  logrus.FieldLogger
	// Count is what metrics show.
	Count *Counters
	// QueueBytes bounds what is read from upstream and not yet asked for.
	QueueBytes int64
}

// Settings say what a stream's upstream is.
type Settings struct {
	// Stream is the stream's name.
	Stream string
	// Source is one of Names, or the name of a peer's class.
	Source string
	// URL is where upstream is, or, for http_sardana and bound sockets, where we are.
	URL string
	// Connections is the number of sockets to the same upstream; 0 means 1. More are
	// possible with protocols that pull and number their frames.
	Connections int
	// Declarative is for the source of that name.
	Declarative *Declarative
	// Trigger is for software_trigger.
	Trigger *Trigger
}
