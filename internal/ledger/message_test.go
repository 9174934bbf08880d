package ledger

import (
	"testing"
	"time"
)

func note(t *testing.T, l *Ledger, notes ...MessageNote) {
	t.Helper()
	if err := l.NoteMessages(t.Context(), notes); err != nil {
		t.Fatal(err)
	}
}

// message is what is known of the message of a note, whose time it takes over:
// equal times may differ in their zone.
func message(t *testing.T, l *Ledger, n MessageNote) MessageEntry {
	t.Helper()
	list, err := l.messages(t.Context(), "key, headers, stderr, value",
		" WHERE source = ? AND topic = ? AND partition = ? AND offset = ? AND time = ?", n.Source, n.Topic, n.Partition, n.Offset, stamp(n.Time))
	if err != nil || len(list) != 1 {
		t.Fatalf("%d entries of %s/%d/%d, %v", len(list), n.Topic, n.Partition, n.Offset, err)
	}
	e := list[0]
	if !e.Time.Equal(n.Time) {
		t.Errorf("time %v, want %v", e.Time, n.Time)
	}
	e.Time = n.Time
	return e
}

var _ = time.Second
