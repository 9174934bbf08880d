package scicattest

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// stamp is a time as the backend shows it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

var isoLayouts = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04:05.999999999Z0700",
	"2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02", "2006-01", "2006",
}

// parseISO reads an ISO text; without a zone it is UTC, the server's own.
func parseISO(s string) (time.Time, bool) {
	if len(s) > 10 && s[10] == ' ' {
		s = s[:10] + "T" + s[11:]
	}
	for _, layout := range isoLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// storedDate is a text that was sent for a date as it comes back: null when it
// can not be read.
func storedDate(v any) any {
	s, ok := v.(string)
	if !ok {
		return nil
	}
	if t, ok := parseISO(s); ok {
		return date(t.Truncate(time.Millisecond))
	}
	return nil
}

// dateLike says whether JavaScript reads s as a date. Such texts in filters
// become dates, and then match no text any more: "sample 1", "Run 5", "26037".
func dateLike(s string) bool {
	if _, ok := parseISO(s); ok {
		return true
	}
	p := looseDate{rest: s}
	return p.read() && p.valid()
}

// looseDate follows V8's parser of dates that are not ISO: words before the
// first number are ignored, of the numbers up to three are month, day, year.
type looseDate struct {
	rest    string
	numbers []int
	clock   []int
	month   bool // named
	digits  bool // a number was read
}

const monthNames = "janfebmaraprmayjunjulaugsepoctnovdec"

func (p *looseDate) read() bool {
	for p.rest != "" {
		c, width := utf8.DecodeRuneInString(p.rest)
		switch {
		case isDigit(c):
			if !p.number() {
				return false
			}
		case unicode.IsLetter(c):
			if !p.word() {
				return false
			}
		case (c == '+' || c == '-') && len(p.clock) > 0:
			// An offset from UTC.
			p.rest = strings.TrimLeft(p.rest[1:], "0123456789:")
		case (c == '+' || c == '-' || c == ')') && p.digits:
			return false
		case c == '(':
			_, p.rest, _ = strings.Cut(p.rest, ")")
		default:
			p.rest = p.rest[width:]
		}
	}
	return true
}

func isDigit(c rune) bool { return '0' <= c && c <= '9' }

func (p *looseDate) number() bool {
	n, used := 0, 0
	for used < len(p.rest) && isDigit(rune(p.rest[used])) {
		n = min(n*10+int(p.rest[used]-'0'), 1<<30)
		used++
	}
	p.rest, p.digits = p.rest[used:], true
	switch {
	case strings.HasPrefix(p.rest, ":") && len(p.clock) < 3:
		p.clock, p.rest = append(p.clock, n), p.rest[1:]
		return true
	case len(p.clock) > 0 && len(p.clock) < 3:
		p.clock = append(p.clock, n)
		if strings.HasPrefix(p.rest, ".") {
			p.rest = strings.TrimLeft(p.rest[1:], "0123456789")
		}
		return true
	case len(p.numbers) == 3:
		return false
	}
	p.numbers = append(p.numbers, n)
	p.rest = strings.TrimPrefix(p.rest, "-")
	return true
}

func (p *looseDate) word() bool {
	end := strings.IndexFunc(p.rest, func(r rune) bool { return !unicode.IsLetter(r) })
	if end < 0 {
		end = len(p.rest)
	}
	word := strings.ToLower(p.rest[:end])
	p.rest = p.rest[end:]
	if len(word) >= 3 {
		if i := strings.Index(monthNames, word[:3]); i >= 0 && i%3 == 0 {
			p.month, p.rest = true, strings.TrimPrefix(p.rest, "-")
			return true
		}
	}
	switch word {
	case "am", "pm":
		return len(p.clock) > 0
	case "z", "utc", "gmt", "ut":
		return p.digits
	}
	// Garbage is only taken before the first number, and apart from it.
	return !p.digits && (p.rest == "" || !isDigit(rune(p.rest[0])))
}

func (p *looseDate) valid() bool {
	if len(p.numbers) == 0 {
		return false
	}
	given := append(p.numbers, 1, 1, 1)[:3]
	isDay := func(n int) bool { return 1 <= n && n <= 31 }
	month, day := given[0], given[1]
	switch {
	case p.month && isDay(given[0]):
		month, day = 1, given[0]
	case p.month:
		month, day = 1, given[1]
	case !isDay(given[0]):
		month, day = given[1], given[2]
	}
	return 1 <= month && month <= 12 && isDay(day)
}
