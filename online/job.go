package online

import (
	"time"

	"ingestor/internal/children"
	"ingestor/internal/fault"
	"ingestor/internal/intake"
	"ingestor/schemas/filewriter"
)

// job is a file to be ingested, and the message that waits for it.
type job struct {
	message intake.Message
	ack     intake.Ack
	written filewriter.WritingDone

	// attempts counts the starts; an outage gives its start back.
	attempts int
	// due is when a postponed job may start again.
	due time.Time
	// child is the running process; nil otherwise.
	child *children.Child
	// started is when the child was started.
	started time.Time
	// outages counts those it met; suffered is when it met the last one.
	outages  int
	suffered time.Time
}

// verdict is what a finished child means for its job.
type verdict struct {
	// ok: the file is in the catalogue (or was only tried, in a dry run).
	ok bool
	// class says how to react to a failure.
	class fault.Class
	// reason is one line for people; empty when ok.
	reason string
	// exit and stderr are the child's own, the latter its end only.
	exit   int
	stderr []byte
}
