package forwarder

import (
	"errors"
	"slices"
	"time"

	"ingestor/forwarder/control"
	"ingestor/internal/zmq"
)

// deliver sends one event: the frames in the hands of the active streams go to the
// workers of the stream's set. The hands are empty after it.
func (p *pump) deliver(event uint64, sets []*control.WorkerSet) error {
	only, streams := -1, 0
	for i, set := range sets {
		if set != nil {
			only, streams = i, streams+1
		}
	}
	if streams == 1 {
		return p.deliverOne(event, p.active[only], sets[only])
	}
	to, err := p.receivers(sets)
	if err != nil {
		return err
	}
	for _, w := range to {
		m := p.pool.Get()
		p.header.begin(event)
		for i, set := range sets {
			if set != nil && slices.Contains(p.resolved[set], w) {
				s := p.active[i]
				p.header.add(s.label, s.hand.Parts())
				m.CopyFrom(s.hand)
			}
		}
		if err := p.send(w, p.header.end(), m, false); err != nil {
			return err
		}
		p.pool.Put(m)
	}
	for i, set := range sets {
		if set != nil {
			p.active[i].drop()
		}
	}
	return nil
}

// deliverOne is the frequent case of one stream: the frames are moved to the last
// worker, and shared with those before.
func (p *pump) deliverOne(event uint64, s *stream, set *control.WorkerSet) error {
	ws, err := p.workersOf(set)
	if err != nil {
		return err
	}
	if len(ws) > 0 {
		p.header.begin(event)
		p.header.add(s.label, s.hand.Parts())
		h := p.header.end()
		for i, w := range ws {
			if err := p.send(w, h, s.hand, i < len(ws)-1); err != nil {
				return err
			}
		}
	}
	s.drop()
	return nil
}

// receivers are all workers of the sets, each once.
func (p *pump) receivers(sets []*control.WorkerSet) ([]*worker, error) {
	p.to = p.to[:0]
	for _, set := range sets {
		if set == nil {
			continue
		}
		ws, err := p.workersOf(set)
		if err != nil {
			return nil, err
		}
		for _, w := range ws {
			if !slices.Contains(p.to, w) {
				p.to = append(p.to, w)
			}
		}
	}
	return p.to, nil
}

// workersOf finds the workers of a set; sets of a mapping come again and again.
func (p *pump) workersOf(set *control.WorkerSet) ([]*worker, error) {
	if set == p.lastSet {
		return p.lastWorkers, nil
	}
	ws, known := p.resolved[set]
	if !known {
		for _, name := range set.Names {
			w, err := p.workers.get(name)
			if err != nil {
				return nil, err
			}
			ws = append(ws, w)
		}
		p.resolved[set] = ws
	}
	p.lastSet, p.lastWorkers = set, ws
	return ws, nil
}

// send sends a message to a worker or queues it; with keep its frames stay in m, too.
func (p *pump) send(w *worker, header []byte, m *zmq.Message, keep bool) error {
	frames, size := m.Parts(), int64(m.Size())
	if len(w.queue) > 0 || w.pipe.full(p.pipeLimit, w.outlet.Taken) {
		p.enqueue(w, header, m, keep)
		return nil
	}
	switch err := p.router.SendTo(w.outlet, w.identity, header, m, keep); {
	case err == nil:
		w.pipe.put(size + overhead)
		w.count(frames, size)
		if w.drops || !w.away.IsZero() {
			p.back(w)
		}
		return nil
	case errors.Is(err, zmq.ErrHostUnreachable) && w.drops:
		w.missed++
		w.dropped.Add(1)
		if !keep {
			m.Clear()
		}
		return nil
	case errors.Is(err, zmq.ErrHostUnreachable):
		p.missing(w)
		p.enqueue(w, header, m, keep)
		return nil
	case errors.Is(err, zmq.ErrAgain):
		p.enqueue(w, header, m, keep)
		return nil
	default:
		return err
	}
}

// enqueue keeps a message until its worker can take it.
func (p *pump) enqueue(w *worker, header []byte, m *zmq.Message, keep bool) {
	if len(w.queue) == 0 {
		p.waiting = append(p.waiting, w)
		w.waits.Add(1)
	}
	own := p.pool.Get()
	frames, size := m.Parts(), int64(m.Size())+overhead
	if keep {
		own.CopyFrom(m)
	} else {
		own.MoveFrom(m)
	}
	w.push(queued{header: slices.Clone(header), message: own, frames: frames, size: size})
	p.queuedBytes += size
}

// flush sends what the queues hold, as far as it can go, and says whether anything
// went.
func (p *pump) flush(now time.Time) (bool, error) {
	moved := false
	for i := 0; i < len(p.waiting); {
		w := p.waiting[i]
		went, err := p.flushOne(w, now)
		if err != nil {
			return moved, err
		}
		moved = moved || went
		if len(w.queue) == 0 {
			p.waiting = slices.Delete(p.waiting, i, i+1)
			continue
		}
		i++
	}
	return moved, nil
}

func (p *pump) flushOne(w *worker, now time.Time) (bool, error) {
	moved := false
	for len(w.queue) > 0 {
		if w.pipe.full(p.pipeLimit, w.outlet.Taken) {
			w.outlet.Want()
			if w.pipe.full(p.pipeLimit, w.outlet.Taken) {
				return moved, nil
			}
		}
		q := &w.queue[0]
		err := p.router.SendTo(w.outlet, w.identity, q.header, q.message, false)
		switch {
		case err == nil:
			w.pipe.put(q.size)
			w.count(q.frames, q.size-overhead)
			p.pool.Put(q.message)
			p.queuedBytes -= w.pop().size
			moved = true
			if !w.away.IsZero() {
				p.back(w)
			}
		case errors.Is(err, zmq.ErrAgain):
			return moved, nil
		case errors.Is(err, zmq.ErrHostUnreachable):
			p.missing(w)
			if now.Sub(w.away) < p.hold {
				return moved, nil
			}
			p.giveUp(w)
			return true, nil
		default:
			return moved, err
		}
	}
	return moved, nil
}

// missing starts the clock of an absence.
func (p *pump) missing(w *worker) {
	if w.away.IsZero() {
		w.away = p.header.at
		p.log.WithField("worker", w.name).Warn("A worker is not there; its messages are held")
	}
}

// giveUp drops what is held for a worker that stayed away too long.
func (p *pump) giveUp(w *worker) {
	n := p.dropQueue(w)
	w.drops = true
	w.missed += uint64(n)
	p.log.WithFields(map[string]any{"worker": w.name, "held": p.hold.String(), "messages": n}).
		Error("A worker stayed away; its messages are dropped until it is back")
}

// dropQueue empties a queue, and counts.
func (p *pump) dropQueue(w *worker) int {
	n := len(w.queue)
	for len(w.queue) > 0 {
		q := w.pop()
		p.queuedBytes -= q.size
		p.pool.Put(q.message)
	}
	w.dropped.Add(uint64(n))
	return n
}

// back ends an absence.
func (p *pump) back(w *worker) {
	p.log.WithFields(map[string]any{"worker": w.name, "away": p.header.at.Sub(w.away).Round(time.Millisecond).String(), "missed": w.missed}).
		Warn("A worker is back")
	w.away, w.drops, w.missed = time.Time{}, false, 0
}
