package directory

import (
	"context"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
)

// mostTops is how many new folders wait to be looked through; more of them are one
// look through everything.
const mostTops = 1_000

// scans is what is known of the looks through folders. One runs at a time.
type scans struct {
	found chan []file
	ended chan scanEnd

	running  bool
	findings queue     // of the one that runs, that were not known
	counted  int       // files seen by it
	began    time.Time // of the one that runs
	tops     []string  // new folders to look through
	told     map[string]struct{}

	first    bool          // the whole folder was looked through once
	overflow bool          // something was missed
	more     bool          // something was dropped that is to be found again
	last     time.Time     // when the last one of everything ended
	took     time.Duration // how long it took
}

// scanEnd is how a scan ended.
type scanEnd struct {
	top     string
	err     error // top could not be read
	partial error // something below could not
}

func newScans() scans {
	return scans{
		found: make(chan []file), ended: make(chan scanEnd), findings: queue{most: most},
		told: map[string]struct{}{},
	}
}

// nextScan is when everything is looked through again.
func (r *run) nextScan() time.Time {
	s := &r.scans
	if s.running {
		return time.Now().Add(time.Hour) // its end wakes the loop
	}
	if len(s.tops) > 0 || s.last.IsZero() {
		return time.Time{}
	}
	next := s.last.Add(r.opt.ScanEvery)
	// Not more than half of the time is spent on it.
	soon := s.last.Add(max(s.took, 50*time.Millisecond))
	if s.overflow && soon.Before(next) {
		next = soon
	}
	if s.more && r.queue.len()+len(r.settling.files) < most/2 {
		if soon.Before(r.asks.after) {
			soon = r.asks.after
		}
		if soon.Before(next) {
			next = soon
		}
	}
	return next
}

// startScan begins the scan that is due.
func (r *run) startScan(ctx context.Context, helpers *sync.WaitGroup, now time.Time) {
	s := &r.scans
	if s.running || r.nextScan().After(now) {
		return
	}
	top := r.opt.Path
	if len(s.tops) > 0 {
		top, s.tops = s.tops[0], s.tops[1:]
	} else {
		r.memory.begin()
		s.overflow, s.more = false, false
		for key, until := range r.resting {
			if !until.After(now) {
				delete(r.resting, key)
			}
		}
	}
	s.running, s.counted, s.began = true, 0, now
	one := &scan{
		root: r.opt.Path, filter: r.filter, below: r.opt.Recursive, watch: r.watches.add,
		found: func(files []file) error {
			select {
			case s.found <- files:
				return nil
			case <-ctx.Done():
				return errUnwanted
			}
		},
		unreadable: r.tellUnreadable,
	}
	helpers.Go(func() {
		err := one.run(ctx, top)
		select {
		case s.ended <- scanEnd{top, err, one.partial}:
		case <-ctx.Done():
		}
	})
}

// tellUnreadable warns once of each folder. Only the scan that runs calls it.
func (r *run) tellUnreadable(folder string, err error) {
	const enough = 1_000
	if _, told := r.scans.told[folder]; told || len(r.scans.told) >= enough {
		return
	}
	r.scans.told[folder] = struct{}{}
	r.log.WithField("folder", folder).WithError(err).Warn("Folder can not be read; files in it are not seen")
}

// take sorts what a scan found: most of it is known.
func (r *run) take(ctx context.Context, files []file) {
	now := time.Now()
	r.scans.counted += len(files)
	for _, f := range files {
		r.memory.see(f.path)
		if !r.wanted(f, now) {
			continue
		}
		if _, waits := r.settling.files[f.path]; waits {
			r.settling.put(f, now)
			continue
		}
		if r.rests(f, now) && !r.open(ctx, f) {
			continue
		}
		if dropped := r.scans.findings.put(f); len(dropped) > 0 {
			r.scans.more = true
		}
	}
}

// endScan puts what a scan found on its way, the oldest first.
func (r *run) endScan(ctx context.Context, end scanEnd) {
	s := &r.scans
	now := time.Now()
	s.running = false
	for s.findings.len() > 0 {
		r.arrived(ctx, s.findings.take(), now)
	}
	if end.top != r.opt.Path {
		if end.err != nil && ctx.Err() == nil {
			r.log.WithField("folder", end.top).WithError(end.err).Debug("New folder is gone again, or can not be read")
		}
		return
	}
	s.last, s.took = now, now.Sub(s.began)
	entry := r.log.WithFields(logrus.Fields{
		"files": s.counted, "settling": len(r.settling.files), "waiting": r.queue.len(), "duration": s.took.String(),
	})
	switch {
	case end.err != nil:
		r.lost(end.err)
		return
	case end.partial != nil:
		entry.WithError(end.partial).Debug("Looked through the folder, but for a part")
	default:
		// A folder that is empty at once is more likely one that is not mounted.
		if s.counted > 0 {
			r.memory.prune()
		}
		if !s.first {
			entry.Info("Looked through the folder for the first time; watching it")
		} else {
			entry.Debug("Looked through the folder")
		}
	}
	s.first = true
}

// lost notes that the folder can not be read, until a look says that it can.
func (r *run) lost(err error) {
	r.mu.Lock()
	first := r.health.folder == nil
	r.health.folder = reason(err)
	r.mu.Unlock()
	r.root = sighting{}
	if first {
		r.log.WithError(reason(err)).Error("Folder can not be read; waiting for it, nothing is taken for deleted")
	}
}
