package source

import (
	"sync"
	"time"
)

// queue hands events from a goroutine that reads upstream to the pump. It is bounded
// in bytes; beyond them its filler waits, and so does upstream.
type queue struct {
	mu     sync.Mutex
	room   sync.Cond
	events [][]byte
	bytes  int64
	bound  int64
	err    error // what comes after the events
	closed bool
	wake   func()
}

func newQueue(bound int64, wake func()) *queue {
	q := &queue{bound: bound, wake: wake}
	q.room.L = &q.mu
	return q
}

// put adds an event, as soon as there is room for it; false once the queue is closed.
func (q *queue) put(event []byte) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for !q.closed && len(q.events) > 0 && q.bytes+cost(event) > q.bound {
		q.room.Wait()
	}
	if q.closed {
		return false
	}
	q.add(event)
	return true
}

// offer adds an event if there is room for it now.
func (q *queue) offer(event []byte) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || len(q.events) > 0 && q.bytes+cost(event) > q.bound {
		return false
	}
	q.add(event)
	return true
}

func (q *queue) add(event []byte) {
	q.events = append(q.events, event)
	q.bytes += cost(event)
	if len(q.events) == 1 { // else the pump knows already
		q.wake()
	}
}

// cost is what an event takes, with what Go needs around it.
func cost(event []byte) int64 { return int64(len(event)) + 64 }

// take gives the next event; nil when there is none, and the error behind the last.
func (q *queue) take() ([]byte, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.events) == 0 {
		return nil, q.err
	}
	event := q.events[0]
	q.events[0] = nil
	if q.events = q.events[1:]; len(q.events) == 0 {
		q.events = nil
	}
	q.bytes -= cost(event)
	q.room.Signal()
	return event, nil
}

// fail puts an error behind the events.
func (q *queue) fail(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err == nil && !q.closed {
		q.err = err
		q.wake()
	}
}

// close drops what waits, and ends the waits of fillers.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed, q.events, q.bytes = true, nil, 0
	q.room.Broadcast()
}

// closing is a context that ends when its channel is closed: the life of what Open
// has started.
type closing chan struct{}

// Deadline is none.
func (closing) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done is the channel.
func (c closing) Done() <-chan struct{} { return c }

// Err says whether it was closed.
func (c closing) Err() error {
	select {
	case <-c:
		return errClosed
	default:
		return nil
	}
}

// Value is none.
func (closing) Value(any) any { return nil }
