package source

import (
	"bytes"
	"math"
	"strconv"

	"ingestor/internal/jsonscan"
)

// Values as the peers write them again after having read them (measured, see
// testdata/measured): compact, floats in their shortest form, what is not finite as
// null, equal keys of an object once, at the place of the first with the value of the
// last.

const hexDigits = "0123456789abcdef"

// appendText writes a text: only what JSON demands is escaped.
func appendText(b, text []byte) []byte {
	b = append(b, '"')
	from := 0
	for i, c := range text {
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		b = append(b, text[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\b':
			b = append(b, '\\', 'b')
		case '\f':
			b = append(b, '\\', 'f')
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	b = append(b, text[from:]...)
	return append(b, '"')
}

// appendFloat writes a float: 0.00001 to 999…9.0 of 16 digits as they are, all else
// with an exponent.
func appendFloat(b []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(b, "null"...)
	}
	var buf [32]byte
	e := strconv.AppendFloat(buf[:0], f, 'e', -1, 64)
	mark := bytes.IndexByte(e, 'e')
	exponent, _ := strconv.Atoi(string(e[mark+1:]))
	if f == 0 {
		exponent = 0
	}
	if exponent >= -5 && exponent < 16 {
		b = strconv.AppendFloat(b, f, 'f', -1, 64)
		if f == math.Trunc(f) {
			b = append(b, '.', '0')
		}
		return b
	}
	b = append(b, e[:mark+1]...)
	if exponent > 0 {
		b = append(b, '+')
	}
	return strconv.AppendInt(b, int64(exponent), 10)
}

// appendNumber writes a JSON number again; false if the peers refuse it.
func appendNumber(b, raw []byte) ([]byte, bool) {
	if !bytes.ContainsAny(raw, ".eENI") {
		w, ok := intOfNumber(raw)
		if !ok {
			return b, false
		}
		return w.append(b, 0), true
	}
	f, ok := floatOfNumber(raw)
	return appendFloat(b, f), ok
}

// appendValue reads a value and writes it again. The error is that of the scanner, or
// errDigits.
func appendValue(b []byte, s *jsonscan.Scanner) ([]byte, error) {
	switch s.Kind() {
	case jsonscan.Object:
		return appendObject(b, s)
	case jsonscan.Array:
		return appendArray(b, s)
	case jsonscan.Text:
		text, err := s.Text()
		if err != nil {
			return b, err
		}
		return appendText(b, text), nil
	case jsonscan.Number:
		raw, err := s.Number()
		if err != nil {
			return b, err
		}
		b, ok := appendNumber(b, raw)
		if !ok {
			return b, errDigits
		}
		return b, nil
	}
	raw, err := s.Skip() // true, false, null
	return append(b, raw...), err
}

func appendArray(b []byte, s *jsonscan.Scanner) ([]byte, error) {
	if err := s.EnterArray(); err != nil {
		return b, err
	}
	b = append(b, '[')
	for first := true; ; first = false {
		more, err := s.NextElement()
		if err != nil {
			return b, err
		}
		if !more {
			return append(b, ']'), nil
		}
		if !first {
			b = append(b, ',')
		}
		if b, err = appendValue(b, s); err != nil {
			return b, err
		}
	}
}

// appendObject writes an object when it is read whole: a key may come again at its end.
func appendObject(b []byte, s *jsonscan.Scanner) ([]byte, error) {
	if err := s.EnterObject(); err != nil {
		return b, err
	}
	var members ordered[[]byte]
	for {
		key, more, err := s.NextKey()
		if err != nil {
			return b, err
		}
		if !more {
			break
		}
		name := string(key)
		value, err := appendValue(nil, s)
		if err != nil {
			return b, err
		}
		members.set(name, value)
	}
	b = append(b, '{')
	for n, name := range members.names {
		if n > 0 {
			b = append(b, ',')
		}
		b = append(appendText(b, []byte(name)), ':')
		b = append(b, members.values[n]...)
	}
	return append(b, '}'), nil
}

// ordered keeps values in the order in which their names first came.
type ordered[V any] struct {
	names  []string
	values []V
	index  map[string]int
}

// few is how many names are looked through without an index.
const few = 16

func (o *ordered[V]) find(name string) int {
	if o.index != nil {
		if i, ok := o.index[name]; ok {
			return i
		}
		return -1
	}
	for i, n := range o.names {
		if n == name {
			return i
		}
	}
	return -1
}

func (o *ordered[V]) set(name string, v V) {
	if i := o.find(name); i >= 0 {
		o.values[i] = v
		return
	}
	o.names = append(o.names, name)
	o.values = append(o.values, v)
	if o.index == nil && len(o.names) > few {
		o.index = make(map[string]int, 2*len(o.names))
		for i, n := range o.names {
			o.index[n] = i
		}
	} else if o.index != nil {
		o.index[name] = len(o.names) - 1
	}
}
