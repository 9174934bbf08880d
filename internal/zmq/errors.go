package zmq

// #include <zmq.h>
import "C"

import (
	"errors"
	"syscall"
)

// The two answers that the sender of a message has to live with.
var (
	// ErrAgain says that the message can not go now: the peer's pipe is full, or
	// (receiving) that nothing came in time.
	ErrAgain = errors.New("zmq: try again later")
	// ErrHostUnreachable says that a ROUTER knows no peer of that identity.
	ErrHostUnreachable = errors.New("zmq: no such peer")
)

// Errno is an error number of libzmq that is none of the system's.
type Errno int

func (e Errno) Error() string { return C.GoString(C.zmq_strerror(C.int(e))) }

// firstOwn is where libzmq's own numbers begin (ZMQ_HAUSNUMERO).
const firstOwn = 156384712

func errnoOf(n int) error {
	switch {
	case n == 0:
		return nil
	case syscall.Errno(n) == syscall.EAGAIN:
		return ErrAgain
	case syscall.Errno(n) == syscall.EHOSTUNREACH:
		return ErrHostUnreachable
	case n >= firstOwn:
		return Errno(n)
	}
	return syscall.Errno(n)
}

func lastError() error { return errnoOf(int(C.zmq_errno())) }
