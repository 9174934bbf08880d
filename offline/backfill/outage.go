package backfill

import (
	"context"
	"slices"
	"time"

	"ingestor/internal/fault"
	"ingestor/internal/ledger"
)

const (
	// mostSuspects is how many files in sequence fail by what may concern all before
	// the run is given up. The first two come as the order has it. They may be of one
	// kind, of a proposal that the account may not write, say, so the others are
	// taken from the far end. In an outage each costs the patience of a worker: few.
	mostSuspects = 5
	// mostPatience is how many they are where earlier runs have set as many aside and
	// the catalogue says that it is well: each run gets further than the one before.
	mostPatience = 50
)

// wellPatience bounds the question whether the catalogue is well.
const wellPatience = 30 * time.Second

// outage tells a general fault from that of some files which look like one: these
// are the files of this run that failed by it, with none that succeeded since.
type outage struct {
	suspects []*item
	// elsewhere says that the next one to be tried is to be of another kind.
	elsewhere bool
	well      bool // as the catalogue said when it was asked
}

func (o *outage) on() bool { return len(o.suspects) > 0 }

// waits says that no more is begun while so many workers are at it.
func (o *outage) waits(running int) bool { return o.on() && running > 0 }

// begin sets a file aside, or says that the fault is general. Before is how many
// are set aside since earlier runs.
func (o *outage) begin(it *item, before int) (general bool) {
	o.suspects = append(o.suspects, it)
	o.elsewhere = len(o.suspects) > 1
	most := mostSuspects
	if o.well {
		most = min(most+before, mostPatience)
	}
	return len(o.suspects) >= most
}

// over is called when a file succeeded; the suspects then failed for themselves.
func (o *outage) over() []*item {
	list := o.suspects
	*o = outage{}
	return list
}

// suspect sets a file aside whose failure looks like a general one. Whether it
// is, another file shows; not one that failed like this in an earlier run.
func (w *work) suspect(it *item, err error) {
	before := it.suspected()
	it.suspicion = err
	if before {
		w.inVain++
		w.refused = append(w.refused, it)
		w.entry(it).WithError(err).Debug("File failed as in an earlier run")
		return
	}
	if general := w.outage.begin(it, len(w.lastly)); general {
		w.stop(err)
		return
	}
	w.entry(it).WithError(err).Warn("File failed by what may concern all; another one is tried")
}

// doubt is called before the next file is tried, once two have failed in sequence.
// Where the catalogue itself says that it is not well, no more are.
func (w *work) doubt(ctx context.Context) error {
	if !w.outage.elsewhere || w.running > 0 {
		return nil
	}
	w.outage.elsewhere = false
	if !w.outage.well && w.CatalogueWell != nil {
		if w.outage.well = w.well(ctx); !w.outage.well {
			return w.outage.suspects[0].suspicion
		}
	}
	return w.elsewhere(ctx)
}

// well says that the catalogue was asked and is well.
func (w *work) well(ctx context.Context) bool {
	if w.CatalogueWell == nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, wellPatience)
	defer cancel()
	err := w.CatalogueWell(ctx)
	if err != nil {
		w.Log.WithError(err).Debug("Catalogue is not well")
	}
	return err == nil
}

// elsewhere puts a file of the far end first: of the list, or of what is ready.
func (w *work) elsewhere(ctx context.Context) error {
	if !w.exhausted && w.Limit == 0 {
		if found, err := w.atFarEnd(ctx); found || err != nil {
			return err
		}
	}
	far := 0
	for i, it := range w.ready {
		if c := it.Mark().Compare(w.ready[far].Mark()); c != 0 && (c > 0) == (w.Order == Oldest) {
			far = i
		}
	}
	if far > 0 {
		it := w.ready[far]
		w.ready = slices.Insert(slices.Delete(w.ready, far, far+1), 0, it)
	}
	return nil
}

// atFarEnd makes a file of the end of the list ready, if there is one among the
// next few.
func (w *work) atFarEnd(ctx context.Context) (found bool, err error) {
	const few, times = 25, 20
	for range times {
		files, err := w.list.Next(ctx, w.far, few, w.Order != Newest)
		if err != nil || len(files) == 0 {
			return false, err
		}
		known, err := w.Book.KnowFiles(ctx, w.Job, files)
		if err != nil {
			return false, err
		}
		for i, f := range files {
			if near := f.Mark().Compare(w.after); near == 0 || (near < 0) == (w.Order == Oldest) {
				return false, nil // from here on they are ready
			}
			w.far = f.Mark()
			if w.decide(f, known[i], w.Now()).take && suspicionOf(known[i]) == nil {
				w.ahead[f.Path] = struct{}{}
				w.ready = slices.Insert(w.ready, 0, w.take(f, known[i]))
				return true, nil
			}
		}
	}
	return false, nil
}

// atEnd decides about files that failed by what no other file could tell from a
// general fault. The error is that one.
func (w *work) atEnd(ctx context.Context) error {
	fresh, again := w.outage.suspects, w.refused
	list := slices.Concat(fresh, again)
	if len(list) == 0 {
		return nil
	}
	some := w.report.Counts[Registered]+w.report.Counts[Existed] > 0
	if proven := some && len(fresh) == 0; !proven {
		// A right that is missing for all looks well from afar: what fails for
		// the first time is believed to be an outage, unless others succeeded.
		if !some && len(fresh) > 0 || !w.well(ctx) {
			return list[0].suspicion
		}
	}
	for _, it := range w.outage.over() {
		w.pass(it, fault.KindOf(it.suspicion), it.suspicion.Error())
	}
	if !w.limited {
		again = append(again, w.lastly...)
	}
	return w.tell(ctx, again)
}

// tell leaves files to the next run that failed by themselves, each time. The run
// fails by those of which none has told before, and only by them: it is good in
// all else, and nobody reads what is said each hour.
func (w *work) tell(ctx context.Context, list []*item) error {
	var notes []ledger.Note
	for _, it := range list {
		kind := fault.KindOf(it.suspicion)
		if !it.told {
			w.paper.untold++
		}
		if !it.told || it.attempts > 0 { // its worker has noted something else
			note := noteOf(it, it.suspicion)
			note.Class = refusedClass
			notes = append(notes, note)
		}
		w.report.Refused++
		w.report.RefusedFiles = named(w.report.RefusedFiles, it.Path)
		w.postpone(it, kind, it.suspicion.Error())
	}
	if w.paper.untold > 0 {
		w.Log.WithField("files", len(list)).Warn("Files fail each time by what looks like a fault of the catalogue, while others do not")
	}
	return w.Book.NoteFailed(ctx, notes)
}
