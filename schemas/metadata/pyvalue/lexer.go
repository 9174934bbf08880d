package pyvalue

import (
	"math/big"
	"strconv"
	"strings"
)

// lexer cuts a literal into tokens: names and punctuation in token, numbers
// and texts in literal. Both are empty at the end.
type lexer struct {
	src      string
	pos      int
	brackets int
	started  bool // a token has been seen
	token    string
	literal  Value
}

// next steps to the following token.
func (l *lexer) next() error {
	l.token, l.literal = "", nil
	if err := l.skipSpace(); err != nil {
		return err
	}
	if l.pos >= len(l.src) {
		return nil
	}
	rest := l.src[l.pos:]
	switch c := rest[0]; {
	case strings.HasPrefix(rest, "..."):
		l.token = "..."
		l.pos += 3
	case strings.IndexByte("[](){},:+-", c) >= 0:
		l.token = rest[:1]
		l.pos++
	case isDigit(c), c == '.' && len(rest) > 1 && isDigit(rest[1]):
		return l.number()
	case c == '\'' || c == '"':
		return l.text("")
	case isNameByte(c):
		end := 1
		for end < len(rest) && (isNameByte(rest[end]) || isDigit(rest[end])) {
			end++
		}
		if end < len(rest) && (rest[end] == '\'' || rest[end] == '"') {
			l.pos += end
			return l.text(strings.ToLower(rest[:end]))
		}
		l.token = rest[:end]
		l.pos += end
	default:
		return errLiteral
	}
	return nil
}

// skipSpace passes spaces and comments, and line ends where they mean nothing:
// between brackets, before the first token and after the last.
func (l *lexer) skipSpace() error {
	lineStart := -1 // where the last line begins that was begun here
	for l.pos < len(l.src) {
		switch c := l.src[l.pos]; c {
		case ' ', '\t', '\f':
		case '\n', '\r':
			lineStart = l.pos + 1
		case '\\':
			if !strings.HasPrefix(l.src[l.pos:], "\\\n") {
				return errLiteral
			}
			l.pos++
		case '#':
			for l.pos < len(l.src)-1 && l.src[l.pos+1] != '\n' {
				l.pos++
			}
		default:
			if lineStart >= 0 && l.brackets == 0 && (l.started || lineStart != l.pos) {
				return errLiteral
			}
			l.started = true
			return nil
		}
		l.pos++
	}
	return nil
}

// number reads an integer of any base, a float, or an imaginary number.
func (l *lexer) number() error {
	start := l.pos
	for l.pos < len(l.src) && (isNameByte(l.src[l.pos]) || isDigit(l.src[l.pos]) || l.src[l.pos] == '.' || l.isExponentSign(start)) {
		l.pos++
	}
	text := l.src[start:l.pos]
	imaginary := strings.HasSuffix(text, "j") || strings.HasSuffix(text, "J")
	if imaginary && !strings.HasPrefix(strings.ToLower(text), "0x") {
		text = text[:len(text)-1]
	} else {
		imaginary = false
	}
	v, err := numberLiteral(text, imaginary)
	l.literal = v
	return err
}

// isExponentSign says that the byte is the sign in 1e-5; the e of 0x1e is none.
func (l *lexer) isExponentSign(start int) bool {
	c, before := l.src[l.pos], l.src[l.pos-1]
	return (c == '+' || c == '-') && l.pos > start && (before == 'e' || before == 'E') &&
		!strings.HasPrefix(strings.ToLower(l.src[start:l.pos]), "0x")
}

