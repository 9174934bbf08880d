package ledger

import (
	"encoding/json"
	"fmt"
	"time"

	"ingestor/internal/intake"
)

// MessageNote is what to remember of a message. Its first five fields are the
// key. Of the others JobID, File, Outcome, PID, Datablock, Key, Value and Headers
// leave what is known as it is where they are empty; the rest replaces it.
type MessageNote struct {
	// Source is the name of the source that first delivered the message.
	Source    string
	Topic     string
	Partition int32
	Offset    int64
	// Time is when the message was made, as its source gave it. With it a
	// position in a topic that was made anew is another one.
	Time time.Time

	// JobID is the file writer's; File is the data file.
	JobID, File string
	// Outcome is how it ended, as in package outcome; "" is still to be tried.
	Outcome string
	// Attempts is how often its file was tried so far.
	Attempts       int
	PID, Datablock string
	// Error is the last failure, one line; Class and Exit are those of package
	// fault. Empty and 0 after a success.
	Error, Class string
	Exit         int
	// Stderr is the end of what the last child wrote, after a failure.
	Stderr []byte
	// Key, Value and Headers are the message. They are kept while it is to be
	// tried, and when it ended by a failure.
	Key, Value []byte
	Headers    []intake.Header
}

// MessageEntry is what is known of a message.
type MessageEntry struct {
	// ID is its number in this ledger, and nowhere else.
	ID int64
	MessageNote
	// Kept says that its value is there, and that it can be delivered again.
	Kept bool
	// Requested is when somebody asked for it to be tried again; zero if nobody
	// did, or it has ended since.
	Requested time.Time
	// First and Last are when it was noted first and last.
	First, Last time.Time
	// Host and Version are who noted it last.
	Host, Version string
}

// Message is the message as its source delivered it.
func (e MessageEntry) Message() intake.Message {
	return intake.Message{
		Source: e.Source, Topic: e.Topic, Partition: e.Partition, Offset: e.Offset, Time: e.Time,
		Key: e.Key, Value: e.Value, Headers: e.Headers,
	}
}

// header is a header in the database. Keys are bytes of foreign origin and need
// not be text.
type header struct{ K, V []byte }

// encodeHeaders is nil for no headers, which leaves those that are kept.
func encodeHeaders(list []intake.Header) ([]byte, error) {
	if len(list) == 0 {
		return nil, nil
	}
	rows := make([]header, len(list))
	for i, h := range list {
		rows[i] = header{[]byte(h.Key), h.Value}
	}
	b, err := json.Marshal(rows)
	if err != nil {
		return nil, fmt.Errorf("encode headers: %w", err)
	}
	return b, nil
}

func decodeHeaders(b []byte) ([]intake.Header, error) {
	if len(b) == 0 {
		return nil, nil
	}
	var rows []header
	if err := json.Unmarshal(b, &rows); err != nil {
		return nil, fmt.Errorf("decode headers: %w", err)
	}
	list := make([]intake.Header, len(rows))
	for i, h := range rows {
		list[i] = intake.Header{Key: string(h.K), Value: h.V}
	}
	return list, nil
}

// stamp is a time in the database.
func stamp(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func unstamp(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns)
}
