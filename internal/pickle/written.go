package pickle

import (
	"bytes"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// mostDigits is where Python stops turning text into numbers, for the time it takes.
const mostDigits = 4300

// written pushes a value that protocol 0 writes as a line of text.
func (r *reader) written(op byte, line []byte) {
	if r.reason != "" {
		return
	}
	switch op {
	case 'I': // INT, and the booleans of protocol 0
		switch string(line) {
		case "00":
			r.push(false)
		case "01":
			r.push(true)
		default:
			r.number(line, true)
		}
	case 'L': // LONG
		r.number(bytes.TrimSuffix(line, []byte("L")), false)
	case 'F': // FLOAT
		f, err := strconv.ParseFloat(string(bytes.TrimSpace(line)), 64)
		if err != nil { // also for one beyond the range, as in Python
			r.fail(reasonNumber)
			return
		}
		r.push(f)
	case 'S': // STRING
		r.quoted(line)
	case 'V': // UNICODE
		s, ok := rawUnicode(line)
		if !ok {
			r.fail(reasonText)
			return
		}
		r.push(s)
	}
}

// number pushes a number that is written as in Python's source; octal allows a
// leading 0 for it, as C does.
func (r *reader) number(line []byte, octal bool) {
	line = bytes.TrimSpace(line)
	if len(line) > mostDigits+1 {
		r.fail(reasonNumber)
		return
	}
	n, ok := new(big.Int).SetString(string(line), 0)
	digits := bytes.TrimLeft(line, "+-")
	// Go reads a leading 0 as octal, which Python refuses unless all is zero.
	if old := !octal && len(digits) > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9'; !ok || (old && n.Sign() != 0) {
		r.fail(reasonNumber)
		return
	}
	r.push(integer(n))
}

// decimal reads an index of the memo.
func decimal(line []byte) (uint64, bool) {
	n, err := strconv.ParseUint(string(bytes.TrimSpace(line)), 10, 63)
	return n, err == nil
}

// quoted pushes a text of Python 2, which is written as in its source.
func (r *reader) quoted(line []byte) {
	line = bytes.TrimSpace(line)
	n := len(line)
	if n < 2 || line[0] != line[n-1] || (line[0] != '\'' && line[0] != '"') {
		r.fail(reasonText)
		return
	}
	line = line[1 : n-1]
	out := make([]byte, 0, len(line))
	for i := 0; i < len(line); i++ {
		c := line[i]
		if c != '\\' {
			out = append(out, c)
			continue
		}
		if i++; i >= len(line) {
			r.fail(reasonText)
			return
		}
		switch c = line[i]; c {
		case '\\', '\'', '"':
			out = append(out, c)
		case 'a', 'b', 'f', 'n', 'r', 't', 'v':
			out = append(out, "\a\b\f\n\r\t\v"[strings.IndexByte("abfnrtv", c)])
		case 'x':
			v, ok := hexadecimal(line, i+1, 2)
			if !ok {
				r.fail(reasonText)
				return
			}
			out = append(out, byte(v))
			i += 2
		case '0', '1', '2', '3', '4', '5', '6', '7':
			v, end := 0, min(i+3, len(line))
			for ; i < end && line[i] >= '0' && line[i] <= '7'; i++ {
				v = v<<3 | int(line[i]-'0')
			}
			i--
			out = append(out, byte(v))
		default:
			out = append(out, '\\', c)
		}
	}
	r.ascii(out)
}

// rawUnicode reads Latin-1 with the escapes \uXXXX and \UXXXXXXXX.
func rawUnicode(line []byte) (string, bool) {
	out := make([]byte, 0, len(line))
	for i := 0; i < len(line); {
		c := line[i]
		if c != '\\' || i+1 >= len(line) || (line[i+1] != 'u' && line[i+1] != 'U') {
			out = utf8.AppendRune(out, rune(c))
			i++
			// A backslash that begins no escape stands for itself, with its follower.
			if c == '\\' && i < len(line) {
				out = utf8.AppendRune(out, rune(line[i]))
				i++
			}
			continue
		}
		n := 4
		if line[i+1] == 'U' {
			n = 8
		}
		v, ok := hexadecimal(line, i+2, n)
		if !ok || v > utf8.MaxRune || !utf8.ValidRune(rune(v)) {
			return "", false
		}
		out = utf8.AppendRune(out, rune(v))
		i += 2 + n
	}
	return string(out), true
}

// hexadecimal reads n digits at b[at:].
func hexadecimal(b []byte, at, n int) (uint32, bool) {
	if at+n > len(b) {
		return 0, false
	}
	v, err := strconv.ParseUint(string(b[at:at+n]), 16, 32)
	return uint32(v), err == nil
}
