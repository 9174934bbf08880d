package pyvalue

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

var errJSON = errors.New("not JSON")

// ParseJSON is json.loads: as the standard says, and NaN and Infinity too. Of
// equal keys the last counts, integers have any size.
func ParseJSON(body []byte) (Value, error) {
	p := &jsonParser{src: string(body)}
	p.space()
	v, err := p.value(0)
	if err != nil {
		return nil, err
	}
	p.space()
	if p.pos != len(p.src) {
		return nil, p.fail()
	}
	return v, nil
}

type jsonParser struct {
	src string
	pos int
}

func (p *jsonParser) fail() error {
	if strings.TrimSpace(p.src) == "" {
		return fmt.Errorf("%w: it is empty", errJSON)
	}
	return fmt.Errorf("%w (at byte %d)", errJSON, p.pos)
}

func (p *jsonParser) space() {
	for p.pos < len(p.src) && strings.IndexByte(" \t\r\n", p.src[p.pos]) >= 0 {
		p.pos++
	}
}

func (p *jsonParser) take(word string) bool {
	if strings.HasPrefix(p.src[p.pos:], word) {
		p.pos += len(word)
		return true
	}
	return false
}

func (p *jsonParser) value(depth int) (Value, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("%w: nested too deeply", errJSON)
	}
	switch {
	case p.take("{"):
		return p.object(depth)
	case p.take("["):
		return p.array(depth)
	case p.take(`"`):
		s, err := p.text()
		return Str(s), err
	case p.take("true"):
		return Bool(true), nil
	case p.take("false"):
		return Bool(false), nil
	case p.take("null"):
		return None{}, nil
	case p.take("NaN"):
		return ParseFloat("nan")
	case p.take("Infinity"):
		return ParseFloat("inf")
	case p.take("-Infinity"):
		return ParseFloat("-inf")
	default:
		return p.number()
	}
}

func (p *jsonParser) object(depth int) (Value, error) {
	d := NewDict()
	p.space()
	if p.take("}") {
		return d, nil
	}
	for {
		if !p.take(`"`) {
			return nil, p.fail()
		}
		key, err := p.text()
		if err != nil {
			return nil, err
		}
		p.space()
		if !p.take(":") {
			return nil, p.fail()
		}
		p.space()
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		if err := d.Set(Str(key), v); err != nil {
			return nil, err
		}
		p.space()
		if p.take("}") {
			return d, nil
		}
		if !p.take(",") {
			return nil, p.fail()
		}
		p.space()
	}
}

func (p *jsonParser) array(depth int) (Value, error) {
	list := List{}
	p.space()
	if p.take("]") {
		return list, nil
	}
	for {
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		p.space()
		if p.take("]") {
			return list, nil
		}
		if !p.take(",") {
			return nil, p.fail()
		}
		p.space()
	}
}

func (p *jsonParser) number() (Value, error) {
	start := p.pos
	p.take("-")
	if !p.take("0") && p.digits() == 0 {
		return nil, p.fail()
	}
	isFloat := false
	if rest := p.src[p.pos:]; len(rest) > 1 && rest[0] == '.' && isDigit(rest[1]) {
		p.pos++
		p.digits()
		isFloat = true
	}
	if mark := p.pos; p.take("e") || p.take("E") {
		if !p.take("+") {
			p.take("-")
		}
		if p.digits() == 0 {
			p.pos = mark
		} else {
			isFloat = true
		}
	}
	if isFloat {
		return ParseFloat(p.src[start:p.pos])
	}
	return ParseInt(p.src[start:p.pos])
}

func (p *jsonParser) digits() int {
	start := p.pos
	for p.pos < len(p.src) && isDigit(p.src[p.pos]) {
		p.pos++
	}
	return p.pos - start
}

func (p *jsonParser) text() (string, error) {
	var sb strings.Builder
	for p.pos < len(p.src) {
		switch c := p.src[p.pos]; {
		case c == '"':
			p.pos++
			return sb.String(), nil
		case c < 0x20:
			return "", p.fail()
		case c == '\\':
			if err := p.escape(&sb); err != nil {
				return "", err
			}
		case c < utf8.RuneSelf:
			sb.WriteByte(c)
			p.pos++
		default:
			r, size := utf8.DecodeRuneInString(p.src[p.pos:])
			sb.WriteRune(r)
			p.pos += size
		}
	}
	return "", p.fail()
}

func (p *jsonParser) escape(sb *strings.Builder) error {
	if p.pos+1 >= len(p.src) {
		return p.fail()
	}
	c := p.src[p.pos+1]
	if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 {
		sb.WriteByte("\"\\/\b\f\n\r\t"[i])
		p.pos += 2
		return nil
	}
	first, ok := p.unit(p.pos)
	if !ok {
		return p.fail()
	}
	p.pos += 6
	if utf16.IsSurrogate(first) {
		if second, ok := p.unit(p.pos); ok {
			if r := utf16.DecodeRune(first, second); r != utf8.RuneError {
				sb.WriteRune(r)
				p.pos += 6
				return nil
			}
		}
		first = utf8.RuneError
	}
	sb.WriteRune(first)
	return nil
}

// unit reads the \uXXXX at position at.
func (p *jsonParser) unit(at int) (rune, bool) {
	if at+6 > len(p.src) || p.src[at] != '\\' || p.src[at+1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(p.src[at+2:at+6], 16, 16)
	if err != nil {
		return 0, false
	}
	return rune(n), true
}
