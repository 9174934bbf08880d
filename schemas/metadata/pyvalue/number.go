package pyvalue

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode"
)

// maxIntDigits is Python's bound on the digits of an integer in a text.
const maxIntDigits = 4300

// ToInt is int(v): numbers are cut towards zero, texts are read.
func ToInt(v Value) (Int, error) {
	switch v := v.(type) {
	case Bool:
		if v {
			return NewInt(1), nil
		}
		return NewInt(0), nil
	case Int:
		return v, nil
	case Float:
		f := float64(v)
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return Int{}, fmt.Errorf("%s is not an integer", FloatText(f))
		}
		return NewBig(floatToInt(f)), nil
	case Str:
		return ParseInt(string(v))
	case Bytes:
		if !isASCII(string(v)) {
			return Int{}, fmt.Errorf("%s is not an integer", shown(v))
		}
		return ParseInt(string(v))
	case Scalar:
		return ToInt(v.Item)
	default:
		return Int{}, fmt.Errorf("%s is not an integer", Words(v))
	}
}

// ToFloat is float(v).
func ToFloat(v Value) (Float, error) {
	switch v := v.(type) {
	case Bool:
		if v {
			return 1, nil
		}
		return 0, nil
	case Int:
		f, _ := new(big.Float).SetInt(v.Big()).Float64()
		if math.IsInf(f, 0) {
			return 0, errors.New("the integer is too large for a float")
		}
		return Float(f), nil
	case Float:
		return v, nil
	case Str:
		return ParseFloat(string(v))
	case Bytes:
		if !isASCII(string(v)) {
			return 0, fmt.Errorf("%s is not a number", shown(v))
		}
		return ParseFloat(string(v))
	case Scalar:
		return ToFloat(v.Item)
	default:
		return 0, fmt.Errorf("%s is not a number", Words(v))
	}
}

// ParseInt reads the text of a decimal integer as int() does: space around it,
// a sign, single underscores between digits, digits of any script.
func ParseInt(s string) (Int, error) {
	text, ok := plainNumber(s)
	if ok {
		text, ok = withoutUnderscores(text)
	}
	sign := ""
	if ok && text != "" && (text[0] == '+' || text[0] == '-') {
		if text[0] == '-' {
			sign = "-"
		}
		text = text[1:]
	}
	if !ok || !isDigits(text) {
		return Int{}, fmt.Errorf("%s is not an integer", shown(Str(s)))
	}
	if len(text) > maxIntDigits {
		return Int{}, fmt.Errorf("an integer of %d digits is too long", len(text))
	}
	b, ok := new(big.Int).SetString(sign+text, 10)
	if !ok {
		return Int{}, fmt.Errorf("%s is not an integer", shown(Str(s)))
	}
	return NewBig(b), nil
}

// ParseFloat reads a number as float() does, nan and infinity included.
func ParseFloat(s string) (Float, error) {
	text, ok := plainNumber(s)
	if ok {
		text, ok = withoutUnderscores(text)
	}
	if !ok || !isFloatText(text) {
		return 0, fmt.Errorf("%s is not a number", shown(Str(s)))
	}
	if strings.EqualFold(strings.TrimLeft(text, "+-"), "nan") {
		return Float(math.NaN()), nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, fmt.Errorf("%s is not a number", shown(Str(s)))
	}
	return Float(f), nil
}

// plainNumber trims s and writes the decimal digits of every script in ASCII.
func plainNumber(s string) (string, bool) {
	s = strings.TrimFunc(s, isPythonSpace)
	if isASCII(s) {
		return s, true
	}
	var sb strings.Builder
	for _, r := range s {
		switch {
		case r < 0x80:
			sb.WriteRune(r)
		case unicode.Is(unicode.Nd, r):
			sb.WriteByte('0' + digitValue(r))
		default:
			return "", false
		}
	}
	return sb.String(), true
}

// digitValue is the value of a decimal digit of any script: Unicode keeps the
// ten digits of a script together, and each run starts at zero.
func digitValue(r rune) byte {
	for _, run := range unicode.Nd.R16 {
		if rune(run.Lo) <= r && r <= rune(run.Hi) {
			return byte((r - rune(run.Lo)) % 10)
		}
	}
	for _, run := range unicode.Nd.R32 {
		if rune(run.Lo) <= r && r <= rune(run.Hi) {
			return byte((r - rune(run.Lo)) % 10)
		}
	}
	return 0
}

// withoutUnderscores removes underscores, each of which must stand between
// two digits.
func withoutUnderscores(s string) (string, bool) {
	if !strings.Contains(s, "_") {
		return s, true
	}
	for i := range len(s) {
		if s[i] == '_' && (i == 0 || i == len(s)-1 || !isDigit(s[i-1]) || !isDigit(s[i+1])) {
			return "", false
		}
	}
	return strings.ReplaceAll(s, "_", ""), true
}

// isFloatText keeps out what Go's parser would accept and Python would not,
// such as hexadecimal.
func isFloatText(s string) bool {
	s = strings.TrimLeft(s[:min(1, len(s))], "+-") + s[min(1, len(s)):]
	switch strings.ToLower(s) {
	case "inf", "infinity", "nan":
		return true
	}
	mantissa, exponent, hasExponent := cutExponent(s)
	whole, fraction, _ := strings.Cut(mantissa, ".")
	if whole+fraction == "" || !isDigits(whole+fraction) {
		return false
	}
	if !hasExponent {
		return true
	}
	exponent = strings.TrimLeft(exponent[:min(1, len(exponent))], "+-") + exponent[min(1, len(exponent)):]
	return isDigits(exponent)
}

func cutExponent(s string) (mantissa, exponent string, found bool) {
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isDigits(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return s != ""
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// isPythonSpace is str.isspace, which also knows the four information
// separators.
func isPythonSpace(r rune) bool {
	return unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f
}

// shown is a value in a message, cut where it gets long.
func shown(v Value) string {
	text := Repr(v)
	const most = 60
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
