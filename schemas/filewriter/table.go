package filewriter

import (
	"encoding/binary"
	"math"
	"unicode/utf8"
)

// Sizes of the parts of a FlatBuffers table, in bytes.
const (
	offsetSize      = 4 // an offset inside the buffer, and the length of a vector
	vtableEntrySize = 2
	vtableHeadSize  = 2 * vtableEntrySize // size of the vtable, size of the table
	tableHeadSize   = offsetSize          // distance to the vtable
	int32Size       = 4
	uint32Size      = 4
	uint64Size      = 8
)

// table is one FlatBuffers table in a foreign buffer. Each reader checks the
// part that it reads; the first fault stays in err, and later reads return
// zero values, so that a caller looks at err once.
//
// Positions are int64: sums of two 32-bit offsets never wrap, also where int
// has 32 bits.
type table struct {
	buf    []byte
	pos    int64 // start of the table
	size   int64 // of the table, head included
	vtable int64 // start of the vtable
	slots  int64 // size of the vtable, head included
	err    error
}

// span is a stretch of the buffer, end excluded.
type span struct{ start, end int64 }

// rootTable finds the root of a buffer whose identifier is already known.
func rootTable(buf []byte) table {
	t := table{buf: buf}
	if int64(len(buf)) > math.MaxInt32 {
		t.fail("message", "is larger than 2 GiB")
		return t
	}
	root := int64(binary.LittleEndian.Uint32(buf))
	if root < identifierEnd {
		t.fail("root", "offset points into the head of the message")
		return t
	}
	return tableAt(buf, root, "root")
}

// tableAt checks the frame of the table at pos: its head, its vtable, and that
// both lie inside the buffer.
func tableAt(buf []byte, pos int64, name string) table {
	t := table{buf: buf, pos: pos}
	n := int64(len(buf))
	if pos < 0 || pos+tableHeadSize > n {
		t.fail(name, "table starts outside the message")
		return t
	}
	// The distance is signed: a shared vtable may stand behind its table.
	distance := int64(int32(binary.LittleEndian.Uint32(buf[pos:])))
	t.vtable = pos - distance
	if distance == 0 || t.vtable < identifierEnd || t.vtable+vtableHeadSize > n {
		t.fail(name, "vtable starts outside the message")
		return t
	}
	t.slots = int64(binary.LittleEndian.Uint16(buf[t.vtable:]))
	t.size = int64(binary.LittleEndian.Uint16(buf[t.vtable+vtableEntrySize:]))
	if t.slots < vtableHeadSize || t.slots%vtableEntrySize != 0 || t.vtable+t.slots > n {
		t.fail(name, "vtable has an impossible size")
		return t
	}
	if t.size < tableHeadSize || t.pos+t.size > n {
		t.fail(name, "table has an impossible size")
	}
	return t
}

func (t *table) fail(name, why string) {
	if t.err == nil {
		t.err = malformed("%s: %s", name, why)
	}
}

// field is the position of a field of the given size inside the table; false
// where the field is absent, and after any fault.
func (t *table) field(slot int, size int64, name string) (int64, bool) {
	entry := int64(vtableHeadSize + vtableEntrySize*slot)
	if t.err != nil || entry+vtableEntrySize > t.slots {
		return 0, false
	}
	offset := int64(binary.LittleEndian.Uint16(t.buf[t.vtable+entry:]))
	if offset == 0 {
		return 0, false
	}
	if offset < tableHeadSize || offset+size > t.size {
		t.fail(name, "field lies outside its table")
		return 0, false
	}
	return t.pos + offset, true
}

// target follows the offset in a field.
func (t *table) target(slot int, name string) (int64, bool) {
	pos, ok := t.field(slot, offsetSize, name)
	if !ok {
		return 0, false
	}
	to := pos + int64(binary.LittleEndian.Uint32(t.buf[pos:]))
	if to == pos || to+offsetSize > int64(len(t.buf)) {
		t.fail(name, "offset points outside the message")
		return 0, false
	}
	return to, true
}

// vector is the contents of a vector field; empty when absent.
func (t *table) vector(slot int, size int64, name string) (span, bool) {
	head, ok := t.target(slot, name)
	if !ok {
		return span{}, false
	}
	start := head + offsetSize
	end := start + size*int64(binary.LittleEndian.Uint32(t.buf[head:]))
	if end > int64(len(t.buf)) {
		t.fail(name, "is longer than the message")
		return span{}, false
	}
	return span{start, end}, true
}

// text is the contents of a string field; empty when absent.
func (t *table) text(slot int, name string) span {
	s, ok := t.vector(slot, 1, name)
	if !ok {
		return span{}
	}
	// A string ends with a zero byte that its length leaves out. Looking at it
	// finds most wrong lengths.
	if s.end >= int64(len(t.buf)) || t.buf[s.end] != 0 {
		t.fail(name, "text does not end where its length says")
		return span{}
	}
	if !utf8.Valid(t.buf[s.start:s.end]) {
		t.fail(name, "text is not UTF-8")
		return span{}
	}
	return s
}

// flag is a bool field. A byte that is neither 0 nor 1 is refused and not
// guessed: readers in different languages take it differently.
func (t *table) flag(slot int, name string) bool {
	pos, ok := t.field(slot, 1, name)
	if !ok {
		return false
	}
	if t.buf[pos] > 1 {
		t.fail(name, "is neither true nor false")
		return false
	}
	return t.buf[pos] == 1
}

func (t *table) uint32(slot int, name string, absent uint32) uint32 {
	pos, ok := t.field(slot, uint32Size, name)
	if !ok {
		return absent
	}
	return binary.LittleEndian.Uint32(t.buf[pos:])
}

func (t *table) uint64(slot int, name string) uint64 {
	pos, ok := t.field(slot, uint64Size, name)
	if !ok {
		return 0
	}
	return binary.LittleEndian.Uint64(t.buf[pos:])
}

func (t *table) int32s(slot int, name string) []int32 {
	s, ok := t.vector(slot, int32Size, name)
	if !ok || s.start == s.end {
		return nil
	}
	list := make([]int32, (s.end-s.start)/int32Size)
	for i := range list {
		list[i] = int32(binary.LittleEndian.Uint32(t.buf[s.start+int64(i)*int32Size:]))
	}
	return list
}

// copyTexts copies the texts at the spans out of the buffer, with one
// allocation for all of them.
func copyTexts(buf []byte, spans []span, to ...*string) {
	all := span{start: int64(len(buf))}
	for _, s := range spans {
		if s.start < s.end {
			all.start, all.end = min(all.start, s.start), max(all.end, s.end)
		}
	}
	if all.end == 0 {
		return
	}
	text := string(buf[all.start:all.end])
	for i, s := range spans {
		if s.start < s.end {
			*to[i] = text[s.start-all.start : s.end-all.start]
		}
	}
}
