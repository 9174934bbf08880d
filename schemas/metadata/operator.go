package metadata

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"net/url"
	"sort"
	"strings"

	"ingestor/schemas/metadata/pyvalue"
)

// operator computes a value from the rendered one.
type operator struct {
	apply func(v pyvalue.Value, d Definition) (pyvalue.Value, error)
	// keepsUnit says that the result has the unit of what it was made of.
	keepsUnit bool
}

// operators by their name with underscores; hyphens mean the same.
var operators = map[string]operator{
	"":                {apply: unchanged, keepsUnit: true},
	"DO_NOTHING":      {apply: unchanged, keepsUnit: true},
	"join_with_space": {apply: join},
	"filename":        {apply: pathPart(baseName)},
	"dirname":         {apply: pathPart(dirName)},
	"dirname_2":       {apply: pathPart(func(p string) string { return dirName(dirName(p)) })},
	"getitem":         {apply: getItem},
	"str_replace":     {apply: replace},
	"urlsafe":         {apply: quotePlus},
	"to_lower":        {apply: onText(lower)},
	"to_upper":        {apply: onText(upper)},
	"sum":             {apply: sum, keepsUnit: true},
}

// canonicalOperator is the name with underscores: the documentation of the
// peer writes str_replace, its program str-replace.
func canonicalOperator(name string) string { return strings.ReplaceAll(name, "-", "_") }

// operatorNames are the names as the peer's program writes them.
func operatorNames() []string {
	var names []string
	for name := range operators {
		switch name {
		case "":
		case "join_with_space", "DO_NOTHING":
			names = append(names, name)
		default:
			names = append(names, strings.ReplaceAll(name, "_", "-"))
		}
	}
	sort.Strings(names)
	return names
}

func unchanged(v pyvalue.Value, _ Definition) (pyvalue.Value, error) { return v, nil }

// onText makes an operator of a function on texts; other values count as their
// text.
func onText(f func(string) string) func(pyvalue.Value, Definition) (pyvalue.Value, error) {
	return func(v pyvalue.Value, _ Definition) (pyvalue.Value, error) {
		return pyvalue.Str(f(pyvalue.Text(v))), nil
	}
}

// quotePlus escapes all but letters, digits and _.-~ and writes spaces as +.
func quotePlus(v pyvalue.Value, _ Definition) (pyvalue.Value, error) {
	switch v := v.(type) {
	case pyvalue.Str:
		return pyvalue.Str(url.QueryEscape(string(v))), nil
	case pyvalue.Bytes:
		return pyvalue.Str(url.QueryEscape(string(v))), nil
	default:
		return nil, fmt.Errorf("only text can be made safe for an address, not %s", pyvalue.Words(v))
	}
}

// pathPart makes an operator of a function on paths, which must be texts.
func pathPart(f func(string) string) func(pyvalue.Value, Definition) (pyvalue.Value, error) {
	return func(v pyvalue.Value, _ Definition) (pyvalue.Value, error) {
		switch v := v.(type) {
		case pyvalue.Str:
			return pyvalue.Str(f(string(v))), nil
		case pyvalue.Bytes:
			return pyvalue.Bytes(f(string(v))), nil
		default:
			return nil, fmt.Errorf("%s is not a path", pyvalue.Words(v))
		}
	}
}

