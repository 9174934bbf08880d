package backfill

import (
	"context"
	"slices"
	"time"

	"ingestor/internal/fault"
	"ingestor/internal/ledger"
	"ingestor/internal/outcome"
)

const (
	// batch is how many files are asked of the book at once.
	batch = 500
	// saveEvery is between two savings of the mark.
	saveEvery = time.Second
	// mostLater bounds how many files wait to be tried again in this run; the
	// others are left to the next.
	mostLater = 1000
)

// item is a file that is tried.
type item struct {
	ledger.File
	attempts int       // in this run
	before   int       // in earlier ones, in vain
	most     int       // files in a chunk with it; 0: any number, 1: it is suspected
	due      time.Time // of the next attempt
	// suspicion is by what it failed that may concern all files; told says that an
	// earlier run has found that it is the file, and said so.
	suspicion error
	told      bool
}

// work is the second part of a run. All of it belongs to one goroutine but what
// is said of ingest.
type work struct {
	*run
	after     ledger.Mark // up to where the list is read
	exhausted bool        // to its end
	limited   bool        // it ended early by Limit
	taken     int64
	ready     []*item
	later     []*item
	lastly    []*item             // suspected, to be tried after all others
	aside     int64               // how many were to be in lastly
	refused   []*item             // of lastly: failed once more
	inVain    int                 // of these, since a file succeeded
	far       ledger.Mark         // up to where the list is read from its end
	ahead     map[string]struct{} // taken from there
	open      map[*item]struct{}  // that are not dealt with: in ready, later, lastly, at work
	least     *ledger.File        // the first that is left open for good
	events    chan event
	running   int
	pace      pace
	outage    outage
	err       error // why no more is begun
	halt      context.CancelCauseFunc
	saved     time.Time
	startups  int // workers in sequence that ended before they began a file
}

func newWork(r *run) *work {
	return &work{run: r, open: map[*item]struct{}{}, ahead: map[string]struct{}{}, events: make(chan event), pace: pace{perHour: r.PerHour}}
}

// event is what a worker says.
type event struct {
	chunk *chunk
	begun string
	ended *outcome.Record
	over  bool // with err
	err   error
}

// work goes through the list. The error is why it was not done to its end.
func (w *work) work(ctx context.Context) error {
	hands, halt := context.WithCancelCause(ctx)
	defer halt(nil)
	w.halt = halt
	atOnce := make(chan time.Time)
	close(atOnce)
	stop := ctx.Done()
	tick := time.NewTicker(saveEvery)
	defer tick.Stop()
	for {
		if w.err == nil && ctx.Err() == nil {
			if err := w.fill(ctx); err != nil && ctx.Err() == nil {
				w.stop(err)
			}
		}
		var wait <-chan time.Time
		if w.err == nil && ctx.Err() == nil {
			wait = w.dispatch(hands)
		}
		if w.running == 0 && wait == nil && (w.done() || w.err != nil || ctx.Err() != nil) {
			break
		}
		if wait == nil && w.hungry() && w.err == nil && ctx.Err() == nil {
			wait = atOnce
		}
		select {
		case e := <-w.events:
			w.hear(ctx, e)
		case <-wait:
		case <-tick.C:
			w.keep(ctx)
		case <-stop:
			stop = nil // the workers end too; what they say is heard
		}
		w.show(w.progress(), false)
	}
	w.show(w.progress(), true)
	if w.err == nil && ctx.Err() == nil {
		w.err = w.atEnd(ctx)
	}
	return w.err
}

func (w *work) done() bool {
	return w.exhausted && len(w.ready) == 0 && len(w.later) == 0 && !w.moreAside()
}

// hungry says that too little is ready, and that there is more.
func (w *work) hungry() bool { return !w.exhausted && len(w.ready) < w.Concurrency*w.ChunkSize }

