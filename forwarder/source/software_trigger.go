package source

import (
	"strconv"
	"strings"

	"ingestor/internal/fault"
	"ingestor/internal/zmq"
)

// Trigger describes a stream without upstream: every event of the mapping gets the
// same frames, with numbers put in.
type Trigger struct {
	// Typ is what headers say of the stream's kind; empty means JSON.
	Typ string
	// Frames are the frames of each event. In each, {n} is replaced by the number of
	// events so far in the mapping, and {event} by the event's number.
	Frames []string
}

func newTrigger(s Settings) (Source, error) {
	if s.Trigger == nil || len(s.Trigger.Frames) == 0 {
		return nil, fault.Errorf(fault.BadConfiguration, "stream %q: software_trigger needs the frames of an event", s.Stream)
	}
	if err := single(s); err != nil {
		return nil, err
	}
	t := *s.Trigger
	if t.Typ == "" {
		t.Typ = "JSON"
	}
	return &trigger{Trigger: t}, nil
}

type trigger struct {
	Trigger
	up   *Upstream
	n    uint64
	last uint64
}

func (t *trigger) Typ() string { return t.Trigger.Typ }

func (t *trigger) Open(up *Upstream) error {
	t.up = up
	return nil
}

// Next gives nothing: events are made by Step.
func (t *trigger) Next() (*zmq.Message, error) { return nil, nil }

func (t *trigger) Close() error {
	t.n = 0
	return nil
}

// Restart begins to count anew.
func (t *trigger) Restart() { t.n = 0 }

// Step makes the frames of an event. Events of one mapping rise, so that a lower one
// belongs to a new mapping.
func (t *trigger) Step(event uint64) (*zmq.Message, error) {
	if event <= t.last {
		t.n = 0
	}
	t.last = event
	var m *zmq.Message
	if t.up != nil {
		m = t.up.Pool.Get()
	} else {
		m = zmq.NewMessage()
	}
	put := strings.NewReplacer("{n}", strconv.FormatUint(t.n, 10), "{event}", strconv.FormatUint(event, 10))
	for _, f := range t.Frames {
		m.Append([]byte(put.Replace(f)))
	}
	t.n++
	return m, nil
}
