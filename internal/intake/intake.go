// Package intake holds what a source hands to the daemon: a message, where it
// came from, and the acknowledgement that the source waits for.
//
// It names no broker and no file system: Kafka topics, watched directories and
// the retry spool all deliver the same thing.
package intake

import (
	"strconv"
	"time"
)

// Header is one header of a message, in the order in which it was sent.
type Header struct {
	Key   string
	Value []byte
}

// Message is one delivery of a source.
type Message struct {
	// Source is the name of the source that first delivered it. A message that
	// is replayed keeps it.
	Source string
	// Topic, Partition and Offset say where the message stands. A source that
	// is no log uses its own name as the topic, partition 0, and a number that
	// grows.
	Topic     string
	Partition int32
	Offset    int64
	Key       []byte
	// Value is nil for a tombstone.
	Value   []byte
	Headers []Header
	// Time is when the message was made, as the source says; zero if unknown.
	Time time.Time
	// Stale, if set, says that the message is somebody else's by now: what has not
	// begun need not.
	Stale func() bool
}

// IsStale is Stale, where it is set.
func (m Message) IsStale() bool { return m.Stale != nil && m.Stale() }

// Position is "topic/partition/offset", the name by which people find a message.
func (m Message) Position() string {
	return m.Topic + "/" + strconv.Itoa(int(m.Partition)) + "/" + strconv.FormatInt(m.Offset, 10)
}

// DeadLetter is a message that can not be dealt with, and why.
type DeadLetter struct {
	Message
	// Reason is one line for people.
	Reason string
	// Attempts is how often its file was tried.
	Attempts int
	// Given is when it was given up.
	Given time.Time
	// Stderr is the end of what the last attempt wrote, where that may help.
	Stderr []byte
}

// Ack ends a message: nil says that it is finished for good and may be
// committed; an error says that it is not, and must be delivered again. It is
// called exactly once for each message, from any goroutine, and does not block.
type Ack func(err error)
