package directory

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"

	"ingestor/internal/intake"
)

const (
	// most bounds the files on their way: those that settle, and those that wait for
	// their delivery. Others are found again by a scan when there is room.
	most = 50_000
	// mostUnderway is how many may be delivered and not acknowledged.
	mostUnderway = 2_000
	// burst is how many are delivered before others get their turn: whoever takes
	// them has to say that it is enough.
	burst = 32
	// matured is how many waits are ended before others get their turn.
	matured = 512
	// trusted is how far clocks may be apart: a file older than that, by the time
	// that its server gave it, and than the wait has not changed for the wait.
	trusted = 10 * time.Minute
	// rest is how long a file that was given back is left alone.
	rest = 30 * time.Second
)

// run is one run of a source. All of it belongs to the loop but for the acks.
type run struct {
	*Source
	deliver func(intake.Message, intake.Ack)
	watches *watches

	memory   *memory
	settling *settling
	queue    queue
	underway int
	resting  map[uint64]time.Time // by memory's key: until when
	root     sighting
	poke     chan struct{} // looks at the root at once

	scans scans
	asks  asks

	acksMu sync.Mutex
	acks   []acknowledged
}

// acknowledged is a delivery whose Ack was called.
type acknowledged struct {
	file file
	err  error
}

func newRun(s *Source, deliver func(intake.Message, intake.Ack)) *run {
	return &run{
		Source: s, deliver: deliver, watches: s.notify(s.log),
		memory: newMemory(), settling: newSettling(s.opt.Settle, most), queue: queue{most: most},
		resting: map[uint64]time.Time{}, poke: make(chan struct{}, 1),
		scans: newScans(),
	}
}

// loop runs until ctx ends and its helpers have.
func (r *run) loop(ctx context.Context) {
	helpers := &sync.WaitGroup{}
	defer helpers.Wait()
	seen := make(chan sighting)
	helpers.Go(func() { lookOn(ctx, r.opt.Path, min(lookEvery, r.opt.ScanEvery), r.poke, seen) })
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		now := time.Now()
		r.takeAcks(now)
		r.mature(ctx, now)
		r.startScan(ctx, helpers, now)
		timer.Reset(r.deliverSome(ctx, now))
		select {
		case <-ctx.Done():
		case <-r.wake:
		case <-timer.C:
		case look := <-seen:
			r.look(look)
		case event, open := <-r.watches.events():
			if open {
				r.happened(ctx, event)
			}
		case err, open := <-r.watches.errors():
			if open {
				r.missed(err)
			}
		case files := <-r.scans.found:
			r.take(ctx, files)
		case end := <-r.scans.ended:
			r.endScan(ctx, end)
		}
	}
}

// deliverSome delivers what may be delivered now and returns how long the loop may
// sleep.
func (r *run) deliverSome(ctx context.Context, now time.Time) time.Duration {
	due, waits := r.settling.next()
	switch {
	case waits && !due.After(now):
		return 0 // they may be older than what waits here
	case r.held.Load() || !r.scans.first || r.queue.len() == 0 || r.underway >= mostUnderway:
		return r.untilDue(now)
	}
	for range burst {
		if r.held.Load() || r.queue.len() == 0 || r.underway >= mostUnderway {
			return 0
		}
		r.deliverOne(ctx, r.queue.take())
	}
	return time.Millisecond
}

// untilDue is how long nothing is to be done.
func (r *run) untilDue(now time.Time) time.Duration {
	next := r.nextScan()
	if due, waits := r.settling.next(); waits && due.Before(next) {
		next = due
	}
	return max(next.Sub(now), 0)
}

// deliverOne delivers a file, if it still is what it was when it was found.
func (r *run) deliverOne(ctx context.Context, f file) {
	switch fresh, err := lookAfresh(f.path); {
	case ctx.Err() != nil:
		return
	case err != nil:
		r.memory.forget(f)
		r.log.WithField("file", f.path).WithError(err).Debug("File was taken away before its turn, or can not be read")
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errOther) {
			r.scans.more = true
		}
		return
	case !fresh.same(f):
		r.memory.forget(f)
		r.arrived(ctx, fresh, time.Now())
		return
	case r.held.Load():
		r.queue.put(f)
		return
	}
	r.memory.set(f, underway)
	r.underway++
	var called sync.Once
	r.deliver(f.message(r.Name()), func(err error) {
		called.Do(func() {
			r.acksMu.Lock()
			r.acks = append(r.acks, acknowledged{f, err})
			r.acksMu.Unlock()
			r.nudge()
		})
	})
}

// takeAcks notes how deliveries ended.
func (r *run) takeAcks(now time.Time) {
	r.acksMu.Lock()
	acks := r.acks
	r.acks = nil
	r.acksMu.Unlock()
	for _, a := range acks {
		r.underway--
		s, as := r.memory.get(a.file)
		switch {
		case !as || s != underway: // it was changed meanwhile and goes its way anew
		case a.err == nil:
			r.memory.set(a.file, ended)
		default:
			r.memory.forget(a.file)
			r.resting[r.memory.key(a.file.path)] = now.Add(min(rest, r.opt.ScanEvery))
		}
	}
}

// happened looks at what the kernel told.
func (r *run) happened(ctx context.Context, event fsnotify.Event) {
	switch {
	case event.Name == r.opt.Path:
		if event.Has(fsnotify.Remove) || event.Has(fsnotify.Rename) {
			r.watches.gone(event.Name, true)
			r.root = sighting{}
		}
		select {
		case r.poke <- struct{}{}:
		default:
		}
	case event.Has(fsnotify.Remove) || event.Has(fsnotify.Rename):
		r.watches.gone(event.Name, event.Has(fsnotify.Rename))
	case event.Has(fsnotify.Create):
		r.sight(ctx, event.Name, true)
	default:
		if event.Has(fsnotify.Write) && r.settling.touch(event.Name, time.Now()) {
			return
		}
		r.sight(ctx, event.Name, event.Has(fsnotify.Chmod))
	}
}

// missed is told that the kernel had to drop events.
func (r *run) missed(err error) {
	if !r.scans.overflow {
		r.scans.overflow = true
		r.log.WithError(err).Info("Too much happens at once to be told; looking through the whole folder")
	}
}

// look takes what was seen of the folder itself.
func (r *run) look(seen sighting) {
	r.mu.Lock()
	before := r.health.folder
	first := r.health.looked.IsZero()
	r.health.looked, r.health.folder = time.Now(), seen.err
	r.mu.Unlock()
	switch {
	case seen.err != nil && (before == nil || first):
		r.log.WithError(seen.err).Error("Folder can not be read; waiting for it, nothing is taken for deleted")
		r.root = sighting{}
	case seen.err != nil:
	case first:
		r.root = seen
	case r.root != seen:
		r.root = seen
		r.scans.overflow = true // another folder of this name, or the old one is back
		r.log.Info("Folder is back, or another one; looking through it")
	}
}
