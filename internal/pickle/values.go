package pickle

import "math/big"

// Bytes is a bytes or bytearray object: a view of the pickle where it could be one.
type Bytes []byte

// List is a list. It is a pointer because a pickle may go on filling it after it has
// become part of something else.
type List struct{ Items []any }

// Tuple is a tuple.
type Tuple struct {
	Items []any
	// unhashable is set when an element may not be a key; kept here so that asking
	// does not walk through what tuples share.
	unhashable bool
}

// Set is a set or a frozenset, with its elements as they came.
type Set struct {
	Items  []any
	frozen bool
}

// Dict is a dict, or one of its ordered or defaulting relatives: pairs in the order
// of their arrival. A key that came twice is there twice.
type Dict struct{ Keys, Values []any }

// Text looks up a key that is text; of several the last counts, as in Python.
func (d *Dict) Text(key string) (value any, ok bool) {
	for i := len(d.Keys) - 1; i >= 0; i-- {
		if k, is := d.Keys[i].(string); is && k == key {
			return d.Values[i], true
		}
	}
	return nil, false
}

// OnlyText says whether every key is text.
func (d *Dict) OnlyText() bool {
	for _, k := range d.Keys {
		if _, ok := k.(string); !ok {
			return false
		}
	}
	return true
}

func (d *Dict) set(key, value any) {
	d.Keys = append(d.Keys, key)
	d.Values = append(d.Values, value)
}

// Global names something that Python would import.
type Global struct{ Module, Name string }

// Opaque stands for what Python would make by calling Callable, which is a *Global
// or opaque itself, with Args.
type Opaque struct {
	Callable any
	Args     any
	// State is what it would be told to take as its state; nil when nothing.
	State any
}

// Is says whether the callable is that name of one of the modules.
func (o *Opaque) Is(name string, modules ...string) bool {
	g, ok := o.Callable.(*Global)
	return ok && g.is(name, modules...)
}

func (g *Global) is(name string, modules ...string) bool {
	if g.Name != name {
		return false
	}
	for _, m := range modules {
		if g.Module == m {
			return true
		}
	}
	return false
}

// hashable says whether Python would take v as a key of a dict.
func hashable(v any) bool {
	switch v := v.(type) {
	case *List, *Dict:
		return false
	case *Set:
		return v.frozen
	case *Tuple:
		return !v.unhashable
	}
	return true
}

// integer is n in its smallest form.
func integer(n *big.Int) any {
	if n.IsInt64() {
		return n.Int64()
	}
	return n
}
