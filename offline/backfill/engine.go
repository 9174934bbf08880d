package backfill

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"ingestor/internal/fault"
	"ingestor/internal/ledger"
	"ingestor/offline/backfill/tree"
)

// Engine makes runs of one job.
type Engine struct{ opt Options }

// New makes an engine; it touches nothing yet. All faults of the options are
// listed.
func New(o Options) (*Engine, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, err
	}
	return &Engine{opt: o}, nil
}

// clockMargin is how far the clocks of file servers may be off.
const clockMargin = 15 * time.Minute

// askAgain is how long files that have been seen are left out of a look. What
// hides a file, a clock that was wrong, a state that was taken over, a message that
// nobody received, hides it no longer than that: it costs some µs a file to ask.
const askAgain = 20 * time.Hour

// savePatience bounds the writing down of how far a run has come, after it was
// told to end.
const savePatience = 5 * time.Second

// storagePatience is how long the storage may take to show that it is there.
const storagePatience = 30 * time.Second

// run is one run.
type run struct {
	*Options
	state  ledger.JobState
	list   List
	walked tree.Stats
	full   bool        // nothing was left out as seen before
	top    ledger.Mark // of the files that were registered before
	report *Report
	paper  *paper // the counts and failures of the report
	shown  time.Time
}

// Run looks for files and deals with them. It blocks until that is done, ctx
// ends, or something general is in the way; the state is saved in any case. The
// caller holds the lock of the job.
//
// The report is complete also with an error, whose kind is the exit status:
// SomeFailed, BadInput (changed files, where that is to be strict), Unavailable,
// NotPermitted, BadConfiguration, Bug, or that of the end of ctx.
func (e *Engine) Run(ctx context.Context) (Report, error) {
	opt := e.opt
	r := &run{Options: &opt, report: &Report{Version: reportVersion, Job: opt.Job, Roots: opt.Tree.Roots, Mode: modeOf(opt.DryRun, opt.Publisher != nil), Started: opt.Now()}}
	r.paper = newPaper(r.report)
	err := r.do(ctx)
	if cause := context.Cause(ctx); cause != nil && (err == nil || fault.KindOf(err).Class() != fault.ClassBug) {
		err = cause // what failed because we were told to end
	}
	err = r.verdict(err)
	return *r.report, r.close(ctx, err)
}

// modeOf is what a report calls a kind of run.
func modeOf(dry, publish bool) string {
	switch {
	case dry:
		return "dry run"
	case publish:
		return "publish"
	}
	return "register"
}

func (r *run) do(ctx context.Context) (err error) {
	if r.state, err = r.Book.LoadJob(ctx, r.Job); err != nil {
		return err
	}
	if r.list, err = r.NewList(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.list.Close()) }()
	if err := r.look(ctx); err != nil {
		return err
	}
	w := newWork(r)
	err = w.work(ctx)
	w.settle(err)
	return err
}

// look walks through the folders and puts what it finds on the list.
func (r *run) look(ctx context.Context) error {
	o := r.Tree
	o.MinAge, o.Now, o.Since, o.Until, o.Seen = r.MinAge, r.report.Started, r.Since, r.Until, r.state.Roots
	var err error
	var found int64
	if o.LowWater, o.SeenCTime, err = r.bounds(ctx); err != nil {
		return err
	}
	r.full = o.LowWater.IsZero()
	r.walked, err = r.Walk(ctx, o, func(files []ledger.File) error {
		found += int64(len(files))
		r.show(Progress{Looking: true, Total: found}, false)
		rest, err := r.sift(ctx, files)
		if err != nil || len(rest) == 0 {
			return err
		}
		return r.list.Add(ctx, rest)
	})
	r.report.Looked = lookedOf(r.walked)
	if err != nil {
		r.report.Looked.Files = found
		r.paper.rest(found)
		return err
	}
	for _, u := range r.walked.Unreadable {
		r.Log.WithField("file", u.Path).Warn("Folder can not be looked into: " + oneLine(u.Reason))
	}
	for _, u := range r.walked.Unnamed {
		r.Log.WithField("file", u.Path).Warn("File can not be registered by this name: " + oneLine(u.Reason))
	}
	if seen := r.walked.Roots; r.CheckRoots == nil {
		r.CheckRoots = func(ctx context.Context) error { return tree.Check(ctx, seen, storagePatience) }
	}
	if r.ours() {
		// Without it nobody would notice that a share is not mounted.
		before := r.state.Roots
		r.state.Roots = maps.Clone(r.walked.Roots)
		for root, seen := range r.state.Roots {
			seen.Asked = before[root].Asked
			r.state.Roots[root] = seen
		}
	}
	return nil
}

// sift counts files that are registered, and gives the others: most are, in most
// runs, and then need not be put in order.
func (r *run) sift(ctx context.Context, files []ledger.File) ([]ledger.File, error) {
	known, err := r.Book.KnowFiles(ctx, r.Job, files)
	if err != nil {
		return nil, err
	}
	var rest []ledger.File
	for i, f := range files {
		if r.decide(f, known[i], r.report.Started).count != Known {
			rest = append(rest, f)
			continue
		}
		r.paper.count(Known, f, 0)
		if f.Mark().Compare(r.top) > 0 {
			r.top = f.Mark()
		}
	}
	return rest, nil
}

