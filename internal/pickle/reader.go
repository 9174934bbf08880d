package pickle

import (
	"encoding/binary"
	"unicode/utf8"
)

// Limits bound what one pickle may cost. The zero value means the defaults.
type Limits struct {
	// Bytes is the longest pickle that is looked at; default 64 MiB.
	Bytes int
	// Objects is how many values may be made; default 1048576. A value takes up to
	// a hundred bytes of memory for one byte of pickle.
	Objects int
}

const (
	defaultBytes   = 64 << 20
	defaultObjects = 1 << 20
)

func (l Limits) withDefaults() Limits {
	if l.Bytes <= 0 {
		l.Bytes = defaultBytes
	}
	if l.Objects <= 0 {
		l.Objects = defaultObjects
	}
	return l
}

// Load reads the first pickle in b; what follows it is not looked at, as in Python.
// The value may hold views of b. Errors are of type *Error.
func Load(b []byte, l Limits) (any, error) {
	l = l.withDefaults()
	if len(b) > l.Bytes {
		return nil, &Error{0, reasonSize}
	}
	r := reader{b: b, left: l.Objects}
	for !r.done && r.reason == "" {
		r.at = r.i
		op := r.byte()
		if r.reason == "" {
			r.step(op)
		}
	}
	if r.reason != "" {
		return nil, &Error{r.at, r.reason}
	}
	return r.result, nil
}

// reader is the machine that a pickle is a program for: a stack of values, with
// marks in it, and a memo of values to come back to.
type reader struct {
	b      []byte
	i      int // the next byte
	at     int // the instruction being worked on
	left   int // objects that may still be made
	stack  []any
	marks  []int // heights of the stack
	memo   map[uint64]any
	result any
	done   bool
	reason string
}

// fail keeps the first reason; it ends the loop of Load.
func (r *reader) fail(reason string) {
	if r.reason == "" {
		r.reason = reason
	}
}

// take is a view of the next n bytes; nil and a failure when they are not there.
func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.b)-r.i) {
		r.fail(reasonEarlyEnd)
		return nil
	}
	v := r.b[r.i : r.i+int(n) : r.i+int(n)]
	r.i += int(n)
	return v
}

func (r *reader) byte() byte {
	if r.i >= len(r.b) {
		r.fail(reasonEarlyEnd)
		return 0
	}
	r.i++
	return r.b[r.i-1]
}

// uint reads an unsigned number of n bytes, little end first.
func (r *reader) uint(n uint64) uint64 {
	var wide [8]byte
	copy(wide[:], r.take(n))
	return binary.LittleEndian.Uint64(wide[:])
}

// line is a view of the bytes up to a newline, which is passed too.
func (r *reader) line() []byte {
	for i := r.i; i < len(r.b); i++ {
		if r.b[i] == '\n' {
			v := r.b[r.i:i:i]
			r.i = i + 1
			return v
		}
	}
	r.fail(reasonEarlyEnd)
	return nil
}

func (r *reader) push(v any) {
	if r.left--; r.left < 0 {
		r.fail(reasonObjects)
		return
	}
	r.stack = append(r.stack, v)
}

// floor is the height below which the innermost mark protects the stack.
func (r *reader) floor() int {
	if n := len(r.marks); n > 0 {
		return r.marks[n-1]
	}
	return 0
}

func (r *reader) pop() any {
	n := len(r.stack)
	if n <= r.floor() {
		r.fail(reasonStack)
		return nil
	}
	v := r.stack[n-1]
	r.stack = r.stack[:n-1]
	return v
}

func (r *reader) top() any {
	n := len(r.stack)
	if n <= r.floor() {
		r.fail(reasonStack)
		return nil
	}
	return r.stack[n-1]
}

// items are the values above the innermost mark, taken off with it. The slice is
// the stack's own: copy it before the next push.
func (r *reader) items() []any {
	n := len(r.marks)
	if n == 0 {
		r.fail(reasonMark)
		return nil
	}
	from := r.marks[n-1]
	r.marks = r.marks[:n-1]
	v := r.stack[from:]
	r.stack = r.stack[:from]
	return v
}

func (r *reader) put(key uint64) {
	v := r.top()
	if r.reason != "" {
		return
	}
	if r.memo == nil {
		r.memo = map[uint64]any{}
	}
	if r.left--; r.left < 0 {
		r.fail(reasonObjects)
		return
	}
	r.memo[key] = v
}

func (r *reader) get(key uint64) {
	v, ok := r.memo[key]
	if !ok {
		r.fail(reasonMemo)
		return
	}
	r.push(v)
}

// text pushes UTF-8. Python lets halves of surrogate pairs pass here, which no
// peer can send on as UTF-8; they are refused.
func (r *reader) text(b []byte) {
	if !utf8.Valid(b) {
		r.fail(reasonText)
		return
	}
	r.push(string(b))
}

// ascii pushes a text of Python 2, which Python 3 takes to be ASCII.
func (r *reader) ascii(b []byte) {
	for _, c := range b {
		if c >= 0x80 {
			r.fail(reasonText)
			return
		}
	}
	r.push(string(b))
}