func numberLiteral(text string, imaginary bool) (Value, error) {
	if len(text) > 1 && text[0] == '0' && strings.ContainsRune("xXoObB", rune(text[1])) && !imaginary {
		return basedInt(text)
	}
	plain, ok := withoutUnderscores(text)
	if !ok || !isFloatText(plain) || isNameByte(plain[0]) {
		return nil, errLiteral
	}
	if !isDigits(plain) || imaginary {
		f, err := ParseFloat(plain)
		if err != nil {
			return nil, errLiteral
		}
		if imaginary {
			return Complex(complex(0, float64(f))), nil
		}
		return f, nil
	}
	if plain[0] == '0' && strings.Trim(plain, "0") != "" {
		return nil, errLiteral // 007 is not an integer in Python 3
	}
	return ParseInt(plain)
}

func basedInt(text string) (Value, error) {
	base := map[byte]int{'x': 16, 'o': 8, 'b': 2}[text[1]|0x20]
	digits := strings.TrimPrefix(text[2:], "_")
	if digits == "" || strings.HasSuffix(digits, "_") || strings.HasPrefix(digits, "_") || strings.Contains(digits, "__") {
		return nil, errLiteral
	}
	digits = strings.ReplaceAll(digits, "_", "")
	b, ok := new(big.Int).SetString(digits, base)
	if !ok || strings.ContainsAny(digits, "+-") {
		return nil, errLiteral
	}
	return NewBig(b), nil
}

// text reads a quoted text behind its prefix.
func (l *lexer) text(prefix string) error {
	var raw, bytes bool
	switch prefix {
	case "", "u":
	case "r":
		raw = true
	case "b":
		bytes = true
	case "br", "rb":
		raw, bytes = true, true
	default:
		return errLiteral
	}
	quote := l.src[l.pos : l.pos+1]
	if triple := strings.Repeat(quote, 3); strings.HasPrefix(l.src[l.pos:], triple) {
		quote = triple
	}
	l.pos += len(quote)
	var sb strings.Builder
	for !strings.HasPrefix(l.src[l.pos:], quote) {
		if l.pos >= len(l.src) {
			return errLiteral
		}
		c := l.src[l.pos]
		switch {
		case len(quote) == 1 && (c == '\n' || c == '\r'), bytes && c >= 0x80:
			return errLiteral
		case c != '\\':
			sb.WriteByte(c)
			l.pos++
		case l.pos+1 >= len(l.src):
			return errLiteral
		case raw:
			sb.WriteString(l.src[l.pos : l.pos+2])
			l.pos += 2
		default:
			if err := l.escape(&sb, bytes); err != nil {
				return err
			}
		}
	}
	l.pos += len(quote)
	if bytes {
		l.literal = Bytes(sb.String())
	} else {
		l.literal = Str(sb.String())
	}
	return nil
}

// escape reads what follows a backslash; an unknown escape stays as it is.
func (l *lexer) escape(sb *strings.Builder, bytes bool) error {
	c := l.src[l.pos+1]
	l.pos += 2
	if i := strings.IndexByte(`\'"abfnrtv`, c); i >= 0 {
		sb.WriteByte("\\'\"\a\b\f\n\r\t\v"[i])
		return nil
	}
	width := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
	switch {
	case c == '\n':
		return nil
	case '0' <= c && c <= '7':
		end := l.pos
		for end < len(l.src) && end < l.pos+2 && '0' <= l.src[end] && l.src[end] <= '7' {
			end++
		}
		return l.code(sb, l.src[l.pos-1:end], end, 8, bytes)
	case bytes && c != 'x', width == 0 && c != 'N':
		sb.WriteByte('\\')
		l.pos-- // the byte may begin a longer character
		return nil
	case c == 'N', l.pos+width > len(l.src):
		return errLiteral // names of characters are not known here
	default:
		return l.code(sb, l.src[l.pos:l.pos+width], l.pos+width, 16, bytes)
	}
}

func (l *lexer) code(sb *strings.Builder, digits string, end, base int, bytes bool) error {
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil || n > 0x10ffff {
		return errLiteral
	}
	l.pos = end
	if bytes {
		sb.WriteByte(byte(n))
	} else {
		sb.WriteRune(rune(n))
	}
	return nil
}

func isNameByte(c byte) bool {
	return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
