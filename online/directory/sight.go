package directory

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// asks is how asking Done goes.
type asks struct {
	after time.Time     // not before, since it failed
	pause time.Duration // the last one
}

// sight looks at a path of which the kernel told.
func (r *run) sight(ctx context.Context, path string, folders bool) {
	relative, below := strings.CutPrefix(path, strings.TrimSuffix(r.opt.Path, "/")+"/")
	if !below || relative == "" {
		return
	}
	is := r.filter.File(relative)
	if !is && (!folders || !r.opt.Recursive) {
		return
	}
	f, info, err := look(path)
	switch {
	case info != nil && info.IsDir():
		if folders && r.opt.Recursive && r.filter.Folder(relative) {
			r.lookThrough(path)
		}
	case err != nil || !is: // gone, or no file
	default:
		r.arrived(ctx, f, time.Now())
	}
}

// lookThrough has a new folder looked through.
func (r *run) lookThrough(folder string) {
	s := &r.scans
	for _, top := range s.tops {
		if top == folder {
			return
		}
	}
	if len(s.tops) >= mostTops {
		s.tops, s.overflow = nil, true
		return
	}
	s.tops = append(s.tops, folder)
}

// arrived puts a file on its way.
func (r *run) arrived(ctx context.Context, f file, now time.Time) {
	switch {
	case !r.wanted(f, now):
	case !r.rests(f, now):
		if !r.settling.put(f, now) {
			r.scans.more = true
		}
	case r.open(ctx, f):
		r.enqueue(f)
	}
}

// wanted tells whether anything is to be done about the file.
func (r *run) wanted(f file, now time.Time) bool {
	if s, known := r.memory.get(f); known && s != asked {
		return false
	}
	return !r.resting[r.memory.key(f.path)].After(now)
}

// rests tells whether the file's own time says that it is finished.
func (r *run) rests(f file, now time.Time) bool {
	return now.Sub(f.mtime) > r.opt.Settle+trusted
}

// mature puts files on that have settled.
func (r *run) mature(ctx context.Context, now time.Time) {
	for range matured {
		f, due := r.settling.due(now)
		if !due {
			return
		}
		fresh, _, err := look(f.path)
		switch {
		case err != nil: // taken away
		case !fresh.same(f):
			r.settling.put(fresh, now)
		case r.wanted(f, now) && r.open(ctx, f):
			r.enqueue(f)
		}
	}
}

// enqueue lets a file wait for its delivery.
func (r *run) enqueue(f file) {
	r.memory.set(f, queued)
	for _, dropped := range r.queue.put(f) {
		r.memory.set(dropped, asked)
		r.scans.more = true
	}
}

// open tells whether the file is to be delivered: it did not end before. When that can
// not be told it is asked again after the next scan, which is then soon.
func (r *run) open(ctx context.Context, f file) bool {
	const first, longest = time.Second, time.Minute
	if _, known := r.memory.get(f); known {
		return true // asked before
	}
	if now := time.Now(); now.Before(r.asks.after) {
		r.scans.more = true
		return false
	}
	done, err := r.opt.Done(ctx, f.message(r.Name()))
	switch {
	case err != nil && ctx.Err() != nil:
		return false
	case err != nil:
		if r.asks.pause == 0 {
			r.log.WithError(err).Error("The ledger can not be asked what was dealt with before; new files wait")
		}
		r.asks.pause = min(max(first, 2*r.asks.pause), longest)
		r.asks.after = time.Now().Add(r.asks.pause)
		r.scans.more = true
	case done:
		r.memory.set(f, ended)
	default:
		r.memory.set(f, asked)
	}
	if err == nil && r.asks.pause > 0 {
		r.log.Info("The ledger answers again")
		r.asks = asks{}
	}
	r.mu.Lock()
	r.health.done = nil
	if err != nil {
		r.health.done = fmt.Errorf("the ledger can not be asked: %w", err)
	}
	r.mu.Unlock()
	return err == nil && !done
}
