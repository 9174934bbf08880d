package metadata

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"ingestor/internal/nexus"
	"ingestor/schemas/metadata/pyvalue"
)

// fileValue is a value of the file as a variable of the type sees it before it
// is converted.
func fileValue(v nexus.Value, typeName string) (pyvalue.Value, error) {
	if v.Null {
		return emptyValue(v.Type, typeName)
	}
	array, err := arrayOf(v)
	if err != nil {
		return nil, err
	}
	isText := isTextKind(v.Type.Kind)
	switch {
	case typeName == "string":
		if !isText {
			return nil, fmt.Errorf("the file holds %s there, not text", kindWords(v.Type.Kind))
		}
		if len(array.Elements) != 1 {
			return nil, fmt.Errorf("the file holds %d texts there, not one (use string[])", len(array.Elements))
		}
		return decoded(array.Elements[0])
	case strings.HasSuffix(typeName, "[]"):
		if len(array.Shape) == 0 {
			array.Shape = []int{1}
		}
		if isText && len(array.Shape) == 1 {
			return decodedList(array.Elements)
		}
		return array, nil
	case len(array.Shape) == 0:
		return singleValue(array), nil
	case array.Shape[0] == 1:
		return array.Rows()[0], nil
	default:
		return array, nil
	}
}

// singleValue is the value of a dataset without dimensions. A long double has
// no plain form in Python, it stays numpy's.
func singleValue(a pyvalue.Array) pyvalue.Value {
	switch item := a.Elements[0].(type) {
	case pyvalue.Float:
		if a.Size > 8 {
			return pyvalue.Scalar{Kind: 'f', Size: a.Size, Item: item}
		}
	case pyvalue.Tuple:
		plain := make(pyvalue.Tuple, 0, len(item))
		for _, member := range item {
			if s, ok := member.(pyvalue.Scalar); ok && s.Size <= 8 {
				member = s.Item
			}
			plain = append(plain, member)
		}
		return plain
	}
	return a.Elements[0]
}

// isTextKind says that elements of the kind are bytes in Python.
func isTextKind(k nexus.Kind) bool {
	return k == nexus.FixedString || k == nexus.VarString || k == nexus.Opaque
}

// emptyValue is a dataset without dataspace, of which only the type is known.
func emptyValue(t nexus.Type, typeName string) (pyvalue.Value, error) {
	if typeName == "string" {
		return nil, errors.New("the dataset in the file is empty")
	}
	empty := pyvalue.Foreign("Empty(dtype=dtype(" + pyvalue.Repr(pyvalue.Str(dtypeName(t))) + "))")
	if strings.HasSuffix(typeName, "[]") {
		return pyvalue.List{empty}, nil
	}
	return empty, nil
}

// dtypeName is numpy's name of a type.
func dtypeName(t nexus.Type) string {
	if t.Kind == nexus.VarString {
		return "O"
	}
	if t.Kind == nexus.Bool {
		return "bool"
	}
	kind := numpyKind(t.Kind)
	size := strconv.Itoa(t.Size)
	switch {
	case kind == 'S':
		return "S" + size
	case t.Size == 1:
		return map[byte]string{'i': "int8", 'u': "uint8"}[kind]
	case t.BigEndian:
		return ">" + string(kind) + size
	default:
		return "<" + string(kind) + size
	}
}

func numpyKind(k nexus.Kind) byte {
	switch k {
	case nexus.Int, nexus.Enum:
		return 'i'
	case nexus.Uint:
		return 'u'
	case nexus.Float:
		return 'f'
	case nexus.Bool:
		return 'b'
	case nexus.FixedString:
		return 'S'
	case nexus.VarString, nexus.Sequence, nexus.Reference, nexus.RegionReference:
		return 'O'
	case nexus.Complex:
		return 'c'
	default:
		return 'V'
	}
}

func kindWords(k nexus.Kind) string {
	switch k {
	case nexus.Int, nexus.Uint, nexus.Enum:
		return "integers"
	case nexus.Float:
		return "floating point numbers"
	case nexus.Bool:
		return "booleans"
	case nexus.Complex:
		return "complex numbers"
	case nexus.Compound:
		return "records"
	case nexus.Sequence:
		return "lists of different length"
	case nexus.Reference, nexus.RegionReference:
		return "references"
	default:
		return "text"
	}
}

// arrayOf is a value of the file as numpy would hold it.
func arrayOf(v nexus.Value) (pyvalue.Array, error) {
	count := 1
	for _, n := range v.Shape {
		count *= n
	}
	if text := referenceText(v.Type.Kind); text != "" {
		elements := make([]pyvalue.Value, count)
		for i := range elements {
			elements[i] = text
		}
		return pyvalue.Array{Kind: 'O', Shape: v.Shape, Elements: elements}, nil
	}
	elements, err := elementValues(v)
	if err != nil {
		return pyvalue.Array{}, err
	}
	if count != len(elements) {
		return pyvalue.Array{}, fmt.Errorf("the file holds %d elements in a shape of %d", len(elements), count)
	}
	return pyvalue.Array{Kind: numpyKind(v.Type.Kind), Size: v.Type.Size, Shape: v.Shape, Elements: elements}, nil
}

