package nexus

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"
)

// maxNesting bounds types within types; corrupt files could else go deep.
const maxNesting = 32

// layout is how elements lie in memory after libhdf5 has converted them:
// every integer, enumeration and float in 8 native bytes, fixed text in its
// length, text and sequences of variable length as pointers, members of a
// compound packed. It mirrors nx_memory_type.
type layout struct {
	typ      Type
	shape    []int // of an array type
	elements int   // product of shape
	size     int   // of one of these elements, in bytes
	cost     int   // about what one of them takes as Go value, in bytes
	pointers bool  // some bytes are pointers
	members  []memberLayout
	base     *layout // of a sequence
}

type memberLayout struct {
	name   string
	offset int
	layout *layout
}

// pointerSize is the size of a char pointer, sequenceSize that of hvl_t.
const (
	pointerSize  = int(unsafe.Sizeof(uintptr(0)))
	sequenceSize = 2 * pointerSize
)

// newLayout describes the type t, which stays open.
func newLayout(t datatype, depth int) (*layout, error) {
	if depth > maxNesting {
		return nil, fmt.Errorf("%w: types nested deeper than %d", ErrUnsupported, maxNesting)
	}
	l := &layout{elements: 1, size: 8, cost: 8, typ: Type{Size: t.size, BigEndian: t.bigEndian, UTF8: t.utf8}}
	switch t.class {
	case classInteger, classEnum:
		switch {
		case t.size > 8:
			return nil, fmt.Errorf("%w: integer of %d bytes", ErrUnsupported, t.size)
		case t.boolean:
			l.typ.Kind = Bool
		case t.class == classEnum:
			l.typ.Kind = Enum
		case t.signed:
			l.typ.Kind = Int
		default:
			l.typ.Kind = Uint
		}
	case classFloat:
		l.typ.Kind = Float
	case classString:
		l.typ.Kind, l.size, l.cost = FixedString, t.size, t.size+16
		if t.variable {
			l.typ.Kind, l.typ.Size, l.size, l.cost, l.pointers = VarString, 0, pointerSize, pointerSize+16, true
		}
	case classOpaque:
		l.typ.Kind, l.size, l.cost = Opaque, t.size, t.size+16
	case classReference:
		l.typ.Kind = Reference
		if t.region {
			l.typ.Kind = RegionReference
		}
	case classSequence:
		return l, l.sequence(t, depth)
	case classArray:
		return arrayLayout(t, depth)
	case classCompound:
		return l, l.compound(t, depth)
	case classBitfield:
		return nil, fmt.Errorf("%w: bit field", ErrUnsupported)
	case classTime:
		return nil, fmt.Errorf("%w: HDF5 time", ErrUnsupported)
	default:
		return nil, fmt.Errorf("%w: class %d", ErrUnsupported, t.class)
	}
	return l, nil
}

func (l *layout) sequence(t datatype, depth int) error {
	base, err := t.base()
	if err != nil {
		return err
	}
	defer base.close()
	l.typ.Kind, l.typ.Size, l.size, l.cost, l.pointers = Sequence, 0, sequenceSize, int(unsafe.Sizeof(Value{})), true
	l.base, err = newLayout(base, depth+1)
	return err
}

func arrayLayout(t datatype, depth int) (*layout, error) {
	base, err := t.base()
	if err != nil {
		return nil, err
	}
	defer base.close()
	l, err := newLayout(base, depth+1)
	if err != nil {
		return nil, err
	}
	n, ok := count(t.dims)
	if !ok || n > math.MaxInt32 || l.elements > math.MaxInt32 {
		return nil, errTooLarge
	}
	l.shape = append(t.dims, l.shape...)
	l.elements *= n
	return l, nil
}

func (l *layout) compound(t datatype, depth int) error {
	l.typ.Kind, l.size, l.cost = Compound, 0, int(unsafe.Sizeof(Record{}))
	for i := range t.members {
		name, mt, err := t.member(i)
		if err != nil {
			return err
		}
		m, err := newLayout(mt, depth+1)
		mt.close()
		if err != nil {
			return fmt.Errorf("member %q: %w", name, err)
		}
		if k := m.typ.Kind; k == Reference || k == RegionReference {
			return fmt.Errorf("member %q: %w: reference", name, ErrUnsupported)
		}
		l.members = append(l.members, memberLayout{name, l.size, m})
		if m.size > math.MaxInt32 || l.size > math.MaxInt32 {
			return errTooLarge
		}
		l.size += m.size * m.elements
		l.cost += m.cost*m.elements + int(unsafe.Sizeof(Member{})) + 24 // and a slice header
		l.pointers = l.pointers || m.pointers
	}
	// As h5py writes complex numbers and takes them back.
	if m := l.members; len(m) == 2 && m[0].name == "r" && m[1].name == "i" && m[0].layout.shape == nil &&
		m[0].layout.typ.Kind == Float && m[0].layout.typ == m[1].layout.typ && m[1].layout.shape == nil {
		l.typ.Kind, l.typ.BigEndian, l.cost, l.members = Complex, m[0].layout.typ.BigEndian, 16, nil
	}
	return nil
}