// ours says that the state of the job follows this run.
func (r *run) ours() bool { return !r.DryRun && !r.Part }

// bounds are the times before which a file has been seen, of its content and of
// its change; zero where all is looked at.
func (r *run) bounds(ctx context.Context) (content, change time.Time, err error) {
	s := r.state
	if r.All || r.Retry.Failed == AgainAlways || s.ScannedAt.IsZero() || s.Mark.IsZero() || r.askAgain() {
		return content, change, nil
	}
	list, err := r.Book.DeadLettered(ctx, ledger.MessageFilter{Since: s.ScannedAt})
	if err != nil {
		return content, change, err
	}
	given := 0
	for _, m := range list {
		if slices.ContainsFunc(r.Tree.Roots, func(root string) bool { return tree.Within(m.File, root) }) {
			given++
		}
	}
	left := false // to those who do not publish
	if r.Publisher == nil {
		if left, err = r.Book.HasPublished(ctx, r.Job); err != nil {
			return content, change, err
		}
	}
	switch {
	case s.ScannedAt.After(r.report.Started):
		r.Log.WithField("scanned_at", s.ScannedAt).Warn("Looking at all files: the last look was in the future; a clock is or was wrong")
	case left:
		r.Log.Info("Looking at all files: some were published, which may not have arrived")
	case s.Selection != r.Selection:
		r.Log.Info("Looking at all files: other folders or patterns than last time")
	case r.Retry.Failed == AgainChanged && r.Retry.RulesChanged.After(s.ScannedAt):
		r.Log.Info("Looking at all files: schemas or configuration have changed since the last time")
	case given > 0:
		r.Log.WithField("messages", given).Info("Looking at all files: the daemon has given some up since the last time")
	default:
		// A mark in the future would hide what is written until then.
		content = earlier(s.Mark.Time, s.ScannedAt).Add(-r.Lookback)
		change = s.ScannedAt.Add(-r.MinAge - r.margin)
	}
	return content, change, nil
}

// askAgain says that it is long since each file was asked about.
func (r *run) askAgain() bool {
	for _, root := range r.Tree.Roots {
		if since := r.report.Started.Sub(r.state.Roots[root].Asked); since >= askAgain || since < 0 {
			return true
		}
	}
	return false
}

// verdict is how the run ends: err where something was in the way.
func (r *run) verdict(err error) error {
	n := r.report.Counts
	switch {
	case err != nil:
		return err
	case r.Strict && n[Changed] > 0:
		return fault.Errorf(fault.BadInput, "%s since registered: look at them, then `state accept`", several(n[Changed], "file has changed", "files have changed"))
	case n[Failed]+r.paper.untold > 0:
		return fault.Errorf(fault.SomeFailed, "%s", r.paper.inVain())
	}
	return nil
}

// close writes down how the run has ended.
func (r *run) close(ctx context.Context, err error) error {
	r.report.end(r.Now(), err)
	if r.DryRun {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), savePatience)
	defer cancel()
	r.state.LastRun = r.report.Ended
	if good(err) && r.ours() && (r.Limit == 0 || r.report.Whole) {
		r.state.LastGood = r.report.Ended
	}
	r.report.LastGood = r.state.LastGood
	save := r.save(ctx)
	if save == nil {
		line, e := r.report.line()
		if save = e; e == nil {
			save = r.Book.AddRun(ctx, ledger.Run{Job: r.Job, Started: r.report.Started, Ended: r.report.Ended, Exit: r.report.Exit, Report: line})
		}
	}
	if save == nil && r.Retention > 0 {
		_, save = r.Book.PruneRuns(ctx, r.Job, r.report.Ended.Add(-r.Retention))
	}
	switch {
	case save == nil:
		return err
	case err == nil || fault.KindOf(err) == fault.SomeFailed:
		err = fmt.Errorf("keep the state of job %q: %w", r.Job, save)
		r.report.end(r.report.Ended, err)
	default:
		r.Log.WithError(save).Error("State of the job is not kept; the next run looks at more than it had to")
	}
	return err
}

// good says that a run did all it had to; files that failed for good are no
// fault of the run.
func good(err error) bool {
	return err == nil || fault.KindOf(err) == fault.SomeFailed || fault.KindOf(err) == fault.BadInput
}

func (r *run) save(ctx context.Context) error {
	if r.state.Job == "" {
		return nil // it could not be read
	}
	return r.Book.SaveJob(ctx, r.state)
}

// seen notes a complete look, all of which was tried.
func (r *run) seen() {
	r.state.ScannedAt, r.state.Selection = r.report.Started, r.Selection
	for root, seen := range r.state.Roots {
		seen.Fresh = nil
		if r.full {
			seen.Asked = r.report.Started
		}
		r.state.Roots[root] = seen
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
