package backfill

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/sirupsen/logrus"

	"ingestor/internal/fault"
	"ingestor/internal/ledger"
	"ingestor/internal/outcome"
)

// chunk is what one worker gets.
type chunk struct {
	order []*item
	left  map[string]*item // without record, by path
	last  *item            // that was begun
}

func newChunk(order []*item) *chunk {
	c := &chunk{order: order, left: make(map[string]*item, len(order))}
	for _, it := range order {
		c.left[it.Path] = it
	}
	return c
}

// rest is what has no record, in order.
func (c *chunk) rest() []*item {
	return slices.DeleteFunc(slices.Clone(c.order), func(it *item) bool { return c.left[it.Path] == nil })
}

// goneError says that the storage is away.
type goneError struct{ error }

func (g *goneError) Unwrap() error { return g.error }

// hear acts on what a worker says.
func (w *work) hear(ctx context.Context, e event) {
	c := e.chunk
	switch {
	case e.over:
		w.running--
		w.over(ctx, c, e.err)
	case e.ended != nil:
		it := c.left[e.ended.File]
		if it == nil {
			w.Log.WithField("file", e.ended.File).Warn("A worker tells of a file that it was not given, or twice")
			return
		}
		delete(c.left, it.Path)
		w.ended(it, *e.ended)
	default:
		if it := c.left[e.begun]; it != nil {
			c.last = it
		}
	}
}

// ended acts on the record of a file.
func (w *work) ended(it *item, r outcome.Record) {
	w.startups = 0
	kind, failed := fault.OfExit(r.Exit)
	if failed {
		w.failed(it, kind, r.Error)
		return
	}
	end := Registered
	if r.Outcome == outcome.Existed {
		end = Existed
	}
	w.finish(it, end)
	w.inVain = 0
	for _, suspect := range w.outage.over() {
		w.pass(suspect, fault.KindOf(suspect.suspicion), suspect.suspicion.Error())
	}
}

// finish counts a file that is dealt with.
func (w *work) finish(it *item, as Count) {
	delete(w.open, it)
	w.paper.count(as, it.File, it.Size)
	w.entry(it).WithField("outcome", as).Debug("File is dealt with")
}

// failed acts on an attempt that failed.
func (w *work) failed(it *item, kind fault.Kind, reason string) {
	attempts := it.attempts
	if kind == fault.Bug {
		attempts = 1 // one of each run is noted
	}
	switch w.Retry.afterFailure(kind, attempts, it.before) {
	case lasting:
		w.paper.fail(Failed, it.File, kind, reason)
		w.finish(it, Failed)
		w.entry(it).WithFields(logrus.Fields{"class": kind.Class().String(), "reason": oneLine(reason)}).Error("File failed for good; it is not in the catalogue")
	case later:
		if len(w.later) == mostLater {
			w.pass(it, kind, reason)
			return
		}
		it.due = time.Now().Add(w.Retry.Delay << (it.attempts - 1))
		w.later = append(w.later, it)
		w.entry(it).WithField("reason", oneLine(reason)).Debug("File failed; it is tried again in this run")
	case passing:
		w.pass(it, kind, reason)
	case general:
		w.suspect(it, fault.Errorf(kind, "%s", reason))
	case stopped: // it stays open
	}
}

// pass leaves a file to the next run.
func (w *work) pass(it *item, kind fault.Kind, reason string) {
	w.postpone(it, kind, reason)
	w.entry(it).WithFields(logrus.Fields{"class": kind.Class().String(), "reason": oneLine(reason)}).Warn("File failed; the next run tries it again")
}

func (w *work) postpone(it *item, kind fault.Kind, reason string) {
	delete(w.open, it)
	w.leave(it.File)
	w.paper.fail(Waiting, it.File, kind, reason)
	w.paper.count(Waiting, it.File, 0)
}

func (w *work) entry(it *item) *logrus.Entry {
	return w.Log.WithFields(logrus.Fields{"file": it.Path, "attempt": it.attempts})
}