// referenceText is what h5py shows of a reference; empty for other kinds.
func referenceText(k nexus.Kind) pyvalue.Foreign {
	switch k {
	case nexus.Reference:
		return "<HDF5 object reference>"
	case nexus.RegionReference:
		return "<HDF5 region reference>"
	default:
		return ""
	}
}

func elementValues(v nexus.Value) ([]pyvalue.Value, error) {
	switch data := v.Data.(type) {
	case []int64:
		return each(data, func(i int64) pyvalue.Value { return pyvalue.NewInt(i) }), nil
	case []uint64:
		return each(data, func(u uint64) pyvalue.Value { return pyvalue.NewUint(u) }), nil
	case []float64:
		return each(data, func(f float64) pyvalue.Value { return pyvalue.Float(f) }), nil
	case []bool:
		return each(data, func(b bool) pyvalue.Value { return pyvalue.Bool(b) }), nil
	case []string:
		return each(data, func(s string) pyvalue.Value { return pyvalue.Bytes(s) }), nil
	case []complex128:
		return each(data, func(c complex128) pyvalue.Value { return pyvalue.Complex(c) }), nil
	case []nexus.Value:
		arrays := make([]pyvalue.Value, 0, len(data))
		for _, d := range data {
			array, err := arrayOf(d)
			if err != nil {
				return nil, err
			}
			arrays = append(arrays, array)
		}
		return arrays, nil
	case []nexus.Record:
		records := make([]pyvalue.Value, 0, len(data))
		for _, r := range data {
			record, err := recordValue(r)
			if err != nil {
				return nil, err
			}
			records = append(records, record)
		}
		return records, nil
	default:
		return nil, fmt.Errorf("%w: %T", nexus.ErrUnsupported, v.Data)
	}
}

func each[T any](data []T, f func(T) pyvalue.Value) []pyvalue.Value {
	values := make([]pyvalue.Value, len(data))
	for i, d := range data {
		values[i] = f(d)
	}
	return values
}

// recordValue is a compound element: a tuple of its members.
func recordValue(r nexus.Record) (pyvalue.Value, error) {
	tuple := make(pyvalue.Tuple, 0, len(r))
	for _, m := range r {
		elements, err := elementValues(m.Value)
		if err != nil {
			return nil, fmt.Errorf("member %s: %w", m.Name, err)
		}
		switch {
		case len(m.Value.Shape) > 0:
			tuple = append(tuple, pyvalue.List(elements))
		case len(elements) == 1 && m.Value.Type.Kind == nexus.Float:
			tuple = append(tuple, pyvalue.Scalar{Kind: 'f', Size: m.Value.Type.Size, Item: elements[0]})
		case len(elements) == 1:
			tuple = append(tuple, elements[0])
		default:
			tuple = append(tuple, pyvalue.None{})
		}
	}
	return tuple, nil
}

// decoded is the text of bytes in UTF-8.
func decoded(v pyvalue.Value) (pyvalue.Value, error) {
	b, ok := v.(pyvalue.Bytes)
	if !ok || !utf8.ValidString(string(b)) {
		return nil, fmt.Errorf("the text %s in the file is not UTF-8", pyvalue.Repr(v))
	}
	return pyvalue.Str(b), nil
}

func decodedList(elements []pyvalue.Value) (pyvalue.Value, error) {
	list := make(pyvalue.List, 0, len(elements))
	for _, e := range elements {
		s, err := decoded(e)
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}

// attributeText is a units attribute as text: of a text, a number, or an array
// of one of those.
func attributeText(v nexus.Value) (string, error) {
	if v.Null {
		return "", errors.New("is empty")
	}
	array, err := arrayOf(v)
	if err != nil {
		return "", err
	}
	if len(array.Elements) != 1 {
		return "", fmt.Errorf("holds %d elements", len(array.Elements))
	}
	array.Shape = []int{1}
	switch array.Kind {
	case 'S', 'O':
		if !isTextKind(v.Type.Kind) {
			return "", errors.New("is neither text nor a number")
		}
		s, err := decoded(array.Elements[0])
		if err != nil {
			return "", errors.New("is not UTF-8")
		}
		return pyvalue.Text(s), nil
	case 'V', 'c':
		return "", errors.New("is neither text nor a number")
	default:
		return pyvalue.Text(array.Rows()[0]), nil
	}
}