// fill reads on in the list where there is too little to do. Workers that have
// something to say are not kept waiting for long.
func (w *work) fill(ctx context.Context) error {
	for n := 0; w.hungry() && ctx.Err() == nil && (n < 4 || w.running == 0); n++ {
		files, err := w.list.Next(ctx, w.after, batch, w.Order == Newest)
		if err != nil {
			return err
		}
		if len(files) == 0 {
			w.exhausted = true
			break
		}
		known, err := w.Book.KnowFiles(ctx, w.Job, files)
		if err != nil {
			return err
		}
		if err := w.sort(files, known); err != nil {
			return err
		}
		if time.Since(w.saved) > saveEvery {
			w.keep(ctx)
		}
		w.show(w.progress(), false)
	}
	if err := w.doubt(ctx); err != nil {
		return err
	}
	w.atLast()
	return nil
}

// sort decides about files that were read from the list.
func (w *work) sort(files []ledger.File, known []ledger.Knowledge) error {
	now := w.Now()
	for i, f := range files {
		if _, ahead := w.ahead[f.Path]; ahead {
			w.after = f.Mark()
			continue
		}
		d := w.decide(f, known[i], now)
		if d.take && w.Limit > 0 && w.taken == w.Limit {
			w.exhausted, w.limited = true, true
			return nil
		}
		w.after = f.Mark()
		switch {
		case !d.take:
			w.paper.count(d.count, f, 0)
			if d.open {
				w.leave(f)
			}
			if w.DryRun && d.count == Changed {
				if err := w.Notice(f, Changed, d.why); err != nil {
					return err
				}
			}
		case w.DryRun:
			w.taken++
			w.paper.count(Candidate, f, f.Size)
			if err := w.Notice(f, Candidate, d.why); err != nil {
				return err
			}
		default:
			it := w.take(f, known[i])
			if it.suspected() {
				w.setAside(it)
				continue
			}
			w.taken++
			w.ready = append(w.ready, it)
		}
	}
	return nil
}

// take makes a file one that is tried.
func (w *work) take(f ledger.File, k ledger.Knowledge) *item {
	it := &item{File: f}
	if k.State == ledger.Failed || k.DeadLettered {
		it.before = max(k.Attempts, 1)
		if k.Exit == fault.Bug.ExitCode() {
			it.most = 1
		}
	}
	if w.Publisher == nil {
		it.suspicion, it.told = suspicionOf(k), k.Class == refusedClass
	}
	w.open[it] = struct{}{}
	return it
}

// leave notes that a file is not dealt with by this run.
func (w *work) leave(f ledger.File) {
	if w.least == nil || f.Mark().Compare(w.least.Mark()) < 0 {
		w.least = &f
	}
}

// dispatch gives files to idle workers. The channel says when to look again,
// where nobody else will.
func (w *work) dispatch(ctx context.Context) <-chan time.Time {
	now := time.Now()
	w.later = slices.DeleteFunc(w.later, func(it *item) bool {
		due := !it.due.After(now)
		if due {
			w.ready = append(w.ready, it)
		}
		return due
	})
	for w.running < w.Concurrency && len(w.ready) > 0 {
		if w.outage.waits(w.running) {
			return nil // the one that is out decides
		}
		n, wait := w.pace.may(now, w.fair())
		if n == 0 {
			return time.After(wait)
		}
		w.start(ctx, w.cut(n))
	}
	if w.running == 0 && len(w.later) > 0 {
		first := slices.MinFunc(w.later, func(a, b *item) int { return a.due.Compare(b.due) })
		return time.After(time.Until(first.due))
	}
	return nil
}

// fair is how many files a worker gets: few, where few are left.
func (w *work) fair() int {
	n := min(w.ChunkSize, (len(w.ready)+w.Concurrency-1)/w.Concurrency)
	if !w.exhausted {
		n = min(w.ChunkSize, len(w.ready))
	}
	if w.outage.on() {
		n = 1 // to find out whether it is general
	}
	return max(n, 1)
}

