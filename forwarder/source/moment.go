package source

import (
	"bytes"
	"math"
	"time"
)

// Moments as the peers' validators take them (measured, see testdata/measured):
// RFC 3339 with some freedom, a date alone, or seconds or milliseconds since 1970 as
// a number or a text.

// Beyond this a number is one of milliseconds.
const milliseconds = 2e10

// The seconds of the years 1 to 9999.
const (
	firstSecond = -62135596800
	lastSecond  = 253402300799
)

// momentOfSeconds says whether a number since 1970 is in the years 1 to 9999.
func momentOfSeconds(f float64) bool {
	if math.IsNaN(f) {
		return false
	}
	if math.Abs(f) > milliseconds {
		f /= 1000
	}
	return f >= firstSecond && f < lastSecond+1
}

// momentOfText says whether a text is a moment.
func momentOfText(text []byte) bool {
	return numericMoment(text) || dateMoment(text)
}

// numericMoment reads a number: a sign, digits, and with a point anything that a
// float has.
func numericMoment(text []byte) bool {
	digits := text
	if len(digits) > 0 && (digits[0] == '+' || digits[0] == '-') {
		digits = digits[1:]
	}
	i := 0
	for i < len(digits) && digits[i]-'0' <= 9 {
		i++
	}
	switch {
	case i == len(digits):
		if i == 0 {
			return false
		}
	case digits[i] != '.' || bytes.ContainsAny(digits, "xXpP_"):
		return false
	}
	f, ok := floatOfNumber(text)
	return ok && momentOfSeconds(f)
}

// dateMoment reads YYYY-MM-DD, and after T, t, _ or a space HH:MM[:SS[.fraction]]
// with a zone or without.
func dateMoment(text []byte) bool {
	if len(text) < 10 {
		return false
	}
	year, y := fixed(text, 0, 4)
	month, m := fixed(text, 5, 2)
	day, d := fixed(text, 8, 2)
	if !y || !m || !d || text[4] != '-' || text[7] != '-' || year < 1 || month < 1 || month > 12 || day < 1 {
		return false
	}
	if day > time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day() {
		return false
	}
	if text = text[10:]; len(text) == 0 {
		return true
	}
	if bytes.IndexByte([]byte("Tt_ "), text[0]) < 0 {
		return false
	}
	return clock(text[1:])
}

func clock(text []byte) bool {
	hour, h := fixed(text, 0, 2)
	minute, m := fixed(text, 3, 2)
	if !h || !m || text[2] != ':' || hour > 23 || minute > 59 {
		return false
	}
	text = text[5:]
	if len(text) > 0 && text[0] == ':' {
		second, ok := fixed(text, 1, 2)
		if !ok || second > 59 {
			return false
		}
		text = text[3:]
		if len(text) > 0 && (text[0] == '.' || text[0] == ',') {
			rest := bytes.TrimLeft(text[1:], "0123456789")
			if len(rest) == len(text)-1 {
				return false
			}
			text = rest
		}
	}
	return zone(text)
}

// zone reads nothing, Z, or a sign with HH:MM or HHMM.
func zone(text []byte) bool {
	if len(text) == 0 || len(text) == 1 && (text[0] == 'Z' || text[0] == 'z') {
		return true
	}
	switch {
	case text[0] == '+' || text[0] == '-':
		text = text[1:]
	case bytes.HasPrefix(text, []byte("\u2212")): // the minus of typographers
		text = text[3:]
	default:
		return false
	}
	hour, ok := fixed(text, 0, 2)
	if !ok || hour > 23 {
		return false
	}
	if text = text[2:]; len(text) > 0 && text[0] == ':' {
		text = text[1:]
	}
	minute, ok := fixed(text, 0, 2)
	return ok && minute <= 59 && len(text) == 2
}

// fixed reads n digits at b[at:].
func fixed(b []byte, at, n int) (int, bool) {
	if len(b) < at+n {
		return 0, false
	}
	v := 0
	for _, c := range b[at : at+n] {
		if c-'0' > 9 {
			return 0, false
		}
		v = v*10 + int(c-'0')
	}
	return v, true
}
