package source

import "ingestor/internal/zmq"

// newLecroy is the oscilloscope. Its messages are no events: a prepare is one when
// the start of a sequence follows it; a start of a sequence, its traces and its end
// are one together; the end is one. In continuous mode there is a single start of a
// sequence, which is put in front of every event.
func newLecroy(s Settings) (Source, error) {
	return newSub(s, "lecroy_9fwdWp6Rq7", func(r *reporter, up *Upstream) machine {
		return &lecroy{schema: lecroySchema(), report: r, pool: up.Pool, bound: up.QueueBytes}
	})
}

// The kinds of lecroy beside data, which are its traces, and end.
const (
	prepare = ownKinds + iota
	sequenceStart
	sequenceEnd
)

// continuous is the number of triggers that means that mode.
const continuous = -1

func lecroySchema() *schema {
	return newSchema(
		field{name: "htype", want: wantLiteral, texts: []string{"msg", "traces"}},
		field{name: "what", want: wantNumber, numbers: []int64{0, 1, 2, 3}},
		field{name: "frame", want: wantInt},
		field{name: "frames", want: wantInt},
		field{name: "ntriggers", want: wantInt, keep: true},
		field{name: "seqno", want: wantInt},
		field{name: "channels", want: wantInts},
		field{name: "ch", want: wantInt},
		field{name: "ts", want: wantFloat},
		field{name: "shape", want: wantInts},
		field{name: "dtype", want: wantText},
		field{name: "horiz_offset", want: wantFloat},
		field{name: "horiz_interval", want: wantFloat},
	).
		model(prepare, []string{"frame", "htype=msg", "what=0"}, nil).
		model(sequenceStart, []string{"frame", "htype=msg", "what=1", "ntriggers", "seqno", "channels"}, nil).
		model(end, []string{"frame", "frames", "what=3"}, nil).
		model(sequenceEnd, []string{"frame", "htype=msg", "what=2"}, nil).
		model(data, []string{"frame", "htype=traces", "ch", "ts", "shape", "dtype", "horiz_offset", "horiz_interval"}, nil)
}

type lecroy struct {
	schema *schema
	report *reporter
	pool   *zmq.Pool
	bound  int64

	state      state
	prepared   *zmq.Message // a prepare whose sequence has not started
	buffer     *zmq.Message // the event that grows
	continuous bool
	first      []byte // the start of the only sequence
}

func (l *lecroy) more() *zmq.Message { return nil }

func (l *lecroy) restart() {
	l.forget(&l.prepared)
	l.forget(&l.buffer)
	l.state, l.first = waiting, nil
}

// forget drops a message that waits for others.
func (l *lecroy) forget(m **zmq.Message) {
	if *m == nil {
		return
	}
	if (*m).Parts() > l.idle() {
		l.drop(*m, Incomplete, "the rest of the event has not come")
	} else {
		l.pool.Put(*m)
	}
	*m = nil
}

// idle is how many parts the buffer has between two events.
func (l *lecroy) idle() int {
	if l.state == running && l.continuous {
		return 1
	}
	return 0
}

func (l *lecroy) feed(m *zmq.Message) *zmq.Message {
	if l.state == ended {
		return l.drop(m, AfterEnd, "the series has ended")
	}
	k, why := l.schema.classify(m.First())
	if l.state == waiting {
		return l.begin(m, k, why)
	}
	switch k {
	case invalid:
		return l.drop(m, Invalid, why)
	case sequenceStart, data:
		if int64(l.buffer.Size()+m.Size()) > l.bound {
			return l.drop(m, Overflow, "the event is larger than what may wait")
		}
		l.take(m)
	case sequenceEnd:
		l.take(m)
		event := l.buffer
		l.buffer = l.pool.Get()
		if l.continuous {
			l.buffer.Append(l.first)
		}
		return event
	case end:
		l.forget(&l.buffer)
		l.state = ended
		return m
	default:
		return l.drop(m, Repeated, "the series has begun already")
	}
	return nil
}

func (l *lecroy) take(m *zmq.Message) {
	l.buffer.MoveFrom(m)
	l.pool.Put(m)
}

// begin takes a prepare and, directly behind it, the start of a sequence. When
// anything else comes, both are lost.
func (l *lecroy) begin(m *zmq.Message, k kind, why string) *zmq.Message {
	switch {
	case l.prepared != nil && k == sequenceStart:
		event := l.prepared
		l.prepared, l.buffer, l.state = nil, m, running
		l.continuous = l.schema.hasKept && l.schema.kept == continuous
		l.first = append([]byte(nil), m.First()...)
		return event
	case l.prepared != nil:
		l.forget(&l.prepared)
	case k == prepare:
		l.prepared = m
		return nil
	}
	if k == invalid {
		return l.drop(m, Invalid, why)
	}
	return l.drop(m, NoStart, "a prepare and the start of a sequence are waited for")
}

func (l *lecroy) drop(m *zmq.Message, reason Reason, why string) *zmq.Message {
	l.report.dropped(m, reason, l.state == running, why)
	l.pool.Put(m)
	return nil
}
