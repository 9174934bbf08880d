package pyvalue

import (
	"fmt"
	"math"
	"strings"
)

// Dict is Python's dict: insertion order, keys that are equal are one key.
type Dict struct {
	keys   []Value
	values []Value
	index  map[string]int
}

// NewDict is an empty dictionary.
func NewDict() *Dict { return &Dict{index: map[string]int{}} }

// TypeName is what Python calls the type.
func (*Dict) TypeName() string { return "dict" }

// Len is the number of entries.
func (d *Dict) Len() int { return len(d.keys) }

// Keys lists the keys in insertion order.
func (d *Dict) Keys() []Value { return d.keys }

// At is the entry at position i.
func (d *Dict) At(i int) (key, value Value) { return d.keys[i], d.values[i] }

// Set adds an entry, or replaces the value of an equal key, which stays where
// it was. It fails on keys that Python can not hash.
func (d *Dict) Set(key, value Value) error {
	h, err := hashKey(key)
	if err != nil {
		return err
	}
	if i, ok := d.index[h]; ok {
		d.values[i] = value
		return nil
	}
	d.index[h] = len(d.keys)
	d.keys = append(d.keys, key)
	d.values = append(d.values, value)
	return nil
}

// Get is the value of an equal key.
func (d *Dict) Get(key Value) (Value, bool) {
	h, err := hashKey(key)
	if err != nil {
		return nil, false
	}
	i, ok := d.index[h]
	if !ok {
		return nil, false
	}
	return d.values[i], true
}

// NewSet is the set of the elements, the first of equal ones kept.
func NewSet(elements []Value) (Set, error) {
	seen := make(map[string]bool, len(elements))
	set := Set{}
	for _, e := range elements {
		h, err := hashKey(e)
		if err != nil {
			return nil, err
		}
		if !seen[h] {
			seen[h] = true
			set = append(set, e)
		}
	}
	return orderSet(set), nil
}

// hashKey is a text that is the same for keys that Python takes for equal:
// 1, 1.0 and True are one key.
func hashKey(v Value) (string, error) {
	switch v := v.(type) {
	case None:
		return "n", nil
	case Bool:
		if v {
			return "i1", nil
		}
		return "i0", nil
	case Int:
		return "i" + v.String(), nil
	case Float:
		if f := float64(v); f == math.Trunc(f) && !math.IsInf(f, 0) {
			return "i" + floatToInt(f).String(), nil
		}
		return "f" + FloatText(float64(v)), nil
	case Complex:
		if imag(v) == 0 {
			return hashKey(Float(real(v)))
		}
		return "c" + Repr(v), nil
	case Str:
		return "s" + string(v), nil
	case Bytes:
		return "b" + string(v), nil
	case Tuple:
		var sb strings.Builder
		sb.WriteString("t")
		for _, e := range v {
			h, err := hashKey(e)
			if err != nil {
				return "", err
			}
			fmt.Fprintf(&sb, "%d:%s", len(h), h)
		}
		return sb.String(), nil
	case Scalar:
		return hashKey(v.Item)
	case Foreign:
		return "o" + string(v), nil
	default:
		return "", fmt.Errorf("%s can not be a key", Words(v))
	}
}