// over acts on the end of a worker.
func (w *work) over(ctx context.Context, c *chunk, err error) {
	rest := c.rest()
	var gone *goneError
	var crash *CrashError
	class := fault.KindOf(err).Class()
	switch {
	case errors.As(err, &gone):
		w.stop(err)
	case w.Publisher != nil && err == nil:
		w.published(ctx, rest)
	case err == nil && len(rest) == 0:
	case ctx.Err() != nil, err != nil && class == fault.ClassInterrupted:
		// They stay open.
	case w.Publisher != nil:
		w.stop(err)
	case err == nil:
		w.crashed(ctx, c, &CrashError{Reason: "the worker ended without a word on it"})
	case errors.As(err, &crash):
		w.crashed(ctx, c, crash)
	case class == fault.ClassTransient:
		w.notStarted(rest, err) // the system is out of something
	case class == fault.ClassSystemic && fault.KindOf(err) != fault.BadConfiguration && c.last != nil && c.left[c.last.Path] != nil:
		delete(c.left, c.last.Path)
		w.again(c.rest(), 0)
		// Its worker may have failed before it could note the file.
		if e := w.Book.NoteFailed(ctx, []ledger.Note{noteOf(c.last, err)}); e != nil {
			w.stop(e)
			return
		}
		w.suspect(c.last, err)
	default:
		w.stop(err)
	}
}

// stop ends the run, and the workers: what is general they would only find out
// one after the other, and on a storage that hangs not at all.
func (w *work) stop(err error) {
	if w.err == nil {
		w.err = err
		w.halt(fault.Errorf(fault.Terminated, "the run ends: %w", err))
	}
}

// again puts files back to be tried first. What they went through was not their
// own attempt.
func (w *work) again(list []*item, most int) {
	for _, it := range list {
		it.attempts--
		if most > 0 && (it.most == 0 || most < it.most) {
			it.most = most
		}
	}
	w.ready = slices.Concat(list, w.ready)
}

// mostStartups is how many workers in sequence may end before they begin.
const mostStartups = 3

func (w *work) notStarted(rest []*item, err error) {
	w.again(rest, 0)
	if w.startups++; w.startups >= mostStartups {
		w.stop(err)
	}
}

// crashed finds out which file it was. The one that was begun last is tried
// alone, the others in smaller chunks, in case it was not that one.
func (w *work) crashed(ctx context.Context, c *chunk, crash *CrashError) {
	rest := c.rest()
	if c.last == nil && len(rest) == len(c.order) {
		w.notStarted(rest, fault.New(fault.Bug, crash))
		return
	}
	w.startups = 0
	if len(c.order) == 1 && len(rest) == 1 {
		it := rest[0]
		note := noteOf(it, fault.New(fault.Bug, crash))
		note.FirstOfAttempt = true
		if err := w.Book.NoteFailed(ctx, []ledger.Note{note}); err != nil {
			w.stop(err)
			return
		}
		w.failed(it, fault.Bug, crash.Error())
		return
	}
	w.Log.WithError(crash).WithField("files", len(rest)).Warn("A worker ended; the file it was on is tried alone")
	if c.last != nil && c.left[c.last.Path] != nil {
		delete(c.left, c.last.Path)
		w.again(c.rest(), max(1, len(c.order)/2))
		w.again([]*item{c.last}, 1)
		return
	}
	w.again(rest, max(1, len(c.order)/2))
}

// noteOf says why a file failed.
func noteOf(it *item, err error) ledger.Note {
	kind := fault.KindOf(err)
	return ledger.Note{File: it.File, Error: oneLine(err.Error()), Class: kind.Class().String(), Exit: kind.ExitCode()}
}

// published notes what was acknowledged.
func (w *work) published(ctx context.Context, list []*item) {
	files := make([]ledger.File, len(list))
	for i, it := range list {
		files[i] = it.File
	}
	// What has happened is noted also when we are being stopped.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), savePatience)
	defer cancel()
	if err := w.Book.NotePublished(ctx, w.Job, files); err != nil {
		w.stop(err)
		return
	}
	for _, it := range list {
		w.finish(it, Published)
	}
}
