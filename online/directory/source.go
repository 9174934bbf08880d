package directory

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"ingestor/internal/fault"
	"ingestor/internal/intake"
	"ingestor/internal/pattern"
)

// Source announces the finished files of one folder.
type Source struct {
	opt    Options
	filter pattern.Filter
	log    logrus.FieldLogger
	// notify makes what asks the kernel to tell; tests take it away.
	notify func(logrus.FieldLogger) *watches

	running atomic.Bool
	held    atomic.Bool
	// wake has one place: something for the loop to look at.
	wake chan struct{}

	mu     sync.Mutex
	health health
}

// health is what Ready tells.
type health struct {
	looked time.Time // when the folder was last looked at; zero: not yet
	folder error     // what was wrong with it then
	done   error     // why Done could not be asked last
}

// New makes a Source; it looks at nothing. Faults of the options are of kind
// fault.BadConfiguration.
func New(o Options) (*Source, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, err
	}
	return &Source{
		opt: o, filter: pattern.Filter{Include: o.Include, Exclude: o.Exclude},
		log: o.Log.WithField("source", "files:"+o.Path), wake: make(chan struct{}, 1),
		notify: newWatches,
	}, nil
}

// Name tells this source from others: files: and the folder.
func (s *Source) Name() string { return "files:" + s.opt.Path }

// Hold stops deliveries (true) or lets them go on. Files are found and wait all the
// while. It does not block; one delivery that is just being made may still come.
func (s *Source) Hold(on bool) {
	if s.held.Swap(on) != on {
		s.nudge()
	}
}

func (s *Source) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Probe looks at the folder once. The error, of kind fault.Unavailable, says in one
// line why it can not be read. On a file system that hangs it may not return before
// ctx ends.
func (s *Source) Probe(ctx context.Context) error {
	seen := make(chan sighting, 1)
	go func() { seen <- lookAtRoot(s.opt.Path) }()
	select {
	case <-ctx.Done():
		return fault.Errorf(fault.Unavailable, "the folder %s does not answer: %w", s.opt.Path, ctx.Err())
	case look := <-seen:
		if look.err != nil {
			return fault.Errorf(fault.Unavailable, "%w", unreadable(s.opt.Path, look.err))
		}
		return nil
	}
}

// Ready is nil while the source runs, its folder answers and Done can be asked.
// Otherwise it says in one line what is missing.
func (s *Source) Ready() error {
	if err := s.ready(time.Now()); err != nil {
		return fault.Errorf(fault.Unavailable, "%w", err)
	}
	return nil
}

func (s *Source) ready(now time.Time) error {
	if !s.running.Load() {
		return errors.New("does not run")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.health
	switch {
	case h.looked.IsZero():
		return errors.New("the folder " + s.opt.Path + " has not answered yet")
	case now.Sub(h.looked) > silence+min(lookEvery, s.opt.ScanEvery):
		return errors.New("the folder " + s.opt.Path + " has not answered for " + now.Sub(h.looked).Round(time.Second).String())
	case h.folder != nil:
		return unreadable(s.opt.Path, h.folder)
	default:
		return h.done
	}
}

// Run announces files until ctx ends and returns nil. It returns another error only
// when it runs already: a folder that can not be read is waited for.
//
// deliver is called from one goroutine, the oldest file of a scan first. An Ack with
// an error makes its file a new one after a pause, for the next scan to find; one
// that comes after Run counts for nothing.
func (s *Source) Run(ctx context.Context, deliver func(intake.Message, intake.Ack)) error {
	if !s.running.CompareAndSwap(false, true) {
		return errors.New("directory: the source runs already")
	}
	s.mu.Lock()
	s.health = health{}
	s.mu.Unlock()
	left := make(chan struct{})
	go func() {
		defer close(left)
		defer s.running.Store(false)
		r := newRun(s, deliver)
		defer r.watches.close()
		r.loop(ctx)
	}()
	select {
	case <-left:
		return nil
	case <-ctx.Done():
	}
	// A call to a dead file system returns when that does, and nothing can end it.
	const patience = 2 * time.Second
	select {
	case <-left:
	case <-time.After(patience):
		s.log.Warn("The file system does not answer; a call to it is left behind")
	}
	return nil
}
