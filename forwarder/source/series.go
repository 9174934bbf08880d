package source

import "ingestor/internal/zmq"

// state is what a series is at.
type state uint8

const (
	waiting state = iota // for a start
	running
	ended // until the next mapping
)

// verdict is what a protocol says of one message.
type verdict struct {
	kind kind
	// reason and why are of invalid messages.
	reason Reason
	why    string
	// frame is the number of a data message, where it has one.
	frame    int64
	numbered bool
	// place is the number of the message among all of the series, where it has one.
	place  int64
	placed bool
}

// judge tells what messages of a protocol mean. It looks at parts, and keeps nothing.
type judge interface {
	judge(m *zmq.Message) verdict
}

// series is the machine of all protocols that forward messages as they are: one is
// one event.
type series struct {
	judge  judge
	report *reporter
	pool   *zmq.Pool

	state    state
	last     int64
	numbered bool
}

func verbatim(j func() judge) func(*reporter, *Upstream) machine {
	return func(r *reporter, up *Upstream) machine { return &series{judge: j(), report: r, pool: up.Pool} }
}

func (s *series) restart() { s.state, s.numbered = waiting, false }

func (s *series) more() *zmq.Message { return nil }

func (s *series) feed(m *zmq.Message) *zmq.Message {
	if s.state == ended {
		return s.drop(m, AfterEnd, "")
	}
	return s.step(m, s.judge.judge(m))
}

// step takes a message that was judged.
func (s *series) step(m *zmq.Message, v verdict) *zmq.Message {
	switch {
	case s.state == ended:
		return s.drop(m, AfterEnd, "the series has ended")
	case v.kind == invalid:
		return s.drop(m, v.reason, v.why)
	case s.state == waiting:
		if v.kind != start {
			return s.drop(m, NoStart, "a start is waited for")
		}
		s.state = running
	case v.kind == start:
		return s.drop(m, Repeated, "the series has begun already")
	case v.kind == data:
		if v.numbered {
			if s.numbered {
				s.report.frames(s.last, v.frame)
			}
			s.last, s.numbered = v.frame, true
		}
	case v.kind == end:
		s.state = ended
	default:
		return s.drop(m, Repeated, "it has no place in a series")
	}
	return m
}

func (s *series) drop(m *zmq.Message, reason Reason, why string) *zmq.Message {
	s.report.dropped(m, reason, s.state == running, why)
	s.pool.Put(m)
	return nil
}

// headed judges by a JSON header in the first part.
type headed struct {
	schema *schema
	parts  func(k kind, parts int) string // why that number of parts is wrong, or ""
}

func (h headed) judge(m *zmq.Message) verdict {
	k, why := h.schema.classify(m.First())
	if k == invalid {
		return verdict{kind: invalid, reason: Invalid, why: why}
	}
	if h.parts != nil {
		if why := h.parts(k, m.Parts()); why != "" {
			return verdict{kind: invalid, reason: Parts, why: why}
		}
	}
	return verdict{kind: k, frame: h.schema.frame, numbered: h.schema.hasFrame, place: h.schema.kept, placed: h.schema.hasKept}
}
