package forwarder

import (
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"ingestor/forwarder/source"
	"ingestor/internal/zmq"
)

// reopenAfter is the pause before an upstream that could not be opened is tried
// again.
const reopenAfter = time.Second

// stream is one of the ingester's streams: its source, and the event in hand.
type stream struct {
	name   string
	label  []byte
	source source.Source
	up     *source.Upstream
	step   source.Triggered // nil: it has an upstream
	log    logrus.FieldLogger

	open   bool
	failed bool // the source has ended; nothing more comes in this mapping
	retry  time.Time
	hand   *zmq.Message // the next event, taken from the source and not yet sent
	taken  time.Time

	events, frames, bytes, faults atomic.Uint64
	state                         atomic.Int32 // a streamState
}

// streamState is what the health page says of a stream.
type streamState int32

const (
	streamClosed streamState = iota
	streamOpen
	streamFailed
)

// next sees to it that an event is in hand, and says whether one is.
func (s *stream) next(now time.Time) bool {
	if s.hand != nil {
		return true
	}
	if s.failed || !s.open && !s.opened(now) {
		return false
	}
	m, err := s.source.Next()
	if err != nil {
		s.failed = true
		s.state.Store(int32(streamFailed))
		s.faults.Add(1)
		s.log.WithError(err).Error("The upstream has ended; its scan can not go on")
		return false
	}
	if m == nil {
		return false
	}
	s.took(m, now)
	return true
}

func (s *stream) took(m *zmq.Message, now time.Time) {
	s.hand, s.taken = m, now
	s.events.Add(1)
	s.frames.Add(uint64(m.Parts()))
	s.bytes.Add(uint64(m.Size()))
}

// opened opens the source, now and then until it works.
func (s *stream) opened(now time.Time) bool {
	if now.Before(s.retry) {
		return false
	}
	if err := s.source.Open(s.up); err != nil {
		s.retry = now.Add(reopenAfter)
		s.faults.Add(1)
		s.log.WithError(err).Error("The upstream can not be opened; trying again")
		return false
	}
	s.open = true
	s.state.Store(int32(streamOpen))
	return true
}

// restart makes the stream ready for a new mapping, in which it is active or not. A
// source that can keeps what has already come: the start of the new series may be
// in it.
func (s *stream) restart(active bool) {
	s.drop()
	s.failed, s.retry = false, time.Time{}
	if s.step != nil { // without upstream there is nothing to open or to close
		if r, ok := s.source.(source.Restarter); ok {
			r.Restart()
		}
		return
	}
	if r, ok := s.source.(source.Restarter); ok && active && s.open {
		r.Restart()
		s.state.Store(int32(streamOpen))
		return
	}
	s.close()
}

// drop gives up the event in hand.
func (s *stream) drop() {
	if s.hand != nil {
		s.up.Pool.Put(s.hand)
		s.hand = nil
	}
}

func (s *stream) close() {
	s.drop()
	if !s.open {
		return
	}
	s.open = false
	s.state.Store(int32(streamClosed))
	if err := s.source.Close(); err != nil {
		s.log.WithError(err).Warn("Closing the upstream failed")
	}
}
