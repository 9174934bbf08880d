package backfill

import (
	"errors"
	"math/rand/v2"

	"ingestor/internal/fault"
	"ingestor/internal/ledger"
)

const (
	// mostLastly bounds how many files are kept that failed in earlier runs by
	// what may concern all; the others are left to the next run.
	mostLastly = 5000
	// mostInVain is how many of them fail in sequence until the others are left to
	// the next run, which takes them in another order. Each may take a worker's
	// patience with a catalogue. Where no other file says that there is no outage,
	// it is mostDoubts.
	mostInVain = 20
	mostDoubts = 3
)

// refusedClass is, in the ledger, the class of failures that a run has told to be
// those of the file, though they look like those of a catalogue.
const refusedClass = "refused"

// suspicionOf is by what a file failed in an earlier run that may concern all
// files; nil where it did not.
func suspicionOf(k ledger.Knowledge) error {
	if kind, failed := fault.OfExit(k.Exit); failed && kind.Class() == fault.ClassSystemic {
		return fault.New(kind, errors.New(k.Error))
	}
	return nil
}

// suspected says that a file has failed by what may concern all. It is tried
// last, alone, and says nothing of files that were not tried yet: else two of
// them would keep all others from ever being tried.
func (it *item) suspected() bool { return it.suspicion != nil }

// setAside keeps a file for the end. Of too many, chance takes some: the same
// ones would keep others out for ever.
func (w *work) setAside(it *item) {
	w.aside++
	if len(w.lastly) < mostLastly {
		w.lastly = append(w.lastly, it)
		return
	}
	if i := rand.Int64N(w.aside); i < mostLastly { //nolint:gosec // it is no secret
		w.lastly[i], it = it, w.lastly[i]
	}
	w.postpone(it, fault.KindOf(it.suspicion), it.suspicion.Error())
}

// atLast makes one of the files ready that were set aside, once all others are
// dealt with.
func (w *work) atLast() {
	if !w.exhausted || w.running > 0 || len(w.ready) > 0 || len(w.later) > 0 || !w.moreAside() {
		return
	}
	if w.Limit > 0 && w.taken == w.Limit {
		w.limited = true
		return
	}
	last := len(w.lastly) - 1
	i := rand.IntN(last + 1) //nolint:gosec // it is no secret
	it := w.lastly[i]
	w.lastly[i] = w.lastly[last]
	w.lastly = w.lastly[:last]
	w.taken++
	w.ready = append(w.ready, it)
}

// moreAside says that some files that were set aside are to be tried.
func (w *work) moreAside() bool {
	most := mostDoubts
	if w.report.Counts[Registered]+w.report.Counts[Existed] > 0 && !w.outage.on() {
		most = mostInVain
	}
	return len(w.lastly) > 0 && !w.limited && w.inVain < most
}
