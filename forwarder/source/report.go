package source

import (
	"strconv"
	"time"

	"github.com/sirupsen/logrus"

	"ingestor/internal/zmq"
)

// reportEvery is the pause between two lines on the same matter: a broken detector
// sends thousands of broken headers a second, and the first tells enough.
const reportEvery = 5 * time.Second

// excerptBytes is how much of a header a line shows.
const excerptBytes = 120

// reporter counts and logs what is dropped and what is odd. It belongs to the pump's
// goroutine.
type reporter struct {
	log   logrus.FieldLogger
	count *Counters
	// sub is set for protocols whose upstream may be joined in the middle: there an
	// unreadable header before the start is nothing to worry about.
	sub  bool
	last [int(reasons) + 2]struct {
		at   time.Time
		more uint64
	}
}

// The matters beyond the reasons.
const (
	matterGap = int(reasons) + iota
	matterRepeat
)

// due says whether a line on a matter may be written, and for how many occurrences.
func (r *reporter) due(matter int) (uint64, bool) {
	l := &r.last[matter]
	l.more++
	now := time.Now()
	if !l.at.IsZero() && now.Sub(l.at) < reportEvery {
		return 0, false
	}
	n := l.more
	l.at, l.more = now, 0
	return n, true
}

// dropped counts a message that goes no further. why is a text without bytes of the
// message; the message is the caller's still.
func (r *reporter) dropped(m *zmq.Message, reason Reason, running bool, why string) {
	if fields, due := r.drop(reason, why); due {
		fields["parts"], fields["header"] = m.Parts(), excerpt(m.First())
		r.write(fields, reason, r.sub && !running)
	}
}

// body is dropped for a message that is one piece of text.
func (r *reporter) body(b []byte, reason Reason, why string) {
	if fields, due := r.drop(reason, why); due {
		fields["body"] = excerpt(b)
		r.write(fields, reason, true)
	}
}

func (r *reporter) drop(reason Reason, why string) (logrus.Fields, bool) {
	r.count.discards[reason].Add(1)
	n, due := r.due(int(reason))
	if !due {
		return nil, false
	}
	return logrus.Fields{"reason": reason.String(), "why": why, "dropped": n}, true
}

func (r *reporter) write(fields logrus.Fields, reason Reason, mild bool) {
	const text = "A message of the upstream is dropped"
	log := r.log.WithFields(fields)
	switch {
	case reason == AfterEnd || reason == NoStart || reason == Inactive:
		log.Info(text)
	case reason == Repeated || mild:
		log.Warn(text)
	default:
		log.Error(text)
	}
}

// frames notes the numbers of two frames that follow each other.
func (r *reporter) frames(before, now int64) {
	if now == before+1 {
		return
	}
	fields := logrus.Fields{"frame": now, "previous": before}
	if now > before {
		r.count.Gaps.Add(1)
		r.count.Missing.Add(uint64(now - before - 1))
		if n, due := r.due(matterGap); due {
			r.log.WithFields(fields).WithField("times", n).Error("Frame numbers are left out: workers match frames by order, so later ones may be out of step")
		}
		return
	}
	r.count.Repeats.Add(1)
	if n, due := r.due(matterRepeat); due {
		r.log.WithFields(fields).WithField("times", n).Error("A frame number comes again, or late: workers match frames by order, so later ones may be out of step")
	}
}

// flush writes what was counted since the last line of each matter, at the end of a
// series.
func (r *reporter) flush() {
	for matter := range r.last {
		l := &r.last[matter]
		if l.more > 0 && r.log != nil {
			name := "gap"
			if matter < int(reasons) {
				name = Reason(matter).String()
			} else if matter == matterRepeat {
				name = "repeat"
			}
			r.log.WithField("reason", name).WithField("dropped", l.more).Info("More messages of the upstream were dropped or odd")
		}
		l.at, l.more = time.Time{}, 0
	}
}

// excerpt is the beginning of b as one line of ASCII.
func excerpt(b []byte) string {
	cut := len(b) > excerptBytes
	if cut {
		b = b[:excerptBytes]
	}
	s := strconv.QuoteToASCII(string(b))
	if cut {
		s += "..."
	}
	return s
}
