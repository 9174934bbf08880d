package offsets

import "time"

// entry is an unfinished message and the stretch of the log behind it that is
// finished already.
type entry struct {
	offset int64
	// end is one past the last offset that is finished once this entry is.
	end        int64
	since      time.Time
	done       bool
	prev, next *entry
}

// epoch is one assignment of a partition: a list of its unfinished messages by
// offset. Book's mutex guards it.
type epoch struct {
	head, tail *entry
	unfinished int
	// mark is the offset to commit, once marked.
	mark   int64
	marked bool
	// committed is the mark that the broker has, once known.
	committed      int64
	committedKnown bool
	// over: the partition was revoked, or assigned anew.
	over bool
}

// track puts an offset in its place and returns its entry; nil where the mark
// has passed it. In a log that is read forward the place is the tail.
func (e *epoch) track(offset int64, now time.Time) *entry {
	if e.marked && offset < e.mark {
		return nil
	}
	before := e.tail
	for before != nil && before.offset > offset {
		before = before.prev
	}
	if before != nil && before.offset == offset {
		return before
	}
	n := &entry{offset: offset, end: offset + 1, since: now, prev: before}
	if before == nil {
		n.next, e.head = e.head, n
	} else {
		n.next, before.next = before.next, n
		// What before covers beyond the new entry has to wait for both.
		if before.end > offset {
			n.end = max(n.end, before.end)
			before.end = offset
		}
	}
	if n.next == nil {
		e.tail = n
	} else {
		n.next.prev = n
	}
	e.unfinished++
	return n
}

// finish takes an entry out. Its stretch goes to its predecessor, or to the
// mark when it was the oldest.
func (e *epoch) finish(n *entry) {
	if n.done {
		return
	}
	n.done = true
	e.unfinished--
	if n.prev == nil {
		e.head, e.mark, e.marked = n.next, n.end, true
	} else {
		n.prev.next, n.prev.end = n.next, n.end
	}
	if n.next == nil {
		e.tail = n.prev
	} else {
		n.next.prev = n.prev
	}
	// A ticket may outlive its entry: it must not keep the whole list alive.
	n.prev, n.next = nil, nil
}

// toCommit is the mark, unless the broker has it.
func (e *epoch) toCommit() (int64, bool) {
	if !e.marked || e.committedKnown && e.committed == e.mark {
		return 0, false
	}
	return e.mark, true
}
