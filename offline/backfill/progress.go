package backfill

import "time"

// Progress is how far a run is.
type Progress struct {
	// Looking says that files are still looked for: Total grows, and nothing
	// is done yet.
	Looking bool
	// Done of Total files are dealt with, Failed of these in vain.
	Done, Total, Failed int64
	// Tried is how many needed more than a look at the ledger.
	Tried int64
	// Bytes were registered or published.
	Bytes int64
	// Over says that it is the last word.
	Over bool
}

// showEvery is between two looks at the progress.
const showEvery = 200 * time.Millisecond

func (r *run) show(p Progress, last bool) {
	now := time.Now()
	if !last && now.Sub(r.shown) < showEvery {
		return
	}
	r.shown, p.Over = now, last
	r.Progress(p)
}

func (w *work) progress() Progress {
	p := Progress{Total: w.report.Looked.Files, Bytes: w.report.Bytes, Tried: w.report.Tried()}
	for _, n := range w.report.Counts {
		p.Done += n
	}
	p.Failed = w.report.Counts[Failed] + w.report.Counts[Waiting]
	return p
}
