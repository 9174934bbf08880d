package metadata

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"ingestor/schemas/metadata/pyvalue"
)

// typeNames are the types of variables and items.
var typeNames = []string{"string", "string[]", "integer", "integer[]", "float", "float[]", "date", "dict", "list", "email", "link", "none"}

// convert makes a value of the named type, by Python's rules.
func convert(v pyvalue.Value, typeName string) (pyvalue.Value, error) {
	switch typeName {
	case "string", "email", "link":
		return pyvalue.Str(pyvalue.Text(v)), nil
	case "integer":
		return orError(pyvalue.ToInt(v))
	case "float":
		return orError(pyvalue.ToFloat(v))
	case "string[]":
		return convertEach(v, func(e pyvalue.Value) (pyvalue.Value, error) { return pyvalue.Str(pyvalue.Text(e)), nil })
	case "integer[]":
		return convertEach(v, func(e pyvalue.Value) (pyvalue.Value, error) { return orError(pyvalue.ToInt(e)) })
	case "float[]":
		return convertEach(v, func(e pyvalue.Value) (pyvalue.Value, error) { return orError(pyvalue.ToFloat(e)) })
	case "date":
		return toDate(v)
	case "dict":
		return toDict(v)
	case "list":
		return toList(v)
	case "none":
		if _, ok := v.(pyvalue.None); !ok {
			return nil, fmt.Errorf("%s is not nothing", pyvalue.Words(v))
		}
		return v, nil
	default:
		return nil, fmt.Errorf("the type %q is not known (%s)", typeName, oneOf(typeName, typeNames))
	}
}

// orError keeps a typed zero value out of an interface.
func orError[V pyvalue.Value](v V, err error) (pyvalue.Value, error) {
	if err != nil {
		return nil, err
	}
	return v, nil
}

func convertEach(v pyvalue.Value, each func(pyvalue.Value) (pyvalue.Value, error)) (pyvalue.Value, error) {
	elements, err := elementsOf(v)
	if err != nil {
		return nil, err
	}
	list := make(pyvalue.List, 0, len(elements))
	for i, e := range elements {
		element, err := each(e)
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
		list = append(list, element)
	}
	return list, nil
}

// elementsOf are the elements of a list; a text is read as a literal first.
func elementsOf(v pyvalue.Value) ([]pyvalue.Value, error) {
	if s, ok := v.(pyvalue.Str); ok {
		literal, err := pyvalue.ParseLiteral(string(s))
		if err != nil {
			return nil, err
		}
		v = literal
	}
	return iterate(v)
}

// iterate is what a Python for loop runs over.
func iterate(v pyvalue.Value) ([]pyvalue.Value, error) {
	switch v := v.(type) {
	case pyvalue.List:
		return v, nil
	case pyvalue.Tuple:
		return v, nil
	case pyvalue.Set:
		return v, nil
	case *pyvalue.Dict:
		return v.Keys(), nil
	case pyvalue.Str:
		elements := make([]pyvalue.Value, 0, len(v))
		for _, r := range string(v) {
			elements = append(elements, pyvalue.Str(string(r)))
		}
		return elements, nil
	case pyvalue.Bytes:
		elements := make([]pyvalue.Value, 0, len(v))
		for i := range len(v) {
			elements = append(elements, pyvalue.NewInt(int64(v[i])))
		}
		return elements, nil
	case pyvalue.Scalar:
		if b, ok := v.Item.(pyvalue.Bytes); ok {
			return iterate(b)
		}
	case pyvalue.Array:
		if len(v.Shape) > 0 {
			return v.Rows(), nil
		}
	}
	return nil, fmt.Errorf("%s is not a list", pyvalue.Words(v))
}

// toDate reads texts as ISO dates and numbers as seconds since 1970. All else
// is a date that is not known, which is nothing, not a failure.
func toDate(v pyvalue.Value) (pyvalue.Value, error) {
	if s, ok := v.(pyvalue.Scalar); ok {
		if f, ok := s.PythonNumber(); ok {
			v = f
		} else if b, ok := s.Item.(pyvalue.Bytes); ok {
			v = b
		}
	}
	var d pyvalue.Date
	var err error
	switch v := v.(type) {
	case pyvalue.Str:
		d, err = pyvalue.ParseDate(string(v))
	case pyvalue.Bytes:
		if !utf8.ValidString(string(v)) {
			return nil, errors.New("the text is not UTF-8")
		}
		d, err = pyvalue.ParseDate(string(v))
	case pyvalue.Int, pyvalue.Float, pyvalue.Bool:
		d, err = pyvalue.DateOfEpoch(v)
	default:
		return pyvalue.None{}, nil
	}
	if err != nil {
		return nil, err
	}
	return pyvalue.Str(d.String()), nil
}

func toDict(v pyvalue.Value) (pyvalue.Value, error) {
	switch v := v.(type) {
	case *pyvalue.Dict:
		return v, nil
	case pyvalue.Str:
		literal, err := pyvalue.ParseLiteral(string(v))
		if err != nil {
			return nil, err
		}
		if _, ok := literal.(*pyvalue.Dict); !ok {
			return nil, fmt.Errorf("%s is not a dictionary", pyvalue.Words(literal))
		}
		return literal, nil
	}
	pairs, err := iterate(v)
	if err != nil {
		return nil, fmt.Errorf("%s is not a dictionary", pyvalue.Words(v))
	}
	d := pyvalue.NewDict()
	for _, pair := range pairs {
		entry, err := iterate(pair)
		if err != nil || len(entry) != 2 {
			return nil, fmt.Errorf("%s is not a dictionary", pyvalue.Words(v))
		}
		if err := d.Set(entry[0], entry[1]); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func toList(v pyvalue.Value) (pyvalue.Value, error) {
	if s, ok := v.(pyvalue.Str); ok {
		literal, err := pyvalue.ParseLiteral(string(s))
		if err != nil {
			return nil, err
		}
		v = literal
	}
	if _, ok := v.(pyvalue.List); !ok {
		return nil, fmt.Errorf("%s is not a list", pyvalue.Words(v))
	}
	return v, nil
}
