package zmq

// #include "message.h"
// #cgo noescape zm_outlet_taken
// #cgo nocallback zm_outlet_taken
// #cgo noescape zm_outlet_want
// #cgo nocallback zm_outlet_want
import "C"

import (
	"fmt"
	"syscall"
)

// Outlet counts what libzmq has taken of the messages that SendTo gave it for one
// peer. The difference is what waits in the peer's pipe, whose own limit is one of
// messages and can not be changed safely while it is in use (see SocketOptions).
type Outlet struct{ c *C.struct_zm_outlet }

// NewOutlet makes an outlet that can wake p. It lives as long as the context.
func (c *Context) NewOutlet(p *Poller) (*Outlet, error) {
	o := C.zm_outlet_new(C.int(p.waker))
	if o == nil {
		return nil, fmt.Errorf("zmq: new outlet: %w", syscall.ENOMEM)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.outlets = append(c.outlets, o)
	return &Outlet{o}, nil
}

// Taken is the number of messages that are out of the pipe, but for the frames of the
// last, which may be just on their way.
func (o *Outlet) Taken() uint64 { return uint64(C.zm_outlet_taken(o.c)) }

// Want has the next message that is taken wake the poller, once. Look at Taken after
// it: what came before it wakes nobody.
func (o *Outlet) Want() { C.zm_outlet_want(o.c) }
