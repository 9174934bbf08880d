package online

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"ingestor/internal/intake"
	"ingestor/internal/outcome"
)

// tick is how often the loop shows that it is alive.
const tick = time.Second

// Daemon runs offline ingestors for messages. Make it with New, then Run it once.
type Daemon struct {
	opt   Options
	log   logrus.FieldLogger
	gate  *gate
	inbox *inbox

	// All below belongs to the loop.

	ready     []*job // to be started, in order
	running   map[*job]struct{}
	postponed []*job // to be started again at their time
	finished  chan *job
	outage    outage
	messages  int64
	returned  int64 // not begun or interrupted: delivered again later
	outcomes  map[outcome.Outcome]int64
	stopping  bool
	fullSince time.Time
}

// New makes a daemon; it starts nothing.
func New(o Options) (*Daemon, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, err
	}
	return &Daemon{
		opt: o,
		log: o.Log,
		gate: newGate(func(closed bool) {
			for _, s := range o.Sources {
				s.Hold(closed)
			}
		}),
		inbox:    newInbox(),
		running:  map[*job]struct{}{},
		finished: make(chan *job, o.MaxChildren), // a waiter never stays behind
		outcomes: map[outcome.Outcome]int64{},
	}, nil
}

// Run works until stop ends and the children that run then have ended, or the
// drain time-out has ended them. When abort ends too, it kills the children and
// returns at once. It returns the error of a source that ended by itself.
func (d *Daemon) Run(stop, abort context.Context) error {
	// Sources outlive the loop: what the last children finish is committed.
	sourcing, endIntake := context.WithCancel(context.WithoutCancel(stop))
	defer endIntake()
	var sources sync.WaitGroup
	failed := make(chan error, len(d.opt.Sources))
	for _, s := range d.opt.Sources {
		sources.Go(func() {
			if err := s.Run(sourcing, d.inbox.deliver); err != nil {
				failed <- fmt.Errorf("source %s: %w", s.Name(), err)
			}
		})
	}
	err := d.loop(stop, abort, failed)
	endIntake()
	sources.Wait()
	for len(failed) > 0 {
		err = errors.Join(err, <-failed)
	}
	d.log.WithFields(d.fields()).Info("Stopped")
	return err
}

// loop owns the state of the daemon.
func (d *Daemon) loop(stop, abort context.Context, failed <-chan error) (err error) {
	ticks := time.NewTicker(tick)
	defer ticks.Stop()
	retry := time.NewTimer(time.Hour)
	defer retry.Stop()
	var drained <-chan time.Time // the end of the drain time-out
	var wedged <-chan time.Time  // children that outlive their KILL
	work := context.WithoutCancel(stop)
	for {
		d.dispatch(work)
		if d.stopping && len(d.running) == 0 {
			return err
		}
		retry.Reset(d.untilDue())
		select {
		case <-d.inbox.wake:
			d.decideAll()
		case j := <-d.finished:
			d.finish(j)
		case <-retry.C:
		case <-ticks.C:
			d.report()
		case e := <-failed:
			err = errors.Join(err, e)
			d.beginStop("a source ended")
			drained = time.After(d.opt.DrainTimeout)
		case <-drained:
			d.log.WithField("running", len(d.running)).Warn("Drain time-out: ending the children that still run")
			drained = nil
			for j := range d.running {
				j.child.Terminate()
			}
		case <-done(stop, d.stopping):
			d.beginStop("asked to stop")
			drained = time.After(d.opt.DrainTimeout)
		case <-done(abort, wedged != nil):
			d.log.WithField("running", len(d.running)).Warn("Asked again: killing the children")
			d.beginStop("asked to stop at once")
			for j := range d.running {
				j.child.Kill()
			}
			wedged = time.After(2 * time.Second)
		case <-wedged:
			return errors.Join(err, fmt.Errorf("%d children did not end when killed", len(d.running)))
		}
	}
}

// done is ctx's channel, or nil once it has been acted on.
func done(ctx context.Context, acted bool) <-chan struct{} {
	if acted {
		return nil
	}
	return ctx.Done()
}

// beginStop closes the gate and lets go of every file that is not being worked
// on: unfinished, they are delivered again.
func (d *Daemon) beginStop(why string) {
	if d.stopping {
		return
	}
	d.stopping = true
	d.gate.set(HoldStopping, true, time.Now())
	d.log.WithFields(d.fields()).WithField("reason", why).Info("Stopping: waiting for the children that run")
	for _, j := range slices.Concat(d.ready, d.postponed, d.outage.parked) {
		d.giveBack(j.ack, errStopping)
	}
	d.ready, d.postponed, d.outage.parked = nil, nil, nil
	d.report()
}

// errStopping acknowledges what a stopping daemon did not begin.
var errStopping = errors.New("the daemon stops: not begun")

// giveBack leaves a message unfinished: its source delivers it again.
func (d *Daemon) giveBack(ack intake.Ack, why error) {
	d.returned++
	ack(why)
}

// report tells the observer and, now and then, that the pool is full.
func (d *Daemon) report() {
	now := time.Now()
	if d.gate.held(HoldPoolFull) && now.Sub(d.fullSince) >= d.opt.RecheckInterval {
		d.fullSince = now
		d.log.WithFields(d.fields()).Info("All offline ingestors are busy, waiting for one to end")
	}
	if d.opt.StorageDown != nil {
		d.hold(HoldStorageDown, d.opt.StorageDown(), "the data directory can not be listed")
	}
	if d.opt.Observe != nil {
		d.opt.Observe(d.status())
	}
}

// hold sets a hold and says so once.
func (d *Daemon) hold(h Hold, on bool, why string) {
	if !d.gate.set(h, on, time.Now()) {
		return
	}
	entry := d.log.WithField("hold", string(h))
	switch {
	case h == HoldPoolFull:
		entry.Debug("Hold changed")
	case on:
		entry.WithField("reason", why).Error("Intake held until this is mended; no message is lost")
	default:
		entry.Info("Hold released")
	}
}

func (d *Daemon) status() Status {
	s := Status{
		Messages: d.messages, Returned: d.returned, Outcomes: maps.Clone(d.outcomes),
		Running: len(d.running), MaxChildren: d.opt.MaxChildren, Waiting: len(d.ready), Postponed: len(d.postponed) + len(d.outage.parked),
		Holds: d.gate.list(), Stopping: d.stopping,
	}
	for _, src := range d.opt.Sources {
		if err := src.Ready(); err != nil {
			s.NotReady = errors.Join(s.NotReady, fmt.Errorf("%s: %w", src.Name(), err))
		}
	}
	return s
}

// fields are the counts of the daemon for a log line.
func (d *Daemon) fields() logrus.Fields {
	f := logrus.Fields{"messages": d.messages, "running": len(d.running), "returned": d.returned}
	for o, n := range d.outcomes {
		f[string(o)] = n
	}
	return f
}
