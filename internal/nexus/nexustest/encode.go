package nexustest

import (
	"encoding/binary"
	"fmt"
	"math"
	"reflect"
)

// form is the form of elements in memory, as write.c numbers them.
type form int

const (
	formInt     form = iota // int64
	formUint                // uint64
	formFloat               // float64
	formText                // C text
	formFixed               // bytes
	formBool                // int8
	formComplex             // two float64
	formOpaque              // bytes
)

// encoded is a value ready for write.c.
type encoded struct {
	form  form
	size  int      // of an element in the file
	dims  []int    // nil: a scalar
	null  bool     // an empty dataspace
	bytes []byte   // elements, but for formText
	texts []string // of formText
}

// encode checks data against shape and brings it into one of the forms.
func encode(data any, shape []int) (encoded, error) {
	if n, ok := data.(Null); ok {
		e, err := encode(n.Of, nil)
		e.null = true
		return e, err
	}
	if o, ok := data.(Opaque); ok {
		if len(o) == 0 || shape != nil {
			return encoded{}, fmt.Errorf("opaque data of %d bytes and shape %v", len(o), shape)
		}
		return encoded{form: formOpaque, size: len(o), bytes: o}, nil
	}
	v := reflect.ValueOf(data)
	if !v.IsValid() {
		return encoded{}, fmt.Errorf("no data")
	}
	elements := []reflect.Value{v}
	element := v.Type()
	var dims []int
	if v.Kind() == reflect.Slice {
		elements, element = nil, element.Elem()
		for i := range v.Len() {
			elements = append(elements, v.Index(i))
		}
		dims = []int{v.Len()}
	}
	if shape != nil {
		dims = shape
	}
	n := 1
	for _, d := range dims {
		n *= d
	}
	if n != len(elements) {
		return encoded{}, fmt.Errorf("%d elements do not fill the shape %v", len(elements), dims)
	}
	e := encoded{dims: dims}
	return e, e.fill(element, elements)
}

func (e *encoded) fill(t reflect.Type, elements []reflect.Value) error {
	switch {
	case t == reflect.TypeFor[Fixed]():
		return e.fixed(elements)
	case t == reflect.TypeFor[Half]():
		e.form, e.size = formFloat, 2
	case t.Kind() == reflect.String:
		e.form = formText
		for _, x := range elements {
			e.texts = append(e.texts, x.String())
		}
		return nil
	case t.Kind() == reflect.Bool:
		e.form, e.size = formBool, 1
	case t.Kind() >= reflect.Int && t.Kind() <= reflect.Int64:
		e.form, e.size = formInt, int(t.Size())
	case t.Kind() >= reflect.Uint && t.Kind() <= reflect.Uint64:
		e.form, e.size = formUint, int(t.Size())
	case t.Kind() == reflect.Float32 || t.Kind() == reflect.Float64:
		e.form, e.size = formFloat, int(t.Size())
	case t.Kind() == reflect.Complex64 || t.Kind() == reflect.Complex128:
		e.form, e.size = formComplex, int(t.Size())
	default:
		return fmt.Errorf("data of type %v has no form in a file", t)
	}
	for _, x := range elements {
		e.append(x)
	}
	return nil
}

func (e *encoded) append(x reflect.Value) {
	eight := func(u uint64) { e.bytes = binary.NativeEndian.AppendUint64(e.bytes, u) }
	switch e.form {
	case formInt:
		eight(uint64(x.Int()))
	case formUint:
		eight(x.Uint())
	case formFloat:
		eight(math.Float64bits(x.Float()))
	case formComplex:
		eight(math.Float64bits(real(x.Complex())))
		eight(math.Float64bits(imag(x.Complex())))
	case formBool:
		b := byte(0)
		if x.Bool() {
			b = 1
		}
		e.bytes = append(e.bytes, b)
	}
}

func (e *encoded) fixed(elements []reflect.Value) error {
	e.form, e.size = formFixed, 1 // HDF5 knows no text of length 0
	for _, x := range elements {
		e.size = max(e.size, x.Len())
	}
	for _, x := range elements {
		e.bytes = append(e.bytes, x.String()...)
		e.bytes = append(e.bytes, make([]byte, e.size-x.Len())...)
	}
	return nil
}
