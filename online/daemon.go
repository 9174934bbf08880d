package online

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
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
	inbox *queue[delivery]
	// oneMore lets one message through a gate that is closed.
	oneMore atomic.Bool
	// events are what others want done in the loop.
	events *queue[func()]
	scribe *scribe // nil without a ledger
	// background is what runs beside the loop until life ends.
	background sync.WaitGroup
	life       context.Context //nolint:containedctx // set by Run, ended by it

	// All below belongs to the loop.

	ready     []*job // to be started, in order
	running   map[*job]struct{}
	postponed []*job            // to be started again at their time
	preparing map[*job]struct{} // of those running: their message file is being written
	checking  map[*job]struct{} // failed, while the storage is looked at
	finished  chan *job
	ending    map[*ending]struct{}
	outage    outage
	messages  int64
	returned  int64 // not begun or interrupted: delivered again later
	outcomes  map[outcome.Outcome]int64
	stopping  bool
	fullSince time.Time
	worked    time.Time // when a file was registered last
	// ledgerFault is why notes are not taken; letterFails says that the last
	// dead letter was not.
	ledgerFault error
	letterFails bool
}

// New makes a daemon; it starts nothing.
func New(o Options) (*Daemon, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, err
	}
	d := &Daemon{
		opt: o,
		log: o.Log,
		gate: newGate(func(closed bool) {
			for _, s := range o.Sources {
				s.Hold(closed)
			}
		}),
		inbox:     newQueue[delivery](),
		events:    newQueue[func()](),
		running:   map[*job]struct{}{},
		preparing: map[*job]struct{}{},
		checking:  map[*job]struct{}{},
		finished:  make(chan *job, o.MaxChildren), // a waiter never stays behind
		ending:    map[*ending]struct{}{},
		outcomes:  map[outcome.Outcome]int64{},
	}
	if o.Ledger != nil {
		d.scribe = &scribe{
			ledger: o.Ledger, retention: o.Retention, todo: newQueue[entry](), noted: d.noted, failing: d.ledgerFails,
		}
	}
	return d, nil
}

// Run works until stop ends and the children that run then have ended, or the
// drain time-out has ended them. When abort ends too, it kills the children and
// returns at once. It returns the error of a source that ended by itself.
func (d *Daemon) Run(stop, abort context.Context) error {
	life, endLife := context.WithCancel(context.WithoutCancel(stop))
	defer endLife()
	d.life = life
	// A daemon that starts under a hold takes nothing in.
	d.lookAtHolds()
	if d.scribe != nil {
		d.ledgerIs(d.firstProbe(life))
		d.background.Go(func() { d.scribe.run(life) })
	}
	// Sources outlive the loop: what the last children finish is committed.
	sourcing, endIntake := context.WithCancel(context.WithoutCancel(stop))
	defer endIntake()
	var sources sync.WaitGroup
	failed := make(chan error, len(d.opt.Sources))
	for _, s := range d.opt.Sources {
		sources.Go(func() {
			if err := s.Run(sourcing, d.deliver); err != nil {
				failed <- fmt.Errorf("source %s: %w", s.Name(), err)
			}
		})
	}
	err := d.loop(stop, abort, failed)
	endLife()
	endIntake()
	sources.Wait()
	for len(failed) > 0 {
		err = errors.Join(err, <-failed)
	}
	d.background.Wait()
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
	var lingers <-chan time.Time // the end of the patience with letters and notes
	work := context.WithoutCancel(stop)
	for {
		d.dispatch(work)
		if d.stopping && len(d.running) == 0 {
			if len(d.ending) == 0 {
				return err
			}
			if lingers == nil {
				lingers = time.After(lingering)
			}
		}
		retry.Reset(d.untilDue())
		select {
		case <-d.inbox.wake:
			d.decideAll()
		case <-d.events.wake:
			for _, do := range d.events.take() {
				do()
			}
		case j := <-d.finished:
			d.finish(j)
		case <-retry.C:
		case <-d.opt.Mended:
			d.mended()
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
		case <-lingers:
			d.letGo()
			return err
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

// lingering is how long a daemon that is done waits for its last dead letters
// and notes.
const lingering = 500 * time.Millisecond

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
	for j := range d.checking {
		delete(d.checking, j)
		d.giveBack(j.ack, errStopping)
	}
	for j := range d.preparing {
		delete(d.preparing, j)
		delete(d.running, j)
		d.giveBack(j.ack, errStopping)
	}
	d.report()
}

// dropStale lets go of files that are somebody else's by now, as the partition of
// their message is. What runs goes on: it does no harm.
func (d *Daemon) dropStale() {
	for _, list := range []*[]*job{&d.ready, &d.postponed, &d.outage.parked} {
		*list = slices.DeleteFunc(*list, func(j *job) bool {
			stale := j.message.IsStale()
			if stale {
				d.entry(j).Debug("File is left to the daemon that has its partition now")
				d.giveBack(j.ack, errStale)
			}
			return stale
		})
	}
	if d.outage.on() && len(d.outage.parked) == 0 && !d.probing() {
		d.endOutage() // nothing is left to try: the next file finds out
	}
}

var errStale = errors.New("the message is somebody else's now")

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
	d.lookAtHolds()
	d.dropStale()
	if d.opt.Observe != nil {
		d.opt.Observe(d.status())
	}
}

// lookAtHolds sets the holds that others decide about.
func (d *Daemon) lookAtHolds() {
	if d.opt.StorageDown != nil {
		d.storageIs(d.opt.StorageDown())
	}
	if d.opt.OperatorHold != nil {
		on, why := d.opt.OperatorHold()
		d.hold(HoldOperator, on, why)
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
	case h == HoldOperator && on:
		entry.WithField("reason", why).Warn("Intake held by an operator; no message is lost")
	case on:
		entry.WithField("reason", why).Error("Intake held until this is mended; no message is lost")
	default:
		entry.Info("Hold released")
	}
}

func (d *Daemon) status() Status {
	s := Status{
		Messages: d.messages, Returned: d.returned, Outcomes: maps.Clone(d.outcomes),
		Running: len(d.running), MaxChildren: d.opt.MaxChildren, Ending: len(d.ending),
		Ledger: d.ledgerFault, WithoutLedger: d.opt.Ledger == nil, Waiting: len(d.ready), Postponed: len(d.postponed) + len(d.outage.parked) + len(d.checking),
		Holds: d.gate.list(), Stopping: d.stopping,
	}
	for _, src := range d.opt.Sources {
		if err := src.Ready(); err != nil {
			s.NotReady = errors.Join(s.NotReady, fmt.Errorf("%s: %w", src.Name(), err))
		}
	}
	if d.opt.Ready != nil {
		s.NotReady = errors.Join(s.NotReady, d.opt.Ready())
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
