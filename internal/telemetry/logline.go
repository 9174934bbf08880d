package telemetry

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sirupsen/logrus"
)

// layout is what surrounds message and fields in a line.
type layout int

const (
	// fullLine is the peer's form with program and pid: PREFIX - time - program[pid] - LEVEL - message.
	fullLine layout = iota
	// journalLine leaves out what the journal adds itself, and gives it the severity.
	journalLine
	// shortLine is for a person at a terminal.
	shortLine
	// bareLine is message and fields alone.
	bareLine
)

// lineFormatter writes one record as exactly one line.
type lineFormatter struct {
	layout  layout
	prefix  string
	program string
	pid     int
	colour  bool
	ascii   bool
}

// Format implements logrus.Formatter.
func (f lineFormatter) Format(e *logrus.Entry) ([]byte, error) {
	b := make([]byte, 0, 200)
	switch f.layout {
	case fullLine:
		if f.prefix != "" {
			b = append(appendText(b, f.prefix), " - "...)
		}
		b = e.Time.AppendFormat(b, "2006-01-02 15:04:05,000")
		b = fmt.Appendf(b, " - %s[%d] - %s - ", f.program, f.pid, levelName(e.Level))
	case journalLine:
		b = fmt.Appendf(b, "<%d>%s ", severity(e.Level), levelName(e.Level))
	case shortLine:
		b = e.Time.AppendFormat(b, time.TimeOnly)
		b = f.appendLevel(append(b, ' '), e.Level)
	}
	b = appendText(b, e.Message)
	for _, name := range slices.Sorted(maps.Keys(e.Data)) {
		b = append(appendText(append(b, ' '), name), '=')
		b = appendValue(b, e.Data[name])
	}
	if f.ascii {
		b = ASCII(b)
	}
	return append(b, '\n'), nil
}

// ASCII writes what is not ASCII as escapes, for readers that take nothing else.
func ASCII(text []byte) []byte {
	if !slices.ContainsFunc(text, func(c byte) bool { return c >= utf8.RuneSelf }) {
		return text
	}
	out := make([]byte, 0, 2*len(text))
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		switch {
		case r < utf8.RuneSelf:
			out = append(out, text[0])
		case r == utf8.RuneError && n == 1:
			out = fmt.Appendf(out, `\x%02x`, text[0])
		case r > 0xffff:
			out = fmt.Appendf(out, `\U%08x`, r)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		text = text[n:]
	}
	return out
}

func (f lineFormatter) appendLevel(b []byte, l logrus.Level) []byte {
	const reset = "\x1b[0m"
	colour := ""
	switch {
	case !f.colour:
	case l <= logrus.ErrorLevel:
		colour = "\x1b[31m"
	case l == logrus.WarnLevel:
		colour = "\x1b[33m"
	case l >= logrus.DebugLevel:
		colour = "\x1b[2m"
	}
	if colour == "" {
		return fmt.Appendf(b, "%-7s ", levelName(l))
	}
	return fmt.Appendf(b, "%s%-7s%s ", colour, levelName(l), reset)
}

// appendValue writes a field's value, in quotes where it could be misread.
func appendValue(b []byte, value any) []byte {
	text := valueText(value)
	plain := text != "" && strings.IndexFunc(text, func(r rune) bool {
		return r == ' ' || r == '"' || r == '=' || r == utf8.RuneError || !unicode.IsPrint(r)
	}) < 0
	if plain {
		return append(b, text...)
	}
	return strconv.AppendQuote(b, text)
}

// valueText is a field's value in words.
func valueText(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case error:
		return v.Error()
	case time.Time:
		return v.Format(time.RFC3339Nano)
	default:
		return fmt.Sprint(v)
	}
}

// appendText writes s so that it stays on its line and moves no cursor.
func appendText(b []byte, s string) []byte {
	for _, r := range s {
		switch {
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\t':
			b = append(b, `\t`...)
		case r == ' ' || unicode.IsPrint(r):
			b = utf8.AppendRune(b, r)
		default:
			quoted := strconv.QuoteRune(r)
			b = append(b, quoted[1:len(quoted)-1]...)
		}
	}
	return b
}
