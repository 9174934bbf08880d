package zmq

// #include <zmq.h>
import "C"

import (
	"fmt"
	"time"
	"unsafe"
)

// SocketOptions are set before the first connection. The zero value is libzmq's
// way, but for three things: nothing lingers at Close, and nothing waits.
type SocketOptions struct {
	// Identity names a DEALER to the ROUTER.
	Identity []byte
	// ReceiveHWM and SendHWM bound the messages of one connection that wait on
	// each side; 0 means libzmq's 1000.
	ReceiveHWM, SendHWM int
	// ReceiveBuffer and SendBuffer are the kernel's, in bytes; 0 means its default.
	ReceiveBuffer, SendBuffer int
	// Linger is how long unsent messages outlive Close; below zero: for ever.
	Linger time.Duration
	// SendTimeout and ReceiveTimeout are for SendBytes and ReceiveBytes: 0 never
	// waits, below zero waits for ever.
	SendTimeout, ReceiveTimeout time.Duration
	// Mandatory makes a ROUTER say when a peer is unknown or its pipe full.
	Mandatory bool
	// Handover lets a new connection take over an identity from a dead one whose
	// end nobody has noticed yet.
	Handover bool
	// Subscribe are the topics of a SUB; an empty text is all of them.
	Subscribe []string
	// KeepAlive has TCP ask a silent peer after this time, and again after it; 0
	// leaves it to the system.
	KeepAlive time.Duration
}

func (s *Socket) apply(k Kind, o SocketOptions) error {
	ints := []struct {
		name   string
		option C.int
		value  int
		set    bool
	}{
		{"receive limit", C.ZMQ_RCVHWM, o.ReceiveHWM, o.ReceiveHWM != 0},
		{"send limit", C.ZMQ_SNDHWM, o.SendHWM, o.SendHWM != 0},
		{"receive buffer", C.ZMQ_RCVBUF, o.ReceiveBuffer, o.ReceiveBuffer != 0},
		{"send buffer", C.ZMQ_SNDBUF, o.SendBuffer, o.SendBuffer != 0},
		{"linger", C.ZMQ_LINGER, milliseconds(o.Linger), true},
		{"send time-out", C.ZMQ_SNDTIMEO, milliseconds(o.SendTimeout), true},
		{"receive time-out", C.ZMQ_RCVTIMEO, milliseconds(o.ReceiveTimeout), true},
		{"mandatory", C.ZMQ_ROUTER_MANDATORY, 1, k == Router && o.Mandatory},
		{"hand-over", C.ZMQ_ROUTER_HANDOVER, 1, k == Router && o.Handover},
		{"keep-alive", C.ZMQ_TCP_KEEPALIVE, 1, o.KeepAlive > 0},
		{"keep-alive idle", C.ZMQ_TCP_KEEPALIVE_IDLE, int(o.KeepAlive / time.Second), o.KeepAlive > 0},
		{"keep-alive interval", C.ZMQ_TCP_KEEPALIVE_INTVL, int(o.KeepAlive / time.Second), o.KeepAlive > 0},
	}
	for _, i := range ints {
		if i.set {
			if err := s.setInt(i.option, i.value); err != nil {
				return fmt.Errorf("zmq: set %s to %d: %w", i.name, i.value, err)
			}
		}
	}
	if len(o.Identity) > 0 {
		if err := s.setBytes(C.ZMQ_IDENTITY, o.Identity); err != nil {
			return fmt.Errorf("zmq: set identity %q: %w", o.Identity, err)
		}
	}
	for _, topic := range o.Subscribe {
		if err := s.setBytes(C.ZMQ_SUBSCRIBE, []byte(topic)); err != nil {
			return fmt.Errorf("zmq: subscribe to %q: %w", topic, err)
		}
	}
	return nil
}

// SetReceiveHWM changes the limit of the messages that wait to be received, on the
// connection that is there.
//
// That is safe under a condition only (libzmq 4.3.4, pipe.cpp). With a limit of n, the
// reader tells the writer how far it is whenever the number of messages that it has
// read, ever, is a multiple of (n+1)/2; the writer stops when it is n ahead of what it
// was told. So the new limit has to be at least twice the number of messages read since
// that last happened: otherwise the writer may stop, the reader find nothing more to
// read, and neither ever tell the other. It is never raised.
//
// There is no such call for what waits to be sent: nobody knows how far an I/O thread
// has read when it told last. Outlet counts that in bytes instead.
func (s *Socket) SetReceiveHWM(n int) error {
	if err := s.setInt(C.ZMQ_RCVHWM, n); err != nil {
		return fmt.Errorf("zmq: set receive limit to %d: %w", n, err)
	}
	return nil
}

// milliseconds rounds up, so that a short wait is not none.
func milliseconds(d time.Duration) int {
	if d < 0 {
		return -1
	}
	return int((d + time.Millisecond - 1) / time.Millisecond)
}

func (s *Socket) setInt(option C.int, value int) error {
	v := C.int(value)
	if C.zmq_setsockopt(s.p, option, unsafe.Pointer(&v), C.size_t(unsafe.Sizeof(v))) != 0 {
		return lastError()
	}
	return nil
}

func (s *Socket) setBytes(option C.int, value []byte) error {
	if C.zmq_setsockopt(s.p, option, unsafe.Pointer(unsafe.SliceData(value)), C.size_t(len(value))) != 0 {
		return lastError()
	}
	return nil
}

func (s *Socket) getInt(option C.int) (int, error) {
	var v C.int
	n := C.size_t(unsafe.Sizeof(v))
	if C.zmq_getsockopt(s.p, option, unsafe.Pointer(&v), &n) != 0 {
		return 0, fmt.Errorf("zmq: read option %d: %w", int(option), lastError())
	}
	return int(v), nil
}
