package kafka

import (
	"cmp"
	"slices"
	"time"
)

// unknown stands for an offset that nobody has told yet.
const unknown = int64(-1)

// Position tells how far a partition is.
type Position struct {
	Topic     string
	Partition int32
	// Committed is the offset that the group has committed: the next one to
	// read after a restart. -1 when unknown or none.
	Committed int64
	// High is the end of the partition, as last heard: the offset that the next
	// message will get. -1 when unknown.
	High int64
	// Lag is how many offsets lie between the two; -1 when unknown.
	Lag int64
	// Unfinished is how many delivered messages are not finished.
	Unfinished int
	// OldestUnfinished is how long the oldest of them has been so; 0 for none.
	OldestUnfinished time.Duration
}

// positions is Source.Positions for the partitions of this client.
func (s *session) positions(now time.Time) []Position {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Position, 0, len(s.parts))
	for k, p := range s.parts {
		pos := Position{
			Topic: k.Topic, Partition: k.Partition,
			Committed: p.committed, High: p.high, Lag: p.lag(),
			Unfinished: s.book.Unfinished(k),
		}
		if _, since, ok := s.book.OldestSince(k); ok {
			pos.OldestUnfinished = now.Sub(since)
		}
		all = append(all, pos)
	}
	slices.SortFunc(all, func(a, b Position) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return all
}
