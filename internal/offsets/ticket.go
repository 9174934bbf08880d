package offsets

// Ticket ends one tracked message. The zero Ticket is valid and does nothing.
type Ticket struct {
	book  *Book
	epoch *epoch
	entry *entry
}

// Finish says that the message is dealt with for good. It may be called from
// any goroutine, in any order among tickets, and again without effect; after
// the partition was revoked or assigned anew it does nothing.
func (t Ticket) Finish() {
	if t.entry == nil {
		return
	}
	t.book.mu.Lock()
	defer t.book.mu.Unlock()
	// An epoch that has ended is in no book: nobody sees its mark move.
	t.epoch.finish(t.entry)
}

// Over says that Finish does nothing any more: the message is somebody else's.
func (t Ticket) Over() bool {
	if t.entry == nil {
		return true
	}
	t.book.mu.Lock()
	defer t.book.mu.Unlock()
	return t.epoch.over
}
