package dump

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"
)

// Message is the frames of a stream, as *zmq.Message has them. The Writer reads
// the parts where they lie and frees the message when they are written.
type Message interface {
	Parts() int
	Part(i int) []byte
	Size() int // bytes of all parts
	Free()
}

// Part is what one stream supplies to an event that is to be dumped.
type Part struct {
	Name, Typ string
	Message   Message
}

// Counters outlive the Writers, of which each mapping has its own.
type Counters struct {
	Records, Bytes atomic.Uint64 // written whole, and their bytes
	Dropped        atomic.Uint64 // records that should have been dumped and were not
	Failures       atomic.Uint64 // dumps that could not be opened or continued
}

// DefaultQueueBytes bounds what waits to be written unless told otherwise.
const DefaultQueueBytes = 64 << 20

// recordCost is what a record counts besides its frames.
const recordCost = 512

// WriterOptions say what to write and whom to tell.
type WriterOptions struct {
	Path string
	// QueueBytes bounds what was put and is not written yet; 0 means
	// DefaultQueueBytes. One record is taken whatever its size.
	QueueBytes int64
	// Wake is called, from the Writer's goroutine, when there is room again after
	// a TryPut that found none. It may be nil.
	Wake  func()
	Log   logrus.FieldLogger // nil discards
	Count *Counters          // nil counts for nobody
}

// Writer writes the dump of one mapping. Events are put without waiting, by one
// goroutine; Run writes them in another.
//
// A dump that can not be written is no reason to stop a scan: the first failure
// is logged and counted, what comes after it is dropped and counted.
type Writer struct {
	opt   WriterOptions
	out   *appender
	awake chan struct{} // there is something in the queue, or the end
	ended chan struct{} // Run has returned

	mu      sync.Mutex
	queue   []entry
	bytes   int64 // of the queue and of what is being written
	starved bool  // a TryPut found no room
	closed  bool
	broken  bool // nothing is written any more
	running bool

	// Of the goroutine of Run.
	spare []entry // the queue's other half
	taken uint64  // records, written or not
}

const cannotWrite = "Cannot write the dump: the rest of this mapping is not dumped"

type entry struct {
	event   uint64
	created time.Time
	parts   []Part
	cost    int64
}

func (e entry) free() {
	for _, p := range e.parts {
		p.Message.Free()
	}
	clear(e.parts)
}

// NewWriter makes a Writer. The file is opened by Run.
func NewWriter(o WriterOptions) (*Writer, error) {
	if o.Path == "" || o.QueueBytes < 0 {
		return nil, fmt.Errorf("a dump needs a path (%q) and room (%d bytes)", o.Path, o.QueueBytes)
	}
	if o.QueueBytes == 0 {
		o.QueueBytes = DefaultQueueBytes
	}
	if o.Log == nil {
		l := logrus.New()
		l.SetOutput(io.Discard)
		o.Log = l
	}
	if o.Count == nil {
		o.Count = &Counters{}
	}
	o.Log = o.Log.WithField("file", o.Path)
	return &Writer{
		opt: o, out: newAppender(o.Path, o.Log, o.Count),
		awake: make(chan struct{}, 1), ended: make(chan struct{}),
	}, nil
}

// TryPut takes an event: the messages are the Writer's from then on, the slice
// stays the caller's. False: there is no room, nothing was taken, and Wake will
// tell when to try again. After Close, and after a failure, events are dropped.
func (w *Writer) TryPut(event uint64, created time.Time, parts []Part) bool {
	e := entry{event: event, created: created, cost: recordCost}
	for _, p := range parts {
		e.cost += int64(p.Message.Size())
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.broken || w.closed:
		w.opt.Count.Dropped.Add(1)
		for _, p := range parts {
			p.Message.Free()
		}
		return true
	case w.bytes > 0 && w.bytes+e.cost > w.opt.QueueBytes:
		w.starved = true
		return false
	}
	w.bytes += e.cost
	if n := len(w.queue); n < cap(w.queue) { // the parts' slice of an earlier round
		w.queue = w.queue[:n+1]
		e.parts = append(w.queue[n].parts[:0], parts...)
		w.queue[n] = e
	} else {
		e.parts = append(e.parts, parts...)
		w.queue = append(w.queue, e)
	}
	if len(w.queue) == 1 {
		w.wake()
	}
	return true
}

