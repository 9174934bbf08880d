package pickle

import (
	"encoding/binary"
	"math"
	"math/big"
	"slices"
)

// step does one instruction. The numbers and letters are those of Python's
// pickletools.
func (r *reader) step(op byte) {
	switch op {
	case 0x80: // PROTO
		if r.byte() > 5 {
			r.fail(reasonProtocol)
		}
	case 0x95: // FRAME: a hint for reading ahead; it has to be there whole
		if n := r.uint(8); n > uint64(len(r.b)-r.i) {
			r.fail(reasonEarlyEnd)
		}
	case '.': // STOP
		r.result, r.done = r.pop(), true

	case 'N': // NONE
		r.push(nil)
	case 0x88, 0x89: // NEWTRUE, NEWFALSE
		r.push(op == 0x88)
	case 'J': // BININT
		r.push(int64(int32(r.uint(4))))
	case 'K': // BININT1
		r.push(int64(r.uint(1)))
	case 'M': // BININT2
		r.push(int64(r.uint(2)))
	case 0x8a: // LONG1
		r.long(r.take(r.uint(1)))
	case 0x8b: // LONG4
		r.long(r.take(r.length(4, math.MaxInt32)))
	case 'G': // BINFLOAT
		if b := r.take(8); b != nil {
			r.push(math.Float64frombits(binary.BigEndian.Uint64(b)))
		}
	case 'I', 'L', 'F', 'S', 'V':
		r.written(op, r.line())

	case 'X': // BINUNICODE
		r.text(r.take(r.uint(4)))
	case 0x8c: // SHORT_BINUNICODE
		r.text(r.take(r.uint(1)))
	case 0x8d: // BINUNICODE8
		r.text(r.take(r.uint(8)))
	case 'T': // BINSTRING
		r.ascii(r.take(r.length(4, math.MaxInt32)))
	case 'U': // SHORT_BINSTRING
		r.ascii(r.take(r.uint(1)))
	case 'B': // BINBYTES
		r.push(Bytes(r.take(r.uint(4))))
	case 'C': // SHORT_BINBYTES
		r.push(Bytes(r.take(r.uint(1))))
	case 0x8e, 0x96: // BINBYTES8, BYTEARRAY8
		r.push(Bytes(r.take(r.uint(8))))

	case '(': // MARK
		if r.left--; r.left < 0 {
			r.fail(reasonObjects)
		}
		r.marks = append(r.marks, len(r.stack))
	case '0': // POP: of a mark too, when nothing stands above it
		if n := len(r.marks); n > 0 && r.marks[n-1] == len(r.stack) {
			r.marks = r.marks[:n-1]
		} else {
			r.pop()
		}
	case '1': // POP_MARK
		r.items()
	case '2': // DUP
		r.push(r.top())
	case 'p', 'g': // PUT, GET
		key, ok := decimal(r.line())
		if !ok {
			r.fail(reasonNumber)
		} else if op == 'p' {
			r.put(key)
		} else {
			r.get(key)
		}
	case 'q': // BINPUT
		r.put(r.uint(1))
	case 'r': // LONG_BINPUT
		r.put(r.uint(4))
	case 0x94: // MEMOIZE
		r.put(uint64(len(r.memo)))
	case 'h': // BINGET
		r.get(r.uint(1))
	case 'j': // LONG_BINGET
		r.get(r.uint(4))

	case 'P', 'Q', 0x82, 0x83, 0x84, 0x97, 0x98: // PERSID, BINPERSID, EXT1-4, buffers
		r.fail(reasonElsewhere)
	default:
		r.container(op)
	}
}

// container does the instructions that put values together, and the calls.
func (r *reader) container(op byte) {
	switch op {
	case ']': // EMPTY_LIST
		r.push(&List{})
	case 'l': // LIST
		items := slices.Clone(r.items())
		r.push(&List{items})
	case 'a': // APPEND
		v := r.pop()
		r.extend(v)
	case 'e': // APPENDS
		items := r.items()
		r.extend(items...)
	case ')': // EMPTY_TUPLE
		r.push(tuple(nil))
	case 't': // TUPLE
		items := r.items()
		r.push(tuple(items))
	case 0x85, 0x86, 0x87: // TUPLE1-3
		n := len(r.stack) - int(op-0x84)
		if n < r.floor() {
			r.fail(reasonStack)
			return
		}
		t := tuple(r.stack[n:])
		r.stack = r.stack[:n]
		r.push(t)
	case '}': // EMPTY_DICT
		r.push(&Dict{})
	case 'd': // DICT
		items := r.items()
		d := &Dict{}
		r.pairs(d, items)
		r.push(d)
	case 's': // SETITEM
		v, k := r.pop(), r.pop()
		r.assign([]any{k, v})
	case 'u': // SETITEMS
		r.assign(r.items())
	case 0x8f: // EMPTY_SET
		r.push(&Set{})
	case 0x90: // ADDITEMS
		r.add(r.items())
	case 0x91: // FROZENSET
		items := slices.Clone(r.items())
		r.members(items)
		r.push(&Set{items, true})
	default:
		r.call(op)
	}
}

// length reads a length of n bytes that Python takes as signed.
func (r *reader) length(n, highest uint64) uint64 {
	v := r.uint(n)
	if v > highest {
		r.fail(reasonLength)
		return 0
	}
	return v
}

// long pushes a number in two's complement, little end first.
func (r *reader) long(b []byte) {
	if len(b) <= 8 {
		var v uint64
		for i, c := range b {
			v |= uint64(c) << (8 * i)
		}
		unused := 64 - 8*len(b)
		r.push(int64(v<<unused) >> unused)
		return
	}
	reversed := slices.Clone(b)
	slices.Reverse(reversed)
	n := new(big.Int).SetBytes(reversed)
	if b[len(b)-1] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	r.push(integer(n))
}

func tuple(items []any) *Tuple {
	t := &Tuple{Items: slices.Clone(items)}
	for _, v := range items {
		t.unhashable = t.unhashable || !hashable(v)
	}
	return t
}

func (r *reader) extend(items ...any) {
	switch l := r.top().(type) {
	case *List:
		l.Items = append(l.Items, items...)
	case *Opaque:
	default:
		r.fail(reasonItems)
	}
}

func (r *reader) assign(items []any) {
	switch d := r.top().(type) {
	case *Dict:
		r.pairs(d, items)
	case *Opaque:
	default:
		r.fail(reasonItems)
	}
}

func (r *reader) add(items []any) {
	switch s := r.top().(type) {
	case *Set:
		if s.frozen {
			r.fail(reasonItems)
		}
		r.members(items)
		s.Items = append(s.Items, items...)
	case *Opaque:
	default:
		r.fail(reasonItems)
	}
}

// pairs puts keys and values that follow each other into d.
func (r *reader) pairs(d *Dict, items []any) {
	if len(items)%2 != 0 {
		r.fail(reasonPairs)
		return
	}
	for i := 0; i < len(items); i += 2 {
		if !hashable(items[i]) {
			r.fail(reasonKey)
			return
		}
		d.set(items[i], items[i+1])
	}
}

func (r *reader) members(items []any) {
	for _, v := range items {
		if !hashable(v) {
			r.fail(reasonKey)
		}
	}
}
