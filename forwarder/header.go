package forwarder

import (
	"encoding/json"
	"strconv"
	"time"
)

// label is what a header says of a stream, but for the number of frames.
func label(stream, typ string) []byte {
	name, err := json.Marshal(stream)
	if err != nil {
		name = []byte(strconv.Quote(stream)) // texts never fail
	}
	t, err := json.Marshal(typ)
	if err != nil {
		t = []byte(strconv.Quote(typ))
	}
	return append(append(append(name, `:{"typ":`...), t...), `,"length":`...)
}

// header builds the first part of a message to a worker, in one buffer that is used
// again. The form is that of dranspose's StreamData (docs/forwarder.md).
type header struct {
	b     []byte
	some  bool
	stamp []byte // the rest after the streams, made once for all headers of a moment
	at    time.Time
}

// moment sets the time that headers carry from now on.
func (h *header) moment(now time.Time) {
	h.at = now
	h.stamp = append(h.stamp[:0], `},"created_at":"`...)
	h.stamp = appendTime(h.stamp, now)
	h.stamp = append(h.stamp, `"}`...)
}

func (h *header) begin(event uint64) {
	h.b = append(h.b[:0], `{"event_number":`...)
	h.b = strconv.AppendUint(h.b, event, 10)
	h.b = append(h.b, `,"streams":{`...)
	h.some = false
}

// add names a stream and its number of frames.
func (h *header) add(label []byte, frames int) {
	if h.some {
		h.b = append(h.b, ',')
	}
	h.some = true
	h.b = append(h.b, label...)
	h.b = strconv.AppendInt(h.b, int64(frames), 10)
	h.b = append(h.b, '}')
}

// end gives the whole header, valid until the next begin.
func (h *header) end() []byte {
	h.b = append(h.b, h.stamp...)
	return h.b
}

// appendTime writes RFC 3339 in UTC with microseconds, or none when they are 0, as
// pydantic does.
func appendTime(b []byte, t time.Time) []byte {
	t = t.UTC().Truncate(time.Microsecond)
	if t.Nanosecond() == 0 {
		return t.AppendFormat(b, "2006-01-02T15:04:05Z")
	}
	return t.AppendFormat(b, "2006-01-02T15:04:05.000000Z")
}
