package zmq

// #cgo pkg-config: libzmq
// #cgo CFLAGS: -O2 -Wall
// #include "message.h"
// #cgo noescape zm_append
// #cgo nocallback zm_append
// #cgo noescape zm_part
// #cgo nocallback zm_part
// #cgo nocallback zm_clear
// #cgo nocallback zm_take
// #cgo nocallback zm_share
import "C"

import (
	"fmt"
	"unsafe"
)

// Message is one multipart message. Its parts lie in C memory: the slices that
// First and Part give are views, valid until the message is sent, moved, shared,
// changed, freed or put back. Messages of a Pool go back there; others are freed.
type Message struct{ c *C.zm_message }

// NewMessage gives an empty message outside of any pool. Free it.
func NewMessage() *Message {
	c := C.zm_new()
	if c == nil {
		panic("zmq: out of memory") // as the Go runtime says it for its own memory
	}
	return &Message{c}
}

// Free gives the memory back. The message is not used after it.
func (m *Message) Free() {
	if m.c != nil {
		C.zm_free(m.c)
		m.c = nil
	}
}

// Clear drops all parts.
func (m *Message) Clear() {
	if m.c.n > 0 {
		C.zm_clear(m.c)
	}
}

// Parts counts the parts.
func (m *Message) Parts() int { return int(m.c.n) }

// Size is the number of bytes in all parts.
func (m *Message) Size() int { return int(m.c.size) }

// First is a view of the first part; empty when there is none.
func (m *Message) First() []byte {
	if m.c.first_size == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(m.c.first), int(m.c.first_size))
}

// Part is a view of part i, counted from 0.
func (m *Message) Part(i int) []byte {
	if i < 0 || i >= int(m.c.n) {
		panic(fmt.Sprintf("zmq: part %d of a message of %d", i, int(m.c.n)))
	}
	var n C.size_t
	p := C.zm_part(m.c, C.int(i), &n)
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(p), int(n))
}

// Append adds a part with a copy of b.
func (m *Message) Append(b []byte) {
	must(C.zm_append(m.c, chars(b), C.size_t(len(b))))
}

// MoveFrom adds all parts of o, which is empty then.
func (m *Message) MoveFrom(o *Message) { must(C.zm_take(m.c, o.c)) }

// CopyFrom adds all parts of o, which keeps them: the bytes are shared, not copied,
// but for parts of a few bytes.
func (m *Message) CopyFrom(o *Message) { must(C.zm_share(m.c, o.c)) }

// chars gives C a view of b. The type spares the call a search for Go pointers in what
// b may be a part of.
func chars(b []byte) *C.char { return (*C.char)(unsafe.Pointer(unsafe.SliceData(b))) }

// must panics when there is no memory left: nothing else can go wrong in memory.
func must(rc C.int) {
	if rc != 0 {
		panic(fmt.Sprintf("zmq: message: %v", errnoOf(int(rc))))
	}
}

// Pool keeps empty messages for reuse, so that the data path allocates nothing. It
// belongs to one goroutine.
type Pool struct{ free []*Message }

// poolKeeps bounds what a pool keeps; a burst beyond it is freed.
const poolKeeps = 4096

// Get gives an empty message.
func (p *Pool) Get() *Message {
	if n := len(p.free); n > 0 {
		m := p.free[n-1]
		p.free = p.free[:n-1]
		return m
	}
	return NewMessage()
}

// Put takes a message back and drops what is left in it.
func (p *Pool) Put(m *Message) {
	m.Clear()
	if len(p.free) >= poolKeeps {
		m.Free()
		return
	}
	p.free = append(p.free, m)
}

// Close frees the messages that are in the pool.
func (p *Pool) Close() {
	for _, m := range p.free {
		m.Free()
	}
	p.free = nil
}
