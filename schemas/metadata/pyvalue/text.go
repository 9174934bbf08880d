package pyvalue

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text is str(v).
func Text(v Value) string {
	switch v := v.(type) {
	case Str:
		return string(v)
	case Scalar:
		return v.text()
	case Array:
		return v.text()
	default:
		return Repr(v)
	}
}

// Repr is repr(v).
func Repr(v Value) string {
	var sb strings.Builder
	writeRepr(&sb, v)
	return sb.String()
}

func writeRepr(sb *strings.Builder, v Value) {
	switch v := v.(type) {
	case None:
		sb.WriteString("None")
	case Bool:
		if v {
			sb.WriteString("True")
		} else {
			sb.WriteString("False")
		}
	case Int:
		sb.WriteString(v.String())
	case Float:
		sb.WriteString(FloatText(float64(v)))
	case Complex:
		sb.WriteString(complexText(complex128(v)))
	case Str:
		writeQuoted(sb, string(v))
	case Bytes:
		writeBytes(sb, string(v))
	case List:
		writeSequence(sb, v, "[", "]", false)
	case Tuple:
		writeSequence(sb, v, "(", ")", true)
	case Set:
		if len(v) == 0 {
			sb.WriteString("set()")
			return
		}
		writeSequence(sb, v, "{", "}", false)
	case *Dict:
		sb.WriteByte('{')
		for i := range v.keys {
			if i > 0 {
				sb.WriteString(", ")
			}
			writeRepr(sb, v.keys[i])
			sb.WriteString(": ")
			writeRepr(sb, v.values[i])
		}
		sb.WriteByte('}')
	case Scalar:
		sb.WriteString(v.repr())
	case Array:
		sb.WriteString("array(" + v.text() + ")")
	case Foreign:
		sb.WriteString(string(v))
	default:
		fmt.Fprintf(sb, "%v", v)
	}
}

func writeSequence(sb *strings.Builder, elements []Value, open, end string, tuple bool) {
	sb.WriteString(open)
	for i, e := range elements {
		if i > 0 {
			sb.WriteString(", ")
		}
		writeRepr(sb, e)
	}
	if tuple && len(elements) == 1 {
		sb.WriteByte(',')
	}
	sb.WriteString(end)
}

// quoteFor prefers single quotes, as Python does.
func quoteFor(s string) byte {
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		return '"'
	}
	return '\''
}

func writeQuoted(sb *strings.Builder, s string) {
	quote := quoteFor(s)
	sb.WriteByte(quote)
	for i, r := range s {
		switch {
		case r == rune(quote) || r == '\\':
			sb.WriteByte('\\')
			sb.WriteRune(r)
		case r == '\n':
			sb.WriteString(`\n`)
		case r == '\r':
			sb.WriteString(`\r`)
		case r == '\t':
			sb.WriteString(`\t`)
		case r == utf8.RuneError && isBadByte(s[i:]):
			fmt.Fprintf(sb, `\udc%02x`, s[i])
		case r < 0x20 || r == 0x7f || r > 0x7f && r <= 0xff && !unicode.IsPrint(r):
			fmt.Fprintf(sb, `\x%02x`, r)
		case r <= 0xff || isPythonPrintable(r):
			sb.WriteRune(r)
		case r <= 0xffff:
			fmt.Fprintf(sb, `\u%04x`, r)
		default:
			fmt.Fprintf(sb, `\U%08x`, r)
		}
	}
	sb.WriteByte(quote)
}

func isBadByte(s string) bool {
	_, size := utf8.DecodeRuneInString(s)
	return size == 1
}

// isPythonPrintable is str.isprintable: no separators but the space, no
// control, format, private or unassigned characters.
func isPythonPrintable(r rune) bool {
	return unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S)
}

func writeBytes(sb *strings.Builder, s string) {
	quote := quoteFor(s)
	sb.WriteByte('b')
	sb.WriteByte(quote)
	for i := range len(s) {
		switch c := s[i]; {
		case c == quote || c == '\\':
			sb.WriteByte('\\')
			sb.WriteByte(c)
		case c == '\n':
			sb.WriteString(`\n`)
		case c == '\r':
			sb.WriteString(`\r`)
		case c == '\t':
			sb.WriteString(`\t`)
		case c < 0x20 || c >= 0x7f:
			fmt.Fprintf(sb, `\x%02x`, c)
		default:
			sb.WriteByte(c)
		}
	}
	sb.WriteByte(quote)
}

// complexText is repr of a complex number: (1+2j), or 2j without a real part.
func complexText(c complex128) string {
	imaginary := complexPart(imag(c)) + "j"
	if real(c) == 0 && !isNegativeZero(real(c)) {
		return imaginary
	}
	if !strings.HasPrefix(imaginary, "-") {
		imaginary = "+" + imaginary
	}
	return "(" + complexPart(real(c)) + imaginary + ")"
}

func complexPart(f float64) string {
	return strings.TrimSuffix(FloatText(f), ".0")
}

func isNegativeZero(f float64) bool {
	return f == 0 && strconv.FormatFloat(f, 'f', -1, 64) == "-0"
}
