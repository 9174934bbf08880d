package forwarder

import (
	"errors"
	"slices"
	"time"

	"ingestor/forwarder/control"
	"ingestor/forwarder/source"
)

// dumpPatience is how long the end of the program waits for the dump's disk.
const dumpPatience = 4 * time.Second

// carryOut does what the follower has ordered, and says whether there was anything.
func (p *pump) carryOut() bool {
	orders := p.inbox.take()
	for _, o := range orders {
		switch {
		case o.begin != nil:
			p.begin(*o.begin)
		case o.finish && o.mapping == p.mapping.UUID:
			o.finished = p.dump.detach()
		case o.assign != nil && o.mapping == p.mapping.UUID && o.assign.Streams == len(p.active):
			p.plan.add(*o.assign)
		case o.assign != nil: // of a mapping that is over
			p.inbox.served(len(o.assign.Events))
		}
		if o.done != nil {
			close(o.done)
		}
	}
	return len(orders) > 0
}

// begin ends the mapping that was, and makes ready for a new one: what was assigned
// and not sent belongs to a scan that is over. The last dump is completed meanwhile.
func (p *pump) begin(m control.Mapping) {
	p.dump.end()
	p.inbox.served(p.plan.left)
	if left := p.plan.left; left > 0 || len(p.waiting) > 0 {
		p.log.WithField("events", left).WithField("workers", len(p.waiting)).Warn("A new mapping comes while events of the last are not sent; they are dropped")
	}
	p.plan.clear()
	for _, w := range p.waiting {
		p.dropQueue(w)
	}
	p.waiting = p.waiting[:0]
	for _, w := range p.workers.all() {
		// An absence ends with the scan: the next one waits for the worker again.
		w.away, w.drops, w.missed = time.Time{}, false, 0
	}
	p.mapping = m
	p.resolved = map[*control.WorkerSet][]*worker{}
	p.lastSet, p.lastWorkers = nil, nil
	p.stepped, p.inDump = false, false
	for _, s := range p.streams {
		s.restart(slices.Contains(m.Active, s.name))
	}
	p.active, p.triggered = p.active[:0], p.triggered[:0]
	for _, name := range m.Active {
		i := slices.IndexFunc(p.streams, func(s *stream) bool { return s.name == name })
		s := p.streams[i]
		p.active = append(p.active, s)
		if s.step != nil {
			p.triggered = append(p.triggered, s)
		}
	}
	if len(p.active) > 0 {
		p.dump.open(p.dumpCtx, m)
	}
	p.counts.mapping.Store(&m)
}

// listen opens the sources that serve their upstream at all times.
func (p *pump) listen() error {
	for _, s := range p.streams {
		if l, ok := s.source.(source.Listener); ok {
			if err := l.Listen(s.up); err != nil {
				return err
			}
		}
	}
	return nil
}

// close gives everything back. What libzmq holds for the workers lingers a moment.
func (p *pump) close() error {
	p.dump.close(p.dumpCtx, dumpPatience)
	var errs []error
	for _, s := range p.streams {
		s.close()
		if l, ok := s.source.(source.Listener); ok {
			errs = append(errs, l.Shut())
		}
	}
	for _, w := range p.waiting {
		p.dropQueue(w)
	}
	p.pool.Close()
	p.poller.Remove(p.router)
	return errors.Join(append(errs, p.router.Close(), p.release())...)
}

// release gives back what a pump has before it runs.
func (p *pump) release() error { return errors.Join(p.zmq.Close(), p.poller.Close()) }
