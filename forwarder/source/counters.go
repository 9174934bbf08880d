package source

import "sync/atomic"

// Reason is why a message of the upstream was dropped.
type Reason uint8

// The reasons, in the order of reasonNames.
const (
	// Invalid headers do not validate.
	Invalid Reason = iota
	// Parts: the protocol does not allow that number of parts.
	Parts
	// NoStart are messages that came while a start was waited for.
	NoStart
	// Repeated are starts within a series, and what else has no place there.
	Repeated
	// AfterEnd came after the end of the series.
	AfterEnd
	// Incomplete messages belong to an event whose rest never came.
	Incomplete
	// Overflow was posted while too much waited already.
	Overflow
	// Inactive was posted while no scan was active.
	Inactive
	reasons
)

var reasonNames = [reasons]string{"invalid", "parts", "no_start", "repeated", "after_end", "incomplete", "overflow", "inactive"}

func (r Reason) String() string { return reasonNames[r] }

// Counters are what a source says of itself. Everybody may read them.
type Counters struct {
	discards [reasons]atomic.Uint64
	// Gaps counts places where frame numbers were left out, and Missing the numbers
	// themselves. Repeats are frames whose number had come before.
	Gaps, Missing, Repeats atomic.Uint64
}

// Discarded is the number of messages dropped for a reason.
func (c *Counters) Discarded(r Reason) uint64 { return c.discards[r].Load() }

// Discards are the messages dropped, by the name of the reason. All reasons are in it.
func (c *Counters) Discards() map[string]uint64 {
	m := make(map[string]uint64, reasons)
	for r := range reasons {
		m[r.String()] = c.discards[r].Load()
	}
	return m
}
