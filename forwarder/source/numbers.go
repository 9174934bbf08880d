package source

import (
	"bytes"
	"math"
	"math/big"
	"strconv"
	"unicode"
)

// Numbers as the peers' validators take them (measured, see testdata/measured): a
// text may hold a number, a number may have a fraction of zero, a boolean is 0 or 1.

// mostDigits is where the peers stop turning text into whole numbers.
const mostDigits = 4300

// plainInt reads what nearly all headers have: up to 18 digits.
func plainInt(raw []byte) (n int64, ok bool) {
	digits := raw
	if len(digits) > 0 && digits[0] == '-' {
		digits = digits[1:]
	}
	if len(digits) == 0 || len(digits) > 18 {
		return 0, false
	}
	for _, c := range digits {
		if c-'0' > 9 {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	if len(digits) < len(raw) {
		n = -n
	}
	return n, true
}

// whole is a whole number of any size: n, or big where it does not fit.
type whole struct {
	n   int64
	big *big.Int
}

func (w whole) append(b []byte, add int64) []byte {
	if w.big != nil {
		return new(big.Int).Add(w.big, big.NewInt(add)).Append(b, 10)
	}
	if sum := w.n + add; (sum > w.n) == (add > 0) {
		return strconv.AppendInt(b, sum, 10)
	}
	return new(big.Int).Add(big.NewInt(w.n), big.NewInt(add)).Append(b, 10)
}

// bigWhole makes a whole number of digits with a sign, which are known to be one.
func bigWhole(digits []byte) (whole, bool) {
	if n, ok := plainInt(digits); ok {
		return whole{n: n}, true
	}
	n, ok := new(big.Int).SetString(string(digits), 10)
	if !ok {
		return whole{}, false
	}
	if n.IsInt64() {
		return whole{n: n.Int64()}, true
	}
	return whole{big: n}, true
}

// intOfNumber reads a JSON number, or NaN or an infinity, as a whole number.
func intOfNumber(raw []byte) (whole, bool) {
	if n, ok := plainInt(raw); ok {
		return whole{n: n}, true
	}
	if !bytes.ContainsAny(raw, ".eENI") {
		if len(raw) > mostDigits+1 {
			return whole{}, false
		}
		return bigWhole(raw)
	}
	f, ok := floatOfNumber(raw)
	if !ok {
		return whole{}, false
	}
	return intOfFloat(f)
}

// intOfFloat takes floats without a fraction, within the range of 64 bits.
func intOfFloat(f float64) (whole, bool) {
	if f != math.Trunc(f) || f <= -(1<<63) || f >= 1<<63 { // false for NaN
		return whole{}, false
	}
	return whole{n: int64(f)}, true
}

// intOfText reads a text as a whole number: 7, " +7 ", 1_000, 7.00.
func intOfText(text []byte) (whole, bool) {
	if n, ok := plainInt(text); ok {
		return whole{n: n}, true
	}
	text = bytes.TrimFunc(text, unicode.IsSpace)
	negative := false
	if len(text) > 0 && (text[0] == '+' || text[0] == '-') {
		negative = text[0] == '-'
		text = text[1:]
	}
	if i := bytes.IndexByte(text, '.'); i >= 0 {
		fraction := text[i+1:]
		if len(fraction) == 0 || len(bytes.Trim(fraction, "0")) > 0 {
			return whole{}, false
		}
		text = text[:i]
	}
	return underscored(text, negative)
}

// underscored reads digits with single underscores between them. Leading zeros do not
// count.
func underscored(text []byte, negative bool) (whole, bool) {
	digits := make([]byte, 0, min(len(text)+1, mostDigits+2))
	if negative {
		digits = append(digits, '-')
	}
	n := 0
	for i, c := range text {
		switch {
		case c == '_' && i > 0 && i+1 < len(text) && text[i+1] != '_':
			continue
		case c-'0' > 9:
			return whole{}, false
		case c == '0' && n == 0:
			continue
		}
		if n++; n > mostDigits {
			return whole{}, false
		}
		digits = append(digits, c)
	}
	if n == 0 {
		return whole{}, len(text) > 0
	}
	return bigWhole(digits)
}

// floatOfNumber reads a JSON number; beyond the range it is an infinity.
func floatOfNumber(raw []byte) (float64, bool) {
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil && !math.IsInf(f, 0) {
		return 0, false
	}
	return f, true
}

// floatOfText reads a text as a number: " 1.5 ", 1_000.5, .5, 5., nan, -inf.
func floatOfText(text []byte) (float64, bool) {
	text = bytes.TrimFunc(text, unicode.IsSpace)
	n := len(text)
	if n == 0 || text[0] == '_' || text[n-1] == '_' || bytes.Contains(text, []byte("__")) {
		return 0, false
	}
	text = bytes.ReplaceAll(text, []byte("_"), nil)
	word := text
	if len(word) > 0 && (word[0] == '+' || word[0] == '-') {
		word = word[1:]
	}
	if bytes.EqualFold(word, []byte("nan")) {
		return math.NaN(), true
	}
	if bytes.ContainsAny(word, "xXpP") { // Go's hexadecimal numbers
		return 0, false
	}
	return floatOfNumber(text)
}
