package forwarder

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/sys/unix"

	"ingestor/forwarder/control"
	"ingestor/internal/fault"
	"ingestor/internal/zmq"
)

// How often the pump looks at what nothing tells it, and how much it does before it
// looks at anything else.
const (
	burst       = 64                     // events
	pingsEvery  = 20 * time.Millisecond  // under load
	idleWait    = time.Second            // a time-out, when nothing is expected
	briefly     = 100 * time.Millisecond // after an event the next is expected so soon
	waitingWait = 10 * time.Millisecond  // while a worker's queue waits for room
	routerClose = 500 * time.Millisecond // for what libzmq has not sent yet
	// keepAlive has the system ask a silent worker's host after this time.
	keepAlive = 300 * time.Second
	// sampleEvery is the number of events per measured latency.
	sampleEvery = 128
)

// pump is the data path of one ingester. Everything in it belongs to the goroutine
// of run, but for what says otherwise.
type pump struct {
	log     logrus.FieldLogger
	hold    time.Duration
	queue   int64 // bound of the workers' queues, in bytes
	streams []*stream
	inbox   *inbox
	workers *workers
	counts  *counts
	poller  *zmq.Poller
	zmq     *zmq.Context
	pool    *zmq.Pool
	router  *zmq.Socket
	pings   []*zmq.Message

	mapping     control.Mapping
	active      []*stream // in the order of the mapping
	triggered   []*stream // those of them without upstream
	stepped     bool      // for the event that is next
	plan        plan
	resolved    map[*control.WorkerSet][]*worker
	lastSet     *control.WorkerSet
	lastWorkers []*worker
	to          []*worker // scratch of receivers

	header      header
	waiting     []*worker // with a queue
	queuedBytes int64
	pipeBytes   int64 // for all pipes to workers
	pipeLimit   int64 // for each
	dump        dumper
	dumpCtx     context.Context // outlives that of run, so that a dump gets its end
	inDump      bool            // the event that is next
	lastPings   time.Time
	sent        bool // since the pings were read
	pace        pace
	busy        time.Time // when the last event was done
}

// run pumps until ctx ends. It opens and closes the sockets.
func (p *pump) run(ctx context.Context, o Options, ready func()) (err error) {
	// The thread is never given back: it ends with the goroutine, and its affinity
	// with it.
	runtime.LockOSThread()
	if err := onCPUs(o.CPUs); err != nil {
		return errors.Join(err, p.release())
	}
	defer context.AfterFunc(ctx, p.poller.Wake)()
	var giveUp context.CancelFunc
	p.dumpCtx, giveUp = context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	if p.router, err = p.zmq.Socket(zmq.Router, zmq.SocketOptions{
		SendHWM: pipeMessages, Mandatory: true, Handover: true, KeepAlive: keepAlive, Linger: routerClose,
	}); err != nil {
		return errors.Join(err, p.release())
	}
	p.poller.Add(p.router)
	defer func() { err = errors.Join(err, p.close()) }()
	if err := p.router.Bind(o.Bind); err != nil {
		return fault.Errorf(fault.Unavailable, "%w: is another forwarder running? The address is that of the key url", err)
	}
	if err := p.listen(); err != nil {
		return err
	}
	ready()
	// told: a socket has told of something, and no turn has been taken since. look:
	// the workers' pings are to be read.
	for told, look := false, true; ctx.Err() == nil; {
		moved, err := p.turn(look)
		look = false
		switch {
		case err != nil:
			return err
		case moved:
			told, p.pace.idle = false, 0
		case told:
			// It told of what nobody wants now. Take that in, and look at everything
			// once more before waiting for the next.
			if err := p.poller.Arm(); err != nil {
				return err
			}
			told, look = false, true
		case p.pace.yield():
		default:
			if told, err = p.wait(); err != nil {
				return err
			}
			look = !told || p.poller.Told(p.router)
		}
	}
	return nil
}

// turn does once what there is to do, and says whether there was anything. look asks
// for the workers' pings in any case.
func (p *pump) turn(look bool) (bool, error) {
	now := time.Now()
	p.header.moment(now)
	p.pace.tick(now, p.counts.processed.Load())
	moved := p.carryOut()
	if look || now.Sub(p.lastPings) >= pingsEvery {
		p.lastPings, p.sent = now, false
		some, err := p.readPings(now)
		if err != nil {
			return false, err
		}
		moved = moved || some
	}
	if len(p.waiting) > 0 {
		some, err := p.flush(now)
		if err != nil {
			return false, err
		}
		moved = moved || some
	}
	some, err := p.forward(now)
	return moved || some, err
}

