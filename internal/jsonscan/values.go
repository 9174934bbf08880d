package jsonscan

import "bytes"

// Text reads a string: its characters as UTF-8, escapes resolved.
func (s *Scanner) Text() ([]byte, error) {
	if s.err != nil {
		return nil, s.err
	}
	if s.space() != '"' {
		return nil, s.fail(s.i, reasonWantText)
	}
	return s.text(true)
}

// Number reads a number and returns it as it is written: "-1.5e3", and with
// Options.NonFinite also "NaN", "Infinity" and "-Infinity".
func (s *Scanner) Number() ([]byte, error) {
	if s.err != nil {
		return nil, s.err
	}
	if s.Kind() != Number {
		return nil, s.fail(s.i, reasonWantNumber)
	}
	return s.number()
}

// Uint reads a number that is written as a whole one, without sign, fraction
// or exponent, and fits 64 bits.
func (s *Scanner) Uint() (uint64, error) {
	start := s.i
	raw, err := s.Number()
	if err != nil {
		return 0, err
	}
	var n uint64
	for _, c := range raw {
		d := uint64(c - '0')
		// 1844674407370955161 is 2^64/10: beyond it another digit overflows.
		if c < '0' || c > '9' || n > 1844674407370955161 || (n == 1844674407370955161 && d > 5) {
			return 0, s.fail(start, reasonWantUint)
		}
		n = n*10 + d
	}
	return n, nil
}

// Bool reads true or false.
func (s *Scanner) Bool() (bool, error) {
	if s.err != nil {
		return false, s.err
	}
	switch s.space() {
	case 't':
		return true, s.word("true")
	case 'f':
		return false, s.word("false")
	}
	return false, s.fail(s.i, reasonWantBool)
}

// Null reads null.
func (s *Scanner) Null() error {
	if s.err != nil {
		return s.err
	}
	if s.space() != 'n' {
		return s.fail(s.i, reasonWantNull)
	}
	return s.word("null")
}

// Skip passes the next value, whatever it is, and returns it as it is written,
// without the white space around it. All of it is checked.
func (s *Scanner) Skip() ([]byte, error) {
	if s.err != nil {
		return nil, s.err
	}
	s.space()
	start := s.i
	if err := s.skip(); err != nil {
		return nil, err
	}
	return s.b[start:s.i:s.i], nil
}

// skip calls itself for each level, which MaxDepth bounds.
func (s *Scanner) skip() error {
	switch s.Kind() {
	case Object:
		return s.skipObject()
	case Array:
		return s.skipArray()
	case Text:
		_, err := s.text(false)
		return err
	case Number:
		_, err := s.number()
		return err
	case Bool:
		_, err := s.Bool()
		return err
	case Null:
		return s.Null()
	}
	return s.fail(s.i, reasonNoValue)
}

func (s *Scanner) skipObject() error {
	if err := s.EnterObject(); err != nil {
		return err
	}
	for {
		more, err := s.next('}')
		if err != nil || !more {
			return err
		}
		if s.space() != '"' {
			return s.fail(s.i, reasonNoKey)
		}
		if _, err := s.text(false); err != nil {
			return err
		}
		if s.space() != ':' {
			return s.fail(s.i, reasonNoColon)
		}
		s.i++
		if err := s.skip(); err != nil {
			return err
		}
	}
}

func (s *Scanner) skipArray() error {
	if err := s.EnterArray(); err != nil {
		return err
	}
	for {
		more, err := s.next(']')
		if err != nil || !more {
			return err
		}
		if err := s.skip(); err != nil {
			return err
		}
	}
}

// word passes a literal; what may not follow it is found by the next call.
func (s *Scanner) word(w string) error {
	rest := s.b[s.i:]
	if len(rest) < len(w) || string(rest[:len(w)]) != w {
		for i := range rest {
			if i >= len(w) || rest[i] != w[i] {
				return s.fail(s.i, reasonLiteral)
			}
		}
		return s.fail(len(s.b), reasonEarlyEnd)
	}
	s.i += len(w)
	return nil
}

var negativeInfinity = []byte("-Infinity")

// number passes a number from its first byte on.
func (s *Scanner) number() ([]byte, error) {
	start := s.i
	if s.loose {
		switch c := s.b[start]; {
		case c == 'N':
			err := s.word("NaN")
			return s.b[start:s.i:s.i], err
		case c == 'I':
			err := s.word("Infinity")
			return s.b[start:s.i:s.i], err
		case bytes.HasPrefix(s.b[start:], negativeInfinity):
			s.i += len(negativeInfinity)
			return s.b[start:s.i:s.i], nil
		}
	}
	i := start
	if s.b[i] == '-' {
		i++
	}
	switch {
	case i < len(s.b) && s.b[i] == '0':
		i++
		if i < len(s.b) && isDigit(s.b[i]) {
			return nil, s.fail(i, reasonNumber)
		}
	default:
		var ok bool
		if i, ok = s.digits(i); !ok {
			return nil, s.fail(i, reasonNumber)
		}
	}
	if i < len(s.b) && s.b[i] == '.' {
		var ok bool
		if i, ok = s.digits(i + 1); !ok {
			return nil, s.fail(i, reasonNumber)
		}
	}
	if i < len(s.b) && s.b[i]|0x20 == 'e' {
		i++
		if i < len(s.b) && (s.b[i] == '+' || s.b[i] == '-') {
			i++
		}
		var ok bool
		if i, ok = s.digits(i); !ok {
			return nil, s.fail(i, reasonNumber)
		}
	}
	s.i = i
	return s.b[start:i:i], nil
}

// digits passes one or more digits.
func (s *Scanner) digits(i int) (int, bool) {
	start := i
	for i < len(s.b) && isDigit(s.b[i]) {
		i++
	}
	return i, i > start
}

func isDigit(c byte) bool { return c-'0' <= 9 }
