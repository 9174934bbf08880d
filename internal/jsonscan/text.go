package jsonscan

import (
	"unicode/utf16"
	"unicode/utf8"
)

// special marks the bytes at which a string stops being plain ASCII: quote,
// backslash, control characters, and everything beyond 0x7f.
var special = func() (t [256]bool) {
	for c := range t {
		t[c] = c < 0x20 || c >= 0x80 || c == '"' || c == '\\'
	}
	return t
}()

// text passes a string from its opening quote on. With decode it returns its
// characters, without it nil (of a string without escapes the view all the
// same).
func (s *Scanner) text(decode bool) ([]byte, error) {
	b, start := s.b, s.i+1
	i := start
	wide := false
	for {
		for i < len(b) && !special[b[i]] {
			i++
		}
		if i >= len(b) {
			return nil, s.fail(i, reasonEarlyEnd)
		}
		switch c := b[i]; {
		case c == '"':
			if wide && !utf8.Valid(b[start:i]) {
				return nil, s.fail(start, reasonUTF8)
			}
			s.i = i + 1
			return b[start:i:i], nil
		case c >= 0x80:
			wide = true
			i++
		case c == '\\':
			return s.escaped(start, i, decode)
		default:
			return nil, s.fail(i, reasonControl)
		}
	}
}

// escaped goes on with a string whose first escape is at i.
func (s *Scanner) escaped(start, i int, decode bool) ([]byte, error) {
	b := s.b
	// What is in scratch already belongs to views handed out before.
	from := len(s.scratch)
	plain := start
	flush := func(to int) bool {
		if !utf8.Valid(b[plain:to]) {
			return false
		}
		if decode {
			s.scratch = append(s.scratch, b[plain:to]...)
		}
		return true
	}
	for {
		for i < len(b) && b[i] != '"' && b[i] != '\\' && b[i] >= 0x20 {
			i++
		}
		if i >= len(b) {
			return nil, s.fail(i, reasonEarlyEnd)
		}
		if b[i] < 0x20 {
			return nil, s.fail(i, reasonControl)
		}
		if !flush(i) {
			return nil, s.fail(plain, reasonUTF8)
		}
		if b[i] == '"' {
			s.i = i + 1
			to := len(s.scratch)
			return s.scratch[from:to:to], nil
		}
		r, n, reason := unescape(b[i:])
		if reason != "" {
			return nil, s.fail(i+n, reason)
		}
		if decode {
			s.scratch = utf8.AppendRune(s.scratch, r)
		}
		i += n
		plain = i
	}
}

// unescape resolves the escape at the front of b. With a reason n is the
// offset of the wrong byte.
func unescape(b []byte) (r rune, n int, reason string) {
	if len(b) < 2 {
		return 0, len(b), reasonEarlyEnd
	}
	switch c := b[1]; c {
	case '"', '\\', '/':
		return rune(c), 2, ""
	case 'b':
		return '\b', 2, ""
	case 'f':
		return '\f', 2, ""
	case 'n':
		return '\n', 2, ""
	case 'r':
		return '\r', 2, ""
	case 't':
		return '\t', 2, ""
	case 'u':
	default:
		return 0, 1, reasonEscape
	}
	r, n, ok := hex4(b, 2)
	if !ok {
		return 0, n, reasonEscape
	}
	if !utf16.IsSurrogate(r) {
		return r, 6, ""
	}
	if len(b) < 8 || b[6] != '\\' || b[7] != 'u' {
		return 0, 0, reasonSurrogate
	}
	low, n, ok := hex4(b, 8)
	if !ok {
		return 0, n, reasonEscape
	}
	if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
		return 0, 0, reasonSurrogate
	}
	return r, 12, ""
}

// hex4 reads four hexadecimal digits at b[at:]; n is the offset behind them,
// or of the byte that is none.
func hex4(b []byte, at int) (r rune, n int, ok bool) {
	for n = at; n < at+4; n++ {
		if n >= len(b) {
			return 0, n, false
		}
		switch c := b[n]; {
		case c-'0' <= 9:
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, n, false
		}
	}
	return r, n, true
}
