package pyvalue

import (
	"errors"
	"fmt"
	"strings"
)

// maxDepth bounds the nesting of literals and of JSON, as Python's parser does.
const maxDepth = 200

var errLiteral = errors.New("not a Python literal")

// ParseLiteral is ast.literal_eval: numbers, texts, lists, tuples, sets,
// dictionaries, True, False and None.
func ParseLiteral(s string) (Value, error) {
	p := &literalParser{lexer: lexer{src: strings.TrimLeft(s, " \t")}}
	v, err := p.parse()
	if err != nil {
		return nil, fmt.Errorf("%s is %w", shown(Str(s)), err)
	}
	return v, nil
}

// literalParser is a recursive descent over the tokens of an expression.
type literalParser struct {
	lexer
	depth int
}

func (p *literalParser) parse() (Value, error) {
	if strings.Contains(p.src, "\x00") {
		return nil, errLiteral
	}
	if err := p.next(); err != nil {
		return nil, err
	}
	first, err := p.value()
	if err != nil {
		return nil, err
	}
	if p.token != "," {
		return first, p.expectEnd()
	}
	elements, _, err := p.rest(first, "")
	if err != nil {
		return nil, err
	}
	return Tuple(elements), p.expectEnd()
}

func (p *literalParser) expectEnd() error {
	if p.token != "" || p.literal != nil {
		return errLiteral
	}
	return nil
}

// value reads a signed number, a complex sum, or an atom.
func (p *literalParser) value() (Value, error) {
	sign := ""
	if p.token == "+" || p.token == "-" {
		sign = p.token
		if err := p.next(); err != nil {
			return nil, err
		}
	}
	v, err := p.atom()
	if err != nil {
		return nil, err
	}
	if sign != "" {
		if v, err = signed(v, sign); err != nil {
			return nil, err
		}
	}
	if p.token != "+" && p.token != "-" {
		return v, nil
	}
	operator := p.token
	if err := p.next(); err != nil {
		return nil, err
	}
	right, err := p.atom()
	if err != nil {
		return nil, err
	}
	return complexSum(v, right, operator)
}

func signed(v Value, sign string) (Value, error) {
	switch v := v.(type) {
	case Int:
		if sign == "-" {
			b := v.Big()
			return NewBig(b.Neg(b)), nil
		}
		return v, nil
	case Float:
		if sign == "-" {
			return -v, nil
		}
		return v, nil
	case Complex:
		if sign == "-" {
			return -v, nil
		}
		return v, nil
	default:
		return nil, errLiteral
	}
}

// complexSum allows a sum only in the form of a complex number: 1+2j.
func complexSum(left, right Value, operator string) (Value, error) {
	imaginary, ok := right.(Complex)
	if !ok {
		return nil, errLiteral
	}
	switch left.(type) {
	case Int, Float:
	default:
		return nil, errLiteral
	}
	f, err := ToFloat(left)
	if err != nil {
		return nil, err
	}
	if operator == "-" {
		imaginary = -imaginary
	}
	return Complex(complex(float64(f), 0)) + imaginary, nil
}

func (p *literalParser) atom() (Value, error) {
	if p.literal != nil {
		v := p.literal
		if err := p.next(); err != nil {
			return nil, err
		}
		return p.concatenated(v)
	}
	switch token := p.token; token {
	case "[", "(", "{":
		p.depth++
		p.brackets++
		defer func() { p.depth-- }()
		if p.depth > maxDepth {
			return nil, errors.New("nested too deeply")
		}
		if err := p.next(); err != nil {
			return nil, err
		}
		switch token {
		case "[":
			elements, _, err := p.rest(nil, "]")
			return List(elements), err
		case "(":
			return p.parenthesised()
		default:
			return p.braces()
		}
	case "True", "False":
		return Bool(token == "True"), p.next()
	case "None":
		return None{}, p.next()
	case "...":
		return Foreign("Ellipsis"), p.next()
	case "set":
		return p.emptySet()
	default:
		return nil, errLiteral
	}
}

// concatenated joins the texts that follow a text: 'a' 'b' is 'ab'.
func (p *literalParser) concatenated(v Value) (Value, error) {
	for {
		switch left := v.(type) {
		case Str:
			switch right := p.literal.(type) {
			case Str:
				v = left + right
			case Bytes:
				return nil, errLiteral
			default:
				return v, nil
			}
		case Bytes:
			switch right := p.literal.(type) {
			case Bytes:
				v = left + right
			case Str:
				return nil, errLiteral
			default:
				return v, nil
			}
		default:
			return v, nil
		}
		if err := p.next(); err != nil {
			return nil, err
		}
	}
}

// rest reads elements up to the closing token, or to the end of the text when
// that is empty. The first one may be there already, with a comma after it.
func (p *literalParser) rest(first Value, end string) (elements []Value, commas int, err error) {
	elements = []Value{}
	if first != nil {
		elements = append(elements, first)
		if err := p.comma(); err != nil {
			return nil, 0, err
		}
		commas++
	}
	for {
		if p.token == end && p.literal == nil {
			if end == "" {
				return elements, commas, nil
			}
			return elements, commas, p.close()
		}
		v, err := p.value()
		if err != nil {
			return nil, 0, err
		}
		elements = append(elements, v)
		if p.token == "," {
			if err := p.comma(); err != nil {
				return nil, 0, err
			}
			commas++
			continue
		}
		if p.token != end || p.literal != nil {
			return nil, 0, errLiteral
		}
	}
}

func (p *literalParser) comma() error {
	if p.token != "," {
		return errLiteral
	}
	return p.next()
}

// close steps over a closing bracket.
func (p *literalParser) close() error {
	p.brackets--
	return p.next()
}

func (p *literalParser) parenthesised() (Value, error) {
	elements, commas, err := p.rest(nil, ")")
	if err != nil {
		return nil, err
	}
	if len(elements) == 1 && commas == 0 {
		return elements[0], nil
	}
	return Tuple(elements), nil
}

func (p *literalParser) braces() (Value, error) {
	d := NewDict()
	if p.token == "}" && p.literal == nil {
		return d, p.close()
	}
	first, err := p.value()
	if err != nil {
		return nil, err
	}
	if p.token != ":" {
		return p.set(first)
	}
	for key := first; ; {
		if p.token != ":" {
			return nil, errLiteral
		}
		if err := p.next(); err != nil {
			return nil, err
		}
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		if err := d.Set(key, v); err != nil {
			return nil, err
		}
		if p.token == "," {
			if err := p.next(); err != nil {
				return nil, err
			}
		} else if p.token != "}" {
			return nil, errLiteral
		}
		if p.token == "}" && p.literal == nil {
			return d, p.close()
		}
		if key, err = p.value(); err != nil {
			return nil, err
		}
	}
}

func (p *literalParser) set(first Value) (Value, error) {
	if p.token == "}" && p.literal == nil {
		s, err := NewSet([]Value{first})
		if err != nil {
			return nil, err
		}
		return s, p.close()
	}
	elements, _, err := p.rest(first, "}")
	if err != nil {
		return nil, err
	}
	return NewSet(elements)
}

// emptySet is set(), the only call that counts as a literal.
func (p *literalParser) emptySet() (Value, error) {
	for _, want := range []string{"(", ")"} {
		if err := p.next(); err != nil {
			return nil, err
		}
		if p.token != want || p.literal != nil {
			return nil, errLiteral
		}
		p.brackets++
	}
	p.brackets -= 2
	return Set{}, p.next()
}
