package dump

import (
	"bytes"
	"encoding/binary"
	"math"
	"time"
)

// appendHead appends the shortest head for n.
func appendHead(b []byte, major byte, n uint64) []byte {
	major <<= 5
	switch {
	case n < 24:
		return append(b, major|byte(n))
	case n <= math.MaxUint8:
		return append(b, major|24, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, major|25), uint16(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(b, major|26), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(b, major|27), n)
}

func appendText(b []byte, s string) []byte {
	return append(appendHead(b, majorText, uint64(len(s))), s...)
}

// appendRecord appends what is in front of the streams.
func appendRecord(b []byte, event uint64, streams int) []byte {
	b = appendHead(b, majorTag, tagSelf)
	b = appendHead(b, majorTag, tagRecord)
	b = appendHead(b, majorArray, 3)
	b = appendHead(b, majorUint, event)
	return appendHead(b, majorMap, uint64(streams))
}

// appendStream appends what is in front of a stream's frames.
func appendStream(b []byte, name, typ string, frames int) []byte {
	b = appendText(b, name)
	b = appendHead(b, majorTag, tagStream)
	b = appendHead(b, majorArray, 2)
	b = appendText(b, typ)
	return appendHead(b, majorArray, uint64(frames))
}

// How a time is written; the fraction is left out when there is none.
const (
	wholeSeconds = "2006-01-02T15:04:05Z"
	microseconds = "2006-01-02T15:04:05.000000Z"
	longestEnd   = len(microseconds) + 3 // with its tag and length
)

// appendCreated appends the end of a record.
func appendCreated(b []byte, t time.Time) []byte {
	layout := microseconds
	if t = t.UTC(); t.Nanosecond() < 1000 {
		layout = wholeSeconds
	}
	b = appendHead(b, majorTag, tagTimeText)
	b = appendHead(b, majorText, uint64(len(layout)))
	return t.AppendFormat(b, layout)
}

// endsRecord says whether b ends like a record that appendCreated has ended: by
// a tagged text of a length that ends there, a time. No frame does that by
// chance.
func endsRecord(b []byte) bool {
	for _, layout := range []string{wholeSeconds, microseconds} {
		head := appendHead(appendHead(nil, majorTag, tagTimeText), majorText, uint64(len(layout)))
		at := len(b) - len(layout) - len(head)
		if at < 0 || !bytes.Equal(b[at:at+len(head)], head) {
			continue
		}
		if _, err := time.Parse(layout, string(b[at+len(head):])); err == nil {
			return true
		}
	}
	return false
}
