package zmq

// #include <stdlib.h>
// #include "message.h"
// #cgo noescape zm_receive
// #cgo nocallback zm_receive
// #cgo nocallback zm_send
// #cgo noescape zm_send_to
// #cgo nocallback zm_send_to
// #cgo noescape zm_send_bytes
// #cgo nocallback zm_send_bytes
// #cgo noescape zm_events
// #cgo nocallback zm_events
import "C"

import (
	"errors"
	"fmt"
	"syscall"
	"unsafe"
)

// Kind is a socket's pattern.
type Kind int

// The kinds in use: upstreams are Pull and Sub, workers are dealt with by a Router;
// the others stand on the far side, in tests and in replay.
const (
	Pull Kind = iota
	Push
	Sub
	Pub
	Router
	Dealer
)

func (k Kind) number() C.int {
	return [...]C.int{C.ZMQ_PULL, C.ZMQ_PUSH, C.ZMQ_SUB, C.ZMQ_PUB, C.ZMQ_ROUTER, C.ZMQ_DEALER}[k]
}

// Socket is a ZeroMQ socket. It belongs to one goroutine at a time.
type Socket struct {
	p       unsafe.Pointer
	fd      int
	context *Context
	slabs   *C.struct_zm_slabs // for the headers that SendTo sends; nil before the first
}

// Socket opens a socket of a kind.
func (c *Context) Socket(k Kind, o SocketOptions) (*Socket, error) {
	p := C.zmq_socket(c.p, k.number())
	if p == nil {
		return nil, fmt.Errorf("zmq: new socket: %w", lastError())
	}
	s := &Socket{p: p, context: c}
	err := s.apply(k, o)
	if err == nil {
		s.fd, err = s.getInt(C.ZMQ_FD)
	}
	if err != nil {
		_ = s.Close() // the first error is the one to tell
		return nil, err
	}
	return s, nil
}

// Bind listens at an endpoint such as tcp://127.0.0.1:9999, or tcp://*:9999 for all
// interfaces; port * picks a free one.
func (s *Socket) Bind(endpoint string) error {
	e := C.CString(endpoint)
	defer C.free(unsafe.Pointer(e))
	if C.zmq_bind(s.p, e) != 0 {
		return fmt.Errorf("zmq: bind %s: %w", endpoint, lastError())
	}
	return nil
}

// Connect connects to an endpoint, now or as soon as it is there.
func (s *Socket) Connect(endpoint string) error {
	e := C.CString(endpoint)
	defer C.free(unsafe.Pointer(e))
	if C.zmq_connect(s.p, e) != 0 {
		return fmt.Errorf("zmq: connect %s: %w", endpoint, lastError())
	}
	return nil
}

// Endpoint is the last one bound or connected, with the port that was picked.
func (s *Socket) Endpoint() string {
	b := make([]byte, 512)
	n := C.size_t(len(b))
	if C.zmq_getsockopt(s.p, C.ZMQ_LAST_ENDPOINT, unsafe.Pointer(&b[0]), &n) != 0 || n == 0 {
		return ""
	}
	return string(b[:n-1])
}

// Close closes the socket; what waits to be sent lingers as its options say.
func (s *Socket) Close() error {
	if s.p == nil {
		return nil
	}
	if C.zmq_close(s.p) != 0 {
		return fmt.Errorf("zmq: close: %w", lastError())
	}
	s.p = nil
	if s.slabs != nil {
		s.context.mu.Lock()
		defer s.context.mu.Unlock()
		s.context.slabs = append(s.context.slabs, s.slabs)
		s.slabs = nil
	}
	return nil
}

// FD becomes readable when something may have changed. It says so once: ask Events
// before waiting on it, or use a Poller.
func (s *Socket) FD() int { return s.fd }

