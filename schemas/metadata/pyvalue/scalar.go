package pyvalue

// Scalar is a number or a text out of a numpy array. It counts as the plain
// value, but its text is that of its own precision.
type Scalar struct {
	// Kind is numpy's: b, i, u, f, c, S, V.
	Kind byte
	// Size is the size of the element in bytes.
	Size int
	// Item is the plain value.
	Item Value
}

// TypeName is what numpy calls the type.
func (s Scalar) TypeName() string { return "numpy " + s.Item.TypeName() }

// PythonNumber is the plain number where numpy's type is one of Python's, too:
// only float64 is.
func (s Scalar) PythonNumber() (Float, bool) {
	f, ok := s.Item.(Float)
	return f, ok && s.Kind == 'f' && s.Size == 8
}

func (s Scalar) text() string {
	switch item := s.Item.(type) {
	case Float:
		return scalarText(float64(item), s.Size)
	case Tuple:
		return recordText(item)
	default:
		return Text(item)
	}
}

func (s Scalar) repr() string {
	switch s.Kind {
	case 'b':
		return "np." + Text(s.Item)
	case 'i':
		return "np.int" + bits(s.Size) + "(" + s.text() + ")"
	case 'u':
		return "np.uint" + bits(s.Size) + "(" + s.text() + ")"
	case 'f':
		if s.Size > 8 {
			return "np.longdouble('" + s.text() + "')"
		}
		return "np.float" + bits(s.Size) + "(" + s.text() + ")"
	case 'S':
		return "np.bytes_(" + Repr(s.Item) + ")"
	default:
		return s.text()
	}
}

func bits(size int) string { return NewInt(int64(size) * 8).String() }

// recordText is the text of one compound element.
func recordText(record Tuple) string {
	text := "("
	for i, member := range record {
		if i > 0 {
			text += ", "
		}
		if s, ok := member.(Scalar); ok {
			if f, ok := s.Item.(Float); ok {
				text += Array{Kind: 'f', Size: s.Size, Shape: []int{1}, Elements: []Value{f}}.cell(0)
				continue
			}
			member = s.Item
		}
		text += Repr(member)
	}
	if len(record) == 1 {
		text += ","
	}
	return text + ")"
}
