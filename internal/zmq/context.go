package zmq

// #include "message.h"
import "C"

import (
	"errors"
	"fmt"
	"sync"
	"syscall"
	"unsafe"
)

// Context owns the I/O threads that move bytes between the sockets and the network.
type Context struct {
	p unsafe.Pointer

	mu      sync.Mutex
	slabs   []*C.struct_zm_slabs // of closed sockets: what they sent may still be on its way
	outlets []*C.struct_zm_outlet
}

// ContextOptions say how a Context works. The zero value is one I/O thread that
// runs where the system lets it.
type ContextOptions struct {
	// IOThreads is their number; 0 means 1. One is enough to about 1 GB/s; a
	// connection is served by one of them.
	IOThreads int
	// CPUs are the processors that the I/O threads may run on; none means all.
	CPUs []int
}

// NewContext starts the I/O threads with the first socket.
func NewContext(o ContextOptions) (*Context, error) {
	p := C.zmq_ctx_new()
	if p == nil {
		return nil, fmt.Errorf("zmq: new context: %w", lastError())
	}
	c := &Context{p: p}
	if err := c.set(C.ZMQ_IO_THREADS, max(1, o.IOThreads)); err != nil {
		return nil, errors.Join(fmt.Errorf("zmq: %d I/O threads: %w", o.IOThreads, err), c.Close())
	}
	for _, cpu := range o.CPUs {
		if err := c.set(C.ZMQ_THREAD_AFFINITY_CPU_ADD, cpu); err != nil {
			return nil, errors.Join(fmt.Errorf("zmq: I/O threads on CPU %d: %w", cpu, err), c.Close())
		}
	}
	return c, nil
}

func (c *Context) set(option C.int, value int) error {
	if C.zmq_ctx_set(c.p, option, C.int(value)) != 0 {
		return lastError()
	}
	return nil
}

// Close ends the I/O threads. All sockets are closed before; what they still linger
// to send is waited for.
func (c *Context) Close() error {
	if c.p == nil {
		return nil
	}
	for C.zmq_ctx_term(c.p) != 0 {
		if err := lastError(); !errors.Is(err, syscall.EINTR) {
			return fmt.Errorf("zmq: end context: %w", err)
		}
	}
	c.p = nil
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.slabs {
		C.zm_slabs_free(s)
	}
	for _, o := range c.outlets {
		C.zm_outlet_free(o)
	}
	c.slabs, c.outlets = nil, nil
	return nil
}