// Events takes in what has happened and says whether a message can be received, and
// whether one can be sent (a ROUTER: to anybody).
func (s *Socket) Events() (in, out bool, err error) {
	var e C.int
	if rc := C.zm_events(s.p, &e); rc != 0 {
		return false, false, fmt.Errorf("zmq: events: %w", errnoOf(int(rc)))
	}
	return e&C.ZMQ_POLLIN != 0, e&C.ZMQ_POLLOUT != 0, nil
}

// receiveAtOnce bounds the bytes of one Receive, and batch the messages.
const (
	receiveAtOnce = 1 << 20
	batch         = 64
)

// Receive takes up to len(into) messages (64 at the most) that are there, without
// waiting, and stops early when 1 MiB has come. The messages come from the pool;
// their number is returned, 0 when nothing is there.
func (s *Socket) Receive(p *Pool, into []*Message) (int, error) {
	var c [batch]C.uintptr_t // C memory: nothing for the garbage collector to follow
	want := min(len(into), batch)
	for i := range into[:want] {
		into[i] = p.Get()
		c[i] = C.uintptr_t(uintptr(unsafe.Pointer(into[i].c)))
	}
	var rc C.int
	n := int(C.zm_receive(s.p, &c[0], C.int(want), receiveAtOnce, &rc))
	for i := n; i < want; i++ {
		p.Put(into[i])
		into[i] = nil
	}
	if rc != 0 {
		return n, fmt.Errorf("zmq: receive: %w", errnoOf(int(rc)))
	}
	return n, nil
}

// Send sends all parts without waiting; the message is empty then. ErrAgain leaves
// it whole.
func (s *Socket) Send(m *Message) error {
	return wrap("send", C.zm_send(s.p, m.c))
}

// SendTo sends identity, header and all parts of m through a ROUTER, without
// waiting. With keep the parts are shared and stay in m, else they are moved and m
// is empty then. ErrAgain (the peer's pipe is full) and ErrHostUnreachable leave m
// whole. The outlet, which may be nil, counts the message when libzmq has taken it.
func (s *Socket) SendTo(o *Outlet, identity, header []byte, m *Message, keep bool) error {
	k := C.int(0)
	if keep {
		k = 1
	}
	if s.slabs == nil {
		if s.slabs = C.zm_slabs_new(); s.slabs == nil {
			return fmt.Errorf("zmq: send: %w", syscall.ENOMEM)
		}
	}
	var outlet *C.struct_zm_outlet
	if o != nil {
		outlet = o.c
	}
	return wrap("send", C.zm_send_to(s.p, s.slabs, outlet, chars(identity), C.size_t(len(identity)),
		chars(header), C.size_t(len(header)), m.c, k))
}

// wrap leaves the frequent answers as they are.
func wrap(op string, rc C.int) error {
	if rc == 0 {
		return nil
	}
	err := errnoOf(int(rc))
	if errors.Is(err, ErrAgain) || errors.Is(err, ErrHostUnreachable) {
		return err
	}
	return fmt.Errorf("zmq: %s: %w", op, err)
}

// SendBytes sends a message made of copies of parts. It waits as long as the
// socket's SendTimeout says; then ErrAgain.
func (s *Socket) SendBytes(parts ...[]byte) error {
	for i, b := range parts {
		flags := C.int(0)
		if i < len(parts)-1 {
			flags = C.ZMQ_SNDMORE
		}
		if rc := C.zm_send_bytes(s.p, chars(b), C.size_t(len(b)), flags); rc != 0 {
			return wrap("send", rc)
		}
	}
	return nil
}

// ReceiveBytes gives copies of the parts of the next message. It waits as long as
// the socket's ReceiveTimeout says; then ErrAgain.
func (s *Socket) ReceiveBytes() ([][]byte, error) {
	m := NewMessage()
	defer m.Free()
	for more := C.int(1); more != 0; {
		if rc := C.zm_receive_part(s.p, m.c, &more); rc != 0 {
			return nil, wrap("receive", rc)
		}
	}
	parts := make([][]byte, m.Parts())
	for i := range parts {
		parts[i] = append([]byte{}, m.Part(i)...)
	}
	return parts, nil
}
