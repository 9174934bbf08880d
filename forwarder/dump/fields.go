package dump

import (
	"math"
	"time"
	"unicode/utf8"
)

// text reads a short text; the peer takes bytes for one too.
func (r *Reader) text(what string) (string, error) {
	h, err := r.d.expect(what, majorText, majorBytes)
	if err != nil {
		return "", err
	}
	var b []byte
	err = r.d.chunks(h, func(n int64) (err error) {
		if n > maxName-int64(len(b)) {
			return r.d.fail(h.at, "%s is longer than %d bytes", what, maxName)
		}
		b, err = r.d.read(b, n)
		return err
	})
	if err == nil && !utf8.Valid(b) {
		err = r.d.fail(h.at, "%s is no UTF-8", what)
	}
	return string(b), err
}

// created reads a time: a text, tagged or not, or tagged seconds since 1970.
func (r *Reader) created() (time.Time, error) {
	h, err := r.d.expect("a time", majorTag, majorText)
	if err != nil {
		return time.Time{}, err
	}
	if h.major == majorTag && h.n == tagTimeEpoch {
		return r.epoch()
	}
	if h.major == majorTag && h.n != tagTimeText {
		return time.Time{}, r.d.fail(h.at, "a time is expected, not %s", h)
	}
	if h.major == majorTag {
		if h, err = r.d.expect("a time", majorText); err != nil {
			return time.Time{}, err
		}
	}
	var b []byte
	err = r.d.chunks(h, func(n int64) (err error) {
		if n > 64-int64(len(b)) {
			return r.d.fail(h.at, "a time is longer than 64 bytes")
		}
		b, err = r.d.read(b, n)
		return err
	})
	if err != nil {
		return time.Time{}, err
	}
	t, err := time.Parse(time.RFC3339Nano, string(b))
	if err != nil {
		return t, r.d.fail(h.at, "%q is no time of RFC 3339", b)
	}
	return t.UTC(), nil
}

func (r *Reader) epoch() (time.Time, error) {
	h, err := r.d.expect("seconds since 1970", majorUint, majorSimple)
	if err != nil {
		return time.Time{}, err
	}
	const latest = 253402300800 // the year 10000
	seconds := float64(h.n)
	switch {
	case h.major == majorUint:
	case h.low == 26:
		seconds = float64(math.Float32frombits(uint32(h.n)))
	case h.low == 27:
		seconds = math.Float64frombits(h.n)
	default:
		return time.Time{}, r.d.fail(h.at, "seconds since 1970 are expected, not %s", h)
	}
	if !(seconds >= 0 && seconds < latest) {
		return time.Time{}, r.d.fail(h.at, "%v seconds since 1970 are no time", seconds)
	}
	whole, part := math.Modf(seconds)
	return time.Unix(int64(whole), int64(part*1e6)*1000).UTC(), nil
}

// unknown passes over an item that a later version may have added.
func (r *Reader) unknown(depth int) error {
	h, err := r.d.head()
	if err != nil {
		return err
	}
	if depth == 0 || h.isBreak() {
		return r.d.fail(h.at, "%s is not expected here", h)
	}
	inner := func(int) error { return r.unknown(depth - 1) }
	switch h.major {
	case majorBytes, majorText:
		return r.d.chunks(h, r.d.skip)
	case majorArray:
		return r.d.each(h, inner)
	case majorMap:
		return r.d.each(h, func(i int) error {
			if err := inner(i); err != nil {
				return err
			}
			return inner(i)
		})
	case majorTag:
		return inner(0)
	}
	return nil
}