func baseName(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// dirName is os.path.dirname: what stands before the last slash, without
// slashes at its end unless there is nothing else.
func dirName(path string) string {
	head := path[:strings.LastIndexByte(path, '/')+1]
	if trimmed := strings.TrimRight(head, "/"); trimmed != "" {
		return trimmed
	}
	return head
}

// join puts a comma and a space between texts, whatever its name says.
func join(v pyvalue.Value, _ Definition) (pyvalue.Value, error) {
	elements, err := elementsOf(v)
	if err != nil {
		return nil, err
	}
	texts := make([]string, 0, len(elements))
	for _, e := range elements {
		s, ok := e.(pyvalue.Str)
		if !ok {
			return nil, fmt.Errorf("only texts can be joined, not %s", pyvalue.Words(e))
		}
		texts = append(texts, string(s))
	}
	return pyvalue.Str(strings.Join(texts, ", ")), nil
}

// getItem is value[field]: a key of a dictionary, a place in a list or a text,
// counted from the end when negative.
func getItem(v pyvalue.Value, d Definition) (pyvalue.Value, error) {
	return itemOf(v, d.field)
}

func itemOf(v, field pyvalue.Value) (pyvalue.Value, error) {
	if d, ok := v.(*pyvalue.Dict); ok {
		item, ok := d.Get(field)
		if !ok {
			return nil, fmt.Errorf("there is no %s; there are %s", pyvalue.Text(field), keyNames(d))
		}
		return item, nil
	}
	var length int
	var at func(i int) pyvalue.Value
	switch v := v.(type) {
	case pyvalue.Str:
		runes := []rune(v)
		length, at = len(runes), func(i int) pyvalue.Value { return pyvalue.Str(string(runes[i])) }
	case pyvalue.Bytes:
		length, at = len(v), func(i int) pyvalue.Value { return pyvalue.NewInt(int64(v[i])) }
	case pyvalue.List:
		length, at = len(v), func(i int) pyvalue.Value { return v[i] }
	case pyvalue.Tuple:
		length, at = len(v), func(i int) pyvalue.Value { return v[i] }
	default:
		return nil, fmt.Errorf("%s has no items", pyvalue.Words(v))
	}
	switch field.(type) {
	case pyvalue.Int, pyvalue.Bool:
	default:
		return nil, fmt.Errorf("the items of %s are counted from 0, so field can not be %s", pyvalue.Words(v), pyvalue.Repr(field))
	}
	number, err := pyvalue.ToInt(field)
	if err != nil {
		return nil, err
	}
	index, fits := number.Int64()
	if index < 0 {
		index += int64(length)
	}
	if !fits || index < 0 || index >= int64(length) {
		return nil, fmt.Errorf("there is no item %s, only %d", number, length)
	}
	return at(int(index)), nil
}

// keyNames lists the keys of a dictionary, at most ten.
func keyNames(d *pyvalue.Dict) string {
	if d.Len() == 0 {
		return "none"
	}
	var names []string
	for i, key := range d.Keys() {
		if i == 10 {
			names = append(names, "…")
			break
		}
		names = append(names, pyvalue.Text(key))
	}
	return strings.Join(names, ", ")
}

// replace exchanges plain text; without pattern and replacement nothing.
func replace(v pyvalue.Value, d Definition) (pyvalue.Value, error) {
	text := pyvalue.Text(v)
	if d.pattern == nil || d.replacement == nil {
		return pyvalue.Str(text), nil
	}
	if len(*d.replacement) > len(*d.pattern) && len(text)*max(1, len(*d.replacement)) > maxRendered {
		return nil, errors.New("the result would be too long")
	}
	return pyvalue.Str(strings.ReplaceAll(text, *d.pattern, *d.replacement)), nil
}

// sum adds numbers as Python 3.12 does: integers exactly, and from the first
// float on with a correction for what rounding loses.
func sum(v pyvalue.Value, _ Definition) (pyvalue.Value, error) {
	elements, err := iterate(v)
	if err != nil {
		return nil, err
	}
	whole := new(big.Int)
	i := 0
	for ; i < len(elements); i++ {
		switch e := elements[i].(type) {
		case pyvalue.Int, pyvalue.Bool:
			n, err := pyvalue.ToInt(e)
			if err != nil {
				return nil, err
			}
			whole.Add(whole, n.Big())
			continue
		case pyvalue.Float:
		default:
			return nil, fmt.Errorf("%s can not be added", pyvalue.Words(e))
		}
		break
	}
	if i == len(elements) {
		return pyvalue.NewBig(whole), nil
	}
	first, err := pyvalue.ToFloat(pyvalue.NewBig(whole))
	if err != nil {
		return nil, err
	}
	return compensatedSum(float64(first), elements[i:])
}

func compensatedSum(total float64, elements []pyvalue.Value) (pyvalue.Value, error) {
	lost := 0.0
	for _, e := range elements {
		switch e.(type) {
		case pyvalue.Int, pyvalue.Bool, pyvalue.Float:
		default:
			return nil, fmt.Errorf("%s can not be added", pyvalue.Words(e))
		}
		f, err := pyvalue.ToFloat(e)
		if err != nil {
			return nil, err
		}
		x := float64(f)
		next := total + x
		if _, isFloat := e.(pyvalue.Float); isFloat {
			if math.Abs(total) >= math.Abs(x) {
				lost += (total - next) + x
			} else {
				lost += (x - next) + total
			}
		}
		total = next
	}
	if lost != 0 && !math.IsNaN(lost) && !math.IsInf(lost, 0) {
		total += lost
	}
	return pyvalue.Float(total), nil
}