// wake tells Run.
func (w *Writer) wake() {
	select {
	case w.awake <- struct{}{}:
	default:
	}
}

// Waiting is the bytes that are not written yet.
func (w *Writer) Waiting() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.bytes
}

// Run opens the file and writes until Close was called and all is on disk. The
// end of ctx makes it give up what still waits; a call to a storage that hangs
// it can not interrupt. What goes wrong with the file is logged, not returned.
func (w *Writer) Run(ctx context.Context) error {
	w.mu.Lock()
	twice := w.running
	w.running = true
	w.mu.Unlock()
	if twice {
		return errors.New("a dump's writer runs twice")
	}
	defer close(w.ended)
	if err := w.out.open(ctx); err != nil {
		w.fail("Cannot open the dump: this mapping is not dumped", err)
	}
	for {
		batch, closed := w.take()
		for i := range batch {
			w.taken++
			if ctx.Err() == nil && !w.isBroken() {
				if err := w.out.record(batch[i]); err != nil {
					w.fail(cannotWrite, err)
				}
			}
			batch[i].free()
			w.release(batch[i].cost)
		}
		if len(batch) > 0 && ctx.Err() == nil && !w.isBroken() {
			// What lies here is lost when the program is killed, so nothing lies here
			// while nothing comes; a busy dump fills the buffer many times a second.
			if err := w.idleFlush(); err != nil {
				w.fail(cannotWrite, err)
			}
		}
		switch {
		case len(batch) > 0:
		case closed || ctx.Err() != nil:
			return w.end(ctx)
		default:
			select {
			case <-w.awake:
			case <-ctx.Done():
			}
		}
	}
}

// take exchanges the queue for an empty one.
func (w *Writer) take() (batch []entry, closed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	batch, w.queue = w.queue, w.spare[:0]
	w.spare = batch
	return batch, w.closed
}

// release gives room back, and tells whoever found none once half of it is free.
func (w *Writer) release(cost int64) {
	w.mu.Lock()
	w.bytes -= cost
	tell := w.starved && (w.bytes <= w.opt.QueueBytes/2 || w.broken)
	if tell {
		w.starved = false
	}
	w.mu.Unlock()
	if tell && w.opt.Wake != nil {
		w.opt.Wake()
	}
}

func (w *Writer) idleFlush() error {
	w.mu.Lock()
	idle := len(w.queue) == 0
	w.mu.Unlock()
	if !idle {
		return nil
	}
	return w.out.flush()
}

func (w *Writer) isBroken() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.broken
}

// fail says once that this dump is over.
func (w *Writer) fail(what string, err error) {
	w.mu.Lock()
	was := w.broken
	w.broken = true
	w.mu.Unlock()
	if was {
		return
	}
	w.opt.Count.Failures.Add(1)
	w.opt.Log.WithError(err).WithField("records", w.out.n).Error(what)
}

// end closes the file and settles the counts.
func (w *Writer) end(ctx context.Context) error {
	w.mu.Lock()
	w.closed = true
	left := w.queue
	w.queue = nil
	w.mu.Unlock()
	for _, e := range left {
		w.taken++
		e.free()
		w.release(e.cost)
	}
	if err := w.out.close(); err != nil {
		w.fail("The end of the dump may not be on disk", err)
	}
	w.opt.Count.Dropped.Add(w.taken - w.out.n)
	return ctx.Err()
}

// End has Run write what was put, and return; it does not wait for that.
func (w *Writer) End() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.wake()
}

// Close has Run write what was put, and waits until that is on disk or ctx
// ends. In the latter case Run goes on; the error says so. Failures of the file
// have been logged and are no errors here.
func (w *Writer) Close(ctx context.Context) error {
	w.End()
	select {
	case <-w.ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the dump %s is not on disk yet: %d bytes wait for its storage: %w", w.opt.Path, w.Waiting(), ctx.Err())
	}
}
