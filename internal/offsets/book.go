package offsets

import (
	"sync"
	"time"
)

// Book keeps the unfinished messages of the partitions that are assigned. All
// methods may be called from any goroutine.
type Book struct {
	mu     sync.Mutex
	epochs map[Key]*epoch
}

// New makes an empty Book.
func New() *Book { return &Book{epochs: make(map[Key]*epoch)} }

// Assign begins a new epoch of a partition: nothing is tracked and there is no
// mark. What an earlier epoch tracked is forgotten.
func (b *Book) Assign(k Key) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.end(k)
	b.epochs[k] = &epoch{}
}

// end ends the epoch of a partition, if there is one.
func (b *Book) end(k Key) {
	if e := b.epochs[k]; e != nil {
		e.over = true
	}
	delete(b.epochs, k)
}

// Revoke ends the partition's epoch: tickets of it have no effect any more, and
// Marks leaves it out. Whoever wants to commit its mark asks for Marks before.
func (b *Book) Revoke(k Key) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.end(k)
}

// Track notes a message as unfinished and returns the ticket that ends it. Call
// it in the order of the log, before anything that might finish the message.
//
// An offset that comes again in an epoch (the reader went back) is unfinished
// again, and shares its entry with a ticket that is still out; one that the
// mark has passed gets a ticket without effect. So does a partition that is not
// assigned: its messages are somebody else's.
func (b *Book) Track(k Key, offset int64) Ticket {
	now := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.epochs[k]
	if e == nil {
		return Ticket{}
	}
	n := e.track(offset, now)
	if n == nil {
		return Ticket{}
	}
	return Ticket{book: b, epoch: e, entry: n}
}

// Marks is the offset to commit (one past the last message before which all is
// finished) of each partition whose mark is not what Committed was last told.
func (b *Book) Marks() map[Key]int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	marks := make(map[Key]int64)
	for k, e := range b.epochs {
		if mark, ok := e.toCommit(); ok {
			marks[k] = mark
		}
	}
	return marks
}

// Committed tells that the broker has this mark. The mark of a late answer is
// no harm: Marks then names the partition once more.
func (b *Book) Committed(k Key, mark int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.epochs[k]; e != nil {
		e.committed, e.committedKnown = mark, true
	}
}

// Unfinished is the number of messages of a partition that are not finished.
func (b *Book) Unfinished(k Key) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.epochs[k]; e != nil {
		return e.unfinished
	}
	return 0
}

// Oldest is the offset of the oldest unfinished message of a partition; false
// when there is none.
func (b *Book) Oldest(k Key) (int64, bool) {
	offset, _, ok := b.OldestSince(k)
	return offset, ok
}

// OldestSince is Oldest with the time at which that message was tracked: how
// long the partition's mark has been standing still is the sign of a stuck one.
func (b *Book) OldestSince(k Key) (int64, time.Time, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.epochs[k]
	if e == nil || e.head == nil {
		return 0, time.Time{}, false
	}
	return e.head.offset, e.head.since, true
}
