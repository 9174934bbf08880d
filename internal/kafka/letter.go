package kafka

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"ingestor/internal/intake"
)

// The headers that a dead letter has besides those of its message.
const (
	headerPrefix   = "ingestor-"
	headerReason   = headerPrefix + "reason"
	headerAttempts = headerPrefix + "attempts"
	headerSource   = headerPrefix + "source"
	headerTime     = headerPrefix + "time"
	headerStderr   = headerPrefix + "stderr"
	// headerValue says that the value is left out, see variants.
	headerValue = headerPrefix + "value"
)

const (
	// longestStderr is how much of a child's stderr goes along, from its end.
	longestStderr = 4 << 10
	// longestReason keeps a header readable, whoever wrote the reason.
	longestReason = 2 << 10
)

// record is a dead letter as a message: key, value and headers of the original,
// and ours. Headers of ours that the original has, as a letter that was replayed
// does, are replaced.
func record(topic string, l intake.DeadLetter) Record {
	headers := slices.DeleteFunc(slices.Clone(l.Headers), func(h intake.Header) bool {
		return strings.HasPrefix(h.Key, headerPrefix)
	})
	add := func(key, value string) {
		headers = append(headers, intake.Header{Key: key, Value: []byte(value)})
	}
	add(headerReason, cut(oneLine(l.Reason), longestReason))
	add(headerAttempts, strconv.Itoa(l.Attempts))
	add(headerSource, l.Position())
	add(headerTime, l.Given.UTC().Format(time.RFC3339Nano))
	if text := l.Stderr; len(text) > 0 {
		text = text[max(0, len(text)-longestStderr):]
		add(headerStderr, strings.ToValidUTF8(string(text), "\uFFFD"))
	}
	return Record{Topic: topic, Key: l.Key, Value: l.Value, Headers: headers}
}

// variants are a letter and what is sent in its place when the topic takes
// nothing so large: without the value, which is at the letter's source still,
// and at last with nothing but what tells where that is and why.
func variants(whole Record) []Record {
	omitted := intake.Header{Key: headerValue, Value: []byte("omitted")}
	light := whole
	light.Value = nil
	light.Headers = append(slices.Clip(whole.Headers), omitted)
	bare := Record{Topic: whole.Topic}
	for _, h := range whole.Headers {
		if strings.HasPrefix(h.Key, headerPrefix) && h.Key != headerStderr {
			bare.Headers = append(bare.Headers, h)
		}
	}
	bare.Headers = append(bare.Headers, omitted)
	return []Record{whole, light, bare}
}

// oneLine is a text in one line that moves no cursor, whoever wrote it.
func oneLine(text string) string {
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, "\uFFFD"), func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsGraphic(r)
	}), " ")
}

// cut is the first part of a text, not within a character.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "…"
}
