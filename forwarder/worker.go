package forwarder

import (
	"sync/atomic"
	"time"

	"ingestor/internal/zmq"
)

// worker is the pump's side of one worker: what waits for it, and whether it is
// there. Its counters may be read from everywhere, the rest is the pump's.
type worker struct {
	name     string
	identity []byte
	outlet   *zmq.Outlet
	pipe     inPipe

	queue  []queued
	bytes  int64     // in queue
	away   time.Time // when it was first found missing; zero: it is not
	drops  bool      // it stayed away too long: what comes is dropped until it is back
	missed uint64    // dropped in this absence

	messages, frames, sent, dropped, waits atomic.Uint64
	queuedMessages, queuedBytes            atomic.Int64
}

// queued is a message that could not go yet.
type queued struct {
	header  []byte
	message *zmq.Message
	frames  int
	size    int64
}

// overhead is what a message costs besides its frames, in bytes, about.
const overhead = 512

func (w *worker) push(q queued) {
	w.queue = append(w.queue, q)
	w.bytes += q.size
	w.account()
}

// pop takes the first message off the queue.
func (w *worker) pop() queued {
	q := w.queue[0]
	w.queue[0] = queued{}
	w.queue = w.queue[1:]
	w.bytes -= q.size
	if len(w.queue) == 0 {
		w.queue = nil
	}
	w.account()
	return q
}

func (w *worker) account() {
	w.queuedMessages.Store(int64(len(w.queue)))
	w.queuedBytes.Store(w.bytes)
}

func (w *worker) count(frames int, size int64) {
	w.messages.Add(1)
	w.frames.Add(uint64(frames))
	w.sent.Add(uint64(size))
}
