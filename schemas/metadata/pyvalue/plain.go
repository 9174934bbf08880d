package pyvalue

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
)

// Object is a JSON object that keeps the order of its members.
type Object []Member

// Member is one member of an Object.
type Member struct {
	Name  string
	Value any
}

// MarshalJSON writes the members in their order.
func (o Object) MarshalJSON() ([]byte, error) {
	var buffer bytes.Buffer
	buffer.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			buffer.WriteByte(',')
		}
		name, err := json.Marshal(m.Name)
		if err != nil {
			return nil, err
		}
		buffer.Write(name)
		buffer.WriteByte(':')
		value, err := json.Marshal(m.Value)
		if err != nil {
			return nil, err
		}
		buffer.Write(value)
	}
	buffer.WriteByte('}')
	return buffer.Bytes(), nil
}

// Plain turns v into what encoding/json writes as json.dumps would: nil, bool,
// string, json.Number, []any and Object. It fails where JSON has no form for a
// value: NaN, infinity, bytes, sets.
func Plain(v Value) (any, error) {
	switch v := v.(type) {
	case None:
		return nil, nil
	case Bool:
		return bool(v), nil
	case Int:
		return json.Number(v.String()), nil
	case Float:
		f := float64(v)
		switch {
		case math.IsNaN(f):
			return nil, errors.New("the value is NaN, which the catalogue can not store")
		case math.IsInf(f, 0):
			return nil, errors.New("the value is infinite, which the catalogue can not store")
		}
		return json.Number(FloatText(f)), nil
	case Str:
		return strings.ToValidUTF8(string(v), "\ufffd"), nil
	case List:
		return plainList(v)
	case Tuple:
		return plainList(v)
	case *Dict:
		return plainDict(v)
	case Scalar:
		if f, ok := v.Item.(Float); ok && v.Kind == 'f' && v.Size == 8 {
			return Plain(f)
		}
	}
	return nil, fmt.Errorf("%s has no form in JSON", Words(v))
}

func plainList(elements []Value) (any, error) {
	list := make([]any, 0, len(elements))
	for _, e := range elements {
		plain, err := Plain(e)
		if err != nil {
			return nil, err
		}
		list = append(list, plain)
	}
	return list, nil
}

func plainDict(d *Dict) (any, error) {
	object := make(Object, 0, d.Len())
	for i := range d.Len() {
		key, value := d.At(i)
		var name string
		switch key := key.(type) {
		case Str:
			name = string(key)
		case Bool:
			name = strings.ToLower(Text(key))
		case None:
			name = "null"
		case Int, Float:
			name = Text(key)
		default:
			return nil, fmt.Errorf("%s as a key has no form in JSON", Words(key))
		}
		plain, err := Plain(value)
		if err != nil {
			return nil, err
		}
		object = append(object, Member{name, plain})
	}
	return object, nil
}
