package forwardertest

import (
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
)

// WorkerOptions say how a worker behaves; the zero value is a good one.
type WorkerOptions struct {
	// Name is the identity that assignments address.
	Name string
	// Address is host:port of the forwarder.
	Address string
	// UUID is its service uuid; a new one by default.
	UUID uuid.UUID
	// Pings are sent instead of the one with UUID (hostile workers).
	Pings [][][]byte
	// Every is the time between pings, as the peers 2 s.
	Every time.Duration
	// Delay is spent over each message.
	Delay time.Duration
	// ReceiveBuffer bounds what the kernel takes in for a worker that does not
	// read; 0 leaves it to the kernel.
	ReceiveBuffer int
	// Forget keeps event numbers only, for long runs.
	Forget bool
	// Deaf starts the worker paused.
	Deaf bool
}

// Worker is a DEALER as the peers' workers have it: it connects, pings and
// receives until the test ends, and connects again when it was cut off.
type Worker struct {
	o    WorkerOptions
	stop chan struct{}
	done sync.WaitGroup

	mu     sync.Mutex
	free   *sync.Cond // Pause and Close
	paused bool
	closed bool
	conn   *conn
	got    []Message
	events []uint64
}

// Message is what a worker received: the header and its frames.
type Message struct {
	Parts [][]byte
	At    time.Time
}

// NewWorker starts a worker; it ends with the test.
func NewWorker(t testing.TB, o WorkerOptions) *Worker {
	t.Helper()
	if o.UUID == uuid.Nil {
		o.UUID = uuid.New()
	}
	if o.Every == 0 {
		o.Every = 2 * time.Second
	}
	if o.Pings == nil {
		o.Pings = [][][]byte{{o.UUID[:]}}
	}
	w := &Worker{o: o, stop: make(chan struct{}), paused: o.Deaf}
	w.free = sync.NewCond(&w.mu)
	w.done.Add(1)
	go w.run()
	t.Cleanup(w.Close)
	return w
}

// Name is its identity.
func (w *Worker) Name() string { return w.o.Name }

// UUID is the service uuid that its pings carry.
func (w *Worker) UUID() uuid.UUID { return w.o.UUID }

func (w *Worker) run() {
	defer w.done.Done()
	for {
		if z, err := w.connect(); err == nil {
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				w.ping(z)
			}()
			w.read(z)
			_ = z.Close()
			<-ended
		}
		select {
		case <-w.stop:
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (w *Worker) connect() (*conn, error) {
	d := net.Dialer{Timeout: time.Second}
	c, err := d.Dial("tcp", w.o.Address)
	if err != nil {
		return nil, err
	}
	if w.o.ReceiveBuffer > 0 {
		if err := c.(*net.TCPConn).SetReadBuffer(w.o.ReceiveBuffer); err != nil {
			return nil, err
		}
	}
	z, err := shake(c, "DEALER", []byte(w.o.Name))
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		_ = c.Close()
		return nil, net.ErrClosed
	}
	w.conn = z
	return z, nil
}

// ping sends pings until the connection or the worker ends.
func (w *Worker) ping(z *conn) {
	for {
		for _, p := range w.o.Pings {
			if z.send(p...) != nil {
				return
			}
		}
		select {
		case <-w.stop:
			return
		case <-time.After(w.o.Every):
		}
	}
}

func (w *Worker) read(z *conn) {
	for {
		w.mu.Lock()
		for w.paused && !w.closed {
			w.free.Wait()
		}
		closed := w.closed
		w.mu.Unlock()
		if closed {
			return
		}
		parts, err := z.receive()
		if err != nil {
			return
		}
		w.take(parts)
		if w.o.Delay > 0 {
			<-time.After(w.o.Delay)
		}
	}
}

func (w *Worker) take(parts [][]byte) {
	event := EventNumber(parts[0])
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, event)
	if !w.o.Forget {
		w.got = append(w.got, Message{Parts: parts, At: time.Now()})
	}
}

// Resume lets a deaf worker read.
func (w *Worker) Resume() {
	w.mu.Lock()
	w.paused = false
	w.mu.Unlock()
	w.free.Broadcast()
}

// Close ends the worker as a process that is killed: its connection is gone.
func (w *Worker) Close() {
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		close(w.stop)
		if w.conn != nil {
			_ = w.conn.Close()
		}
	}
	w.mu.Unlock()
	w.free.Broadcast()
	w.done.Wait()
}

// Received is what came so far, in order.
func (w *Worker) Received() []Message {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]Message(nil), w.got...)
}

// Events are the event numbers that came so far, in order.
func (w *Worker) Events() []uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]uint64(nil), w.events...)
}

// Count is the number of messages so far.
func (w *Worker) Count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.events)
}

// Forget drops what came so far: the next scan begins.
func (w *Worker) Forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.got, w.events = nil, nil
}

// EventNumber reads the number out of a header that begins with it, as all of
// the peers' do; anything else is reported as the largest number there is.
func EventNumber(header []byte) uint64 {
	var n uint64
	if _, err := fmt.Sscanf(string(header[:min(len(header), 40)]), `{"event_number":%d,`, &n); err != nil {
		return ^uint64(0)
	}
	return n
}
