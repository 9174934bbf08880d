package spool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"ingestor/internal/intake"
	"ingestor/internal/ledger"
)

// mostUnderWay bounds how many messages are in memory at once.
const mostUnderWay = 100

// Ledger is where the requests are.
type Ledger interface {
	// Requests goes through what is to be delivered, in order, until next
	// returns false.
	Requests(ctx context.Context, next func(ledger.Request) bool) error
	// Message is one message with its content.
	Message(ctx context.Context, id int64) (e ledger.MessageEntry, known bool, err error)
}

// Options configures a spool.
type Options struct {
	// Ledger is required.
	Ledger Ledger
	// LockFile is ledger.RetryLockFile, held while messages are delivered;
	// required.
	LockFile string
	// Every is how often requests are looked for; default 1 s.
	Every time.Duration
	// Log receives what happens; nil discards it.
	Log logrus.FieldLogger
}

// Spool is a source of messages, see package online. Make it with New, then Run
// it once.
type Spool struct {
	opt Options
	log logrus.FieldLogger

	mu       sync.Mutex
	held     bool
	unread   error // why requests can not be read
	underWay int   // delivered and not acknowledged

	// All below belongs to Run.

	served map[int64]time.Time // the request of each message that was delivered
	faults said
}

// New makes a spool; it opens nothing.
func New(o Options) (*Spool, error) {
	var faults []error
	if o.Ledger == nil {
		faults = append(faults, errors.New("no ledger"))
	}
	if o.LockFile == "" {
		faults = append(faults, errors.New("no lock file"))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("options of the retry spool: %w", err)
	}
	if o.Every <= 0 {
		o.Every = time.Second
	}
	if o.Log == nil {
		l := logrus.New()
		l.SetOutput(io.Discard)
		o.Log = l
	}
	return &Spool{opt: o, log: o.Log.WithField("source", Name), served: map[int64]time.Time{}}, nil
}

// Name is the name of the source.
const Name = "retry"

// Name is for people. Messages keep the name of the source that first
// delivered them.
func (s *Spool) Name() string { return Name }

// Hold stops deliveries while on.
func (s *Spool) Hold(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = on
}

// Ready is nil unless the requests can not be read. A spool that another process
// serves is ready.
func (s *Spool) Ready() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.unread
}

// Run delivers requests until ctx ends. While another process has the lock it
// waits for it.
func (s *Spool) Run(ctx context.Context, deliver func(intake.Message, intake.Ack)) error {
	ticks := time.NewTicker(s.opt.Every)
	defer ticks.Stop()
	var lock *ledger.RetryLock
	defer func() { s.release(lock) }()
	for {
		if lock != nil && !lock.Valid() {
			s.release(lock)
			lock = nil
		}
		if lock == nil {
			lock = s.lock()
		}
		if lock != nil {
			err := s.serve(ctx, deliver)
			if ctx.Err() != nil {
				return nil
			}
			s.read(err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
		}
	}
}

// read notes whether the requests could be read.
func (s *Spool) read(err error) {
	s.mu.Lock()
	s.unread = err
	s.mu.Unlock()
	s.faults.say(s.log, "Requests to try messages again can not be read", err)
}

// lock takes the lock; nil while it can not be had.
func (s *Spool) lock() *ledger.RetryLock {
	lock, err := ledger.LockRetries(s.opt.LockFile, "online-ingestor")
	var held *ledger.HeldError
	switch {
	case errors.As(err, &held):
		s.faults.inform(s.log, "Messages that are to be tried again are left to another process until it ends", err)
	case err != nil:
		s.faults.say(s.log, "Messages can not be tried again", err)
	default:
		s.faults.say(s.log, "", nil)
	}
	return lock
}

func (s *Spool) release(lock *ledger.RetryLock) {
	if lock == nil {
		return
	}
	if err := lock.Release(); err != nil {
		s.log.WithError(err).Warn("Lock of retries is not given back")
	}
}

// serve delivers what is requested and has room.
func (s *Spool) serve(ctx context.Context, deliver func(intake.Message, intake.Ack)) error {
	room := s.room()
	if room <= 0 {
		return nil
	}
	var next []ledger.Request
	open := make(map[int64]struct{})
	all := true
	err := s.opt.Ledger.Requests(ctx, func(r ledger.Request) bool {
		if len(next) == room {
			all = false
			return false
		}
		open[r.ID] = struct{}{}
		if at, served := s.served[r.ID]; !served || !at.Equal(r.At) {
			next = append(next, r)
		}
		return true
	})
	if err != nil {
		return err
	}
	if all { // what nobody asks for any more need not be remembered
		for id := range s.served {
			if _, still := open[id]; !still {
				delete(s.served, id)
			}
		}
	}
	for _, r := range next {
		if s.room() <= 0 {
			return nil // held meanwhile
		}
		e, known, err := s.opt.Ledger.Message(ctx, r.ID)
		if err != nil {
			return err
		}
		if !known || !e.Requested.Equal(r.At) {
			continue // ended by another delivery of it
		}
		s.served[r.ID] = r.At
		s.deliver(e, deliver)
	}
	return nil
}

func (s *Spool) deliver(e ledger.MessageEntry, deliver func(intake.Message, intake.Ack)) {
	m := e.Message()
	s.log.WithFields(logrus.Fields{
		"topic": m.Topic, "partition": m.Partition, "offset": m.Offset, "job_id": e.JobID, "file": e.File,
	}).Info("Trying a message again, as requested")
	s.mu.Lock()
	s.underWay++
	s.mu.Unlock()
	deliver(m, func(error) {
		// A failed one stays requested, and is delivered by the next run.
		s.mu.Lock()
		defer s.mu.Unlock()
		s.underWay--
	})
}

// room is how many messages may be delivered now.
func (s *Spool) room() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held {
		return 0
	}
	return mostUnderWay - s.underWay
}