// cut takes the first files of those that are ready.
func (w *work) cut(n int) *chunk {
	n = min(n, len(w.ready))
	for i := 0; i < n; i++ {
		switch most := w.ready[i].most; {
		case most > 0 && most <= i: // too many before it
			n = i
		case most > 0:
			n = min(n, most)
		}
	}
	c := newChunk(slices.Clone(w.ready[:n]))
	w.ready = w.ready[n:]
	return c
}

// start hands a chunk to a worker.
func (w *work) start(ctx context.Context, c *chunk) {
	for _, it := range c.left {
		it.attempts++
	}
	w.running++
	go func() { w.events <- event{chunk: c, over: true, err: w.ingest(ctx, c)} }()
}

// ingest has a chunk worked on. It runs beside the others.
func (w *work) ingest(ctx context.Context, c *chunk) error {
	if w.Publisher != nil {
		files := make([]ledger.File, len(c.order))
		for i, it := range c.order {
			files[i] = it.File
		}
		return w.Publisher.Publish(ctx, files)
	}
	missing := false
	paths := make([]string, len(c.order))
	for i, it := range c.order {
		paths[i] = it.Path
	}
	err := w.Workers.Ingest(ctx, paths, func(path string) { w.events <- event{chunk: c, begun: path} }, func(r outcome.Record) {
		missing = missing || r.Exit != 0
		w.events <- event{chunk: c, ended: &r}
	})
	if missing && w.CheckRoots != nil && ctx.Err() == nil {
		// Where the storage is away, it is not the files that are missing.
		if gone := w.CheckRoots(ctx); gone != nil {
			return &goneError{gone}
		}
	}
	return err
}

// keep saves the mark of the prefix that is done so far. A look is not complete
// before its end, so the mark never goes back here.
func (w *work) keep(ctx context.Context) {
	w.saved = time.Now()
	if m := w.prefix(); w.advance(m) && w.err == nil {
		if err := w.save(ctx); err != nil && ctx.Err() == nil {
			w.stop(err)
		}
	}
}

// advance moves the mark on, where it does.
func (w *work) advance(m ledger.Mark) bool {
	if !w.ours() || !w.Since.IsZero() || w.Order == Newest || m.Compare(w.state.Mark) <= 0 {
		return false
	}
	w.state.Mark = m
	return true
}

// prefix is the mark up to which all that was read is dealt with.
func (w *work) prefix() ledger.Mark {
	m := w.after
	first := w.least
	for it := range w.open {
		if first == nil || it.Mark().Compare(first.Mark()) < 0 {
			first = &it.File
		}
	}
	if first != nil && first.Mark().Compare(m) <= 0 {
		m = ledger.Mark{Time: first.ModTime.Add(-1)}
	}
	if m.Time.After(w.report.Started) {
		// It would hide what is written until then.
		m = ledger.Mark{Time: w.report.Started}
	}
	return m
}

// settle sets the state at the end of the work.
func (w *work) settle(err error) {
	for it := range w.open {
		w.paper.count(Left, it.File, 0)
	}
	if !w.exhausted || w.limited {
		w.paper.rest(w.report.Looked.Files)
	}
	if err == nil && w.exhausted && !w.limited && w.top.Compare(w.after) > 0 {
		w.after = w.top
	}
	whole := err == nil && w.exhausted && !w.limited && len(w.open) == 0 && w.ours() && w.Since.IsZero() && w.Until.IsZero()
	if !whole {
		w.advance(w.prefix())
	} else {
		if w.Order == Newest {
			w.after = ledger.Mark{Time: w.report.Started}
		}
		if m := w.prefix(); w.least != nil || m.Compare(w.state.Mark) > 0 {
			w.state.Mark = m // back, where a file below it is left open
		}
		if !w.walked.Incomplete() {
			w.seen()
		}
	}
	w.report.Mark = w.state.Mark
	w.report.Whole = whole && !w.walked.Incomplete()
}