// unsupported is an error for a kind that callers should not take for metadata,
// also within a compound.
func (l *layout) unsupported() error {
	switch l.typ.Kind {
	case Opaque:
		return fmt.Errorf("%w: opaque data", ErrUnsupported)
	case Reference:
		return fmt.Errorf("%w: object reference", ErrUnsupported)
	case RegionReference:
		return fmt.Errorf("%w: region reference", ErrUnsupported)
	case Sequence:
		return fmt.Errorf("%w: variable-length sequence", ErrUnsupported)
	}
	for _, m := range l.members {
		if err := m.layout.unsupported(); err != nil {
			return fmt.Errorf("member %q: %w", m.name, err)
		}
	}
	return nil
}

// count is the number of elements of a shape, unless no int holds it.
func count(shape []int) (int, bool) {
	n := 1
	for _, d := range shape {
		if d < 0 || d > 0 && n > math.MaxInt/d {
			return 0, false
		}
		n *= d
	}
	return n, true
}

// decode makes n Go values, in the slice that Value.Data holds, of the bytes
// that libhdf5 has filled.
func (l *layout) decode(n int, b []byte) any {
	switch l.typ.Kind {
	case Int, Enum:
		return decodeEach(n, b, 8, func(b []byte) int64 { return int64(binary.NativeEndian.Uint64(b)) })
	case Uint:
		return decodeEach(n, b, 8, binary.NativeEndian.Uint64)
	case Bool:
		return decodeEach(n, b, 8, func(b []byte) bool { return binary.NativeEndian.Uint64(b) != 0 })
	case Float:
		return decodeEach(n, b, 8, decodeFloat)
	case Complex:
		return decodeEach(n, b, 16, func(b []byte) complex128 { return complex(decodeFloat(b), decodeFloat(b[8:])) })
	case FixedString:
		return decodeEach(n, b, l.size, func(b []byte) string { return string(bytes.TrimRight(b, "\x00")) })
	case Opaque:
		return decodeEach(n, b, l.size, func(b []byte) string { return string(b) })
	case VarString:
		return decodeEach(n, b, l.size, decodeText)
	case Sequence:
		return decodeEach(n, b, l.size, l.decodeSequence)
	case Compound:
		return decodeEach(n, b, l.size, l.decodeRecord)
	}
	return nil
}

func decodeEach[T any](n int, b []byte, size int, one func([]byte) T) []T {
	out := make([]T, n)
	for i := range out {
		out[i] = one(b[i*size : (i+1)*size])
	}
	return out
}

func decodeFloat(b []byte) float64 { return math.Float64frombits(binary.NativeEndian.Uint64(b)) }

// pointerAt is the C pointer in b, which is aligned only by chance.
func pointerAt(b []byte) (p unsafe.Pointer) {
	copy((*[pointerSize]byte)(unsafe.Pointer(&p))[:], b)
	return p
}

// decodeText copies C text; an unset element is a null pointer.
func decodeText(b []byte) string {
	p := pointerAt(b)
	if p == nil {
		return ""
	}
	n := 0
	for *(*byte)(unsafe.Add(p, n)) != 0 {
		n++
	}
	return string(unsafe.Slice((*byte)(p), n))
}

func (l *layout) decodeSequence(b []byte) Value {
	n := int(*(*uintptr)(unsafe.Pointer(&b[0])))
	p := pointerAt(b[pointerSize:])
	if p == nil {
		n = 0
	}
	elements := n * l.base.elements
	return Value{
		Type:  l.base.typ,
		Shape: append([]int{n}, l.base.shape...),
		Data:  l.base.decode(elements, unsafe.Slice((*byte)(p), elements*l.base.size)),
	}
}

func (l *layout) decodeRecord(b []byte) Record {
	r := make(Record, len(l.members))
	for i, m := range l.members {
		end := m.offset + m.layout.elements*m.layout.size
		r[i] = Member{Name: m.name, Value: Value{
			Type: m.layout.typ, Shape: m.layout.shape, Data: m.layout.decode(m.layout.elements, b[m.offset:end]),
		}}
	}
	return r
}