// wait sleeps until something may have changed, and says whether it was told so.
func (p *pump) wait() (told bool, err error) {
	timeout := idleWait
	switch {
	case len(p.waiting) > 0:
		timeout = waitingWait
	case p.sent:
		// A ping that came while we sent has been told already.
		timeout = pingsEvery
	}
	start := time.Now()
	if start.Sub(p.busy) < briefly {
		told, err = p.poller.WaitBriefly(min(timeout, briefly))
	} else {
		told, err = p.poller.Wait(timeout)
	}
	p.counts.waited(p.counts.why(), time.Since(start))
	return told, err
}

// readPings takes in what the workers say.
func (p *pump) readPings(now time.Time) (bool, error) {
	n, err := p.router.Receive(p.pool, p.pings)
	if err != nil {
		return false, err
	}
	fresh := false
	for _, m := range p.pings[:n] {
		isNew, ok := p.workers.ping(m, now)
		fresh = fresh || isNew
		if !ok {
			if p.counts.badPings.Add(1) == 1 {
				p.log.WithField("worker", fmt.Sprintf("%.40q", m.First())).Warn("A worker's ping is not a version 4 uuid; such pings are ignored and counted")
			}
		}
		p.pool.Put(m)
	}
	if fresh {
		p.pipeLimit = p.pipeBytes / int64(max(1, len(p.workers.connected(now))))
	}
	return n > 0, nil
}

// forward serves up to a burst of events, as far as frames, workers and bounds let
// it.
func (p *pump) forward(now time.Time) (bool, error) {
	n := 0
	defer func() { p.inbox.served(n) }()
	for ; n < burst; n++ {
		event, sets, ok := p.plan.next()
		if !ok {
			p.counts.waitsFor(waitAssignment)
			p.lookAhead()
			break
		}
		if p.queuedBytes >= p.queue {
			p.counts.waitsFor(waitWorkers)
			break
		}
		if !p.gather(event, sets, now) {
			p.counts.waitsFor(waitFrames)
			break
		}
		if !p.dumped(event, sets, now) {
			p.counts.waitsFor(waitDump)
			break
		}
		taken := p.oldest(sets)
		if err := p.deliver(event, sets); err != nil {
			return n > 0, fmt.Errorf("event %d of mapping %s: %w", event, p.mapping.UUID, err)
		}
		p.sent = true
		p.plan.done()
		p.stepped, p.inDump = false, false
		if done := p.counts.processed.Add(1); done%sampleEvery == 0 {
			p.counts.latency.observe(time.Since(taken))
		}
		p.busy = now
		p.counts.lastEvent.Store(now.UnixNano())
	}
	return n > 0, nil
}

// gather has an event in the hand of each stream that the assignment names.
func (p *pump) gather(event uint64, sets []*control.WorkerSet, now time.Time) bool {
	if len(p.triggered) > 0 && !p.stepped {
		p.step(event, now)
	}
	all := true
	for i, set := range sets {
		// All are asked, not just the first that has nothing: each opens its
		// upstream with its first assignment.
		if set != nil && !p.active[i].next(now) {
			all = false
		}
	}
	return all
}

// step triggers the streams that have no upstream, once for each event of the
// mapping, whether they are assigned in it or not.
func (p *pump) step(event uint64, now time.Time) {
	for _, s := range p.triggered {
		s.drop()
		m, err := s.step.Step(event)
		if err != nil || m == nil {
			s.faults.Add(1)
			s.log.WithError(err).Error("The software trigger gives nothing")
			continue
		}
		s.took(m, now)
	}
	p.stepped = true
}

// lookAhead lets the sources read what has come before it is assigned, so that they
// know how large the frames are.
func (p *pump) lookAhead() {
	for _, s := range p.active {
		if a, ok := s.source.(ahead); ok && s.open && !s.failed {
			a.LookAhead()
		}
	}
}

// oldest is when the first of the event's parts was taken.
func (p *pump) oldest(sets []*control.WorkerSet) time.Time {
	var t time.Time
	for i, set := range sets {
		if set != nil && (t.IsZero() || p.active[i].taken.Before(t)) {
			t = p.active[i].taken
		}
	}
	return t
}

// ahead is a source that can read what nobody has asked for yet.
type ahead interface{ LookAhead() }

// onCPUs binds the calling thread.
func onCPUs(cpus []int) error {
	if len(cpus) == 0 {
		return nil
	}
	var set unix.CPUSet
	for _, c := range cpus {
		set.Set(c)
	}
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fault.Errorf(fault.BadConfiguration, "run on CPUs %v: %w", cpus, err)
	}
	return nil
}
