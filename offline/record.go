package offline

import (
	"context"

	"ingestor/internal/fault"
	"ingestor/internal/ledger"
)

// record is what the ledger knows and learns of the file that is ingested.
type record struct {
	book *notebook
	rep  *Report
	file ledger.File // none while its path is empty
	// counted says that the ledger knows of this attempt.
	counted bool
	// onFailure is the state of the file when the run fails; "" keeps what it is.
	onFailure ledger.State
}

// record starts the record of a file. A dry run has none: it writes nothing, and
// even reading makes files beside the ledger.
func (g *Ingestor) record(rep *Report) *record {
	r := &record{book: g.book, rep: rep}
	if g.opt.DryRun || g.book.open == nil {
		return r
	}
	if file, err := ledger.Look(rep.File); err == nil {
		r.file = file
	}
	return r
}

// note writes down how far the file has come.
func (r *record) note(ctx context.Context, state ledger.State) error {
	return r.take(ctx, ledger.Note{State: state})
}

// failed writes down why the file failed. That it can not changes nothing.
func (r *record) failed(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return // stopped by us
	}
	kind := fault.KindOf(err)
	_ = r.take(ctx, ledger.Note{
		State: r.onFailure, Error: err.Error(), Class: kind.Class().String(), Exit: kind.ExitCode(),
	})
}

func (r *record) take(ctx context.Context, n ledger.Note) error {
	if r.file.Path == "" {
		return nil
	}
	n.File, n.PID, n.Datablock, n.JobID, n.Schema = r.file, r.rep.PID, r.rep.Datablock, r.rep.JobID, r.rep.Schema
	n.FirstOfAttempt = !r.counted
	return r.book.use(ctx, func(ctx context.Context, l Ledger) error {
		err := l.Take(ctx, n)
		r.counted = r.counted || err == nil
		return err
	})
}

// before is what the ledger knows of this content of the file.
func (r *record) before(ctx context.Context) (e ledger.Entry, known bool, err error) {
	if r.file.Path == "" {
		return ledger.Entry{}, false, nil
	}
	err = r.book.use(ctx, func(ctx context.Context, l Ledger) (err error) {
		e, known, err = l.OfFile(ctx, r.file)
		return err
	})
	return e, known, err
}

// begun says that the ledger knows of a dataset that was posted for this content
// of the file.
func (r *record) begun(ctx context.Context) (bool, error) {
	e, _, err := r.before(ctx)
	switch e.State {
	case ledger.Registering, ledger.DatasetMade, ledger.Attaching, ledger.Registered:
		return err == nil, err
	}
	return false, err
}

// begin writes down that the dataset is about to be posted, and gives the state
// in which the file is when that turns out not to have been done. Unless there is
// surely no dataset (fresh), what is known of it stays.
func (r *record) begin(ctx context.Context, fresh bool) (before ledger.State, err error) {
	if !fresh {
		if begun, err := r.begun(ctx); err != nil || begun {
			return "", err
		}
	}
	return ledger.Failed, r.note(ctx, ledger.Registering)
}

// registered writes down that the file was found registered.
func (r *record) registered(ctx context.Context) error {
	e, known, err := r.before(ctx)
	if err != nil || known && e.State == ledger.Registered && e.PID == r.rep.PID && e.Error == "" {
		return err
	}
	return r.note(ctx, ledger.Registered)
}

// fate is what the ledger says of a dataset that is in the catalogue.
type fate int

const (
	unknown    fate = iota
	incomplete      // made for this file, and without datablock
	doubtful        // made for this file; whether it got its datablock nobody knows
	complete        // it has its datablock
)

// fate asks the ledger about the dataset of this file.
func (r *record) fate(ctx context.Context) (f fate, err error) {
	if r.file.Path == "" {
		return unknown, nil
	}
	err = r.book.use(ctx, func(ctx context.Context, l Ledger) error {
		list, err := l.OfPID(ctx, r.rep.PID)
		for _, e := range list {
			f = max(f, fateOf(e, r.file))
		}
		return err
	})
	return f, err
}

// fateOf is what one entry says. What another file, a copy perhaps, has begun
// is not for this one to complete: it may be at it right now.
func fateOf(e ledger.Entry, file ledger.File) fate {
	switch {
	case e.State == ledger.Registered:
		return complete
	case !e.Same(file):
		return unknown
	case e.State == ledger.Attaching:
		return doubtful
	case e.State == ledger.DatasetMade, e.State == ledger.Registering:
		return incomplete
	}
	return unknown
}
