package online

import (
	"context"
	"time"

	"ingestor/internal/ledger"
)

// Ledger remembers what became of messages.
type Ledger interface {
	// NoteMessages takes all notes or none.
	NoteMessages(ctx context.Context, notes []ledger.MessageNote) error
	// Probe is nil when notes can be taken.
	Probe(ctx context.Context) error
	// Prune forgets messages that ended before a time, but not dead letters.
	Prune(ctx context.Context, before time.Time) (int64, error)
}

const (
	// mostNotes are taken at once.
	mostNotes = 256
	// probeEvery is how often an idle daemon makes sure that notes can be taken.
	probeEvery = 10 * time.Second
	// noteAgain is the pause after notes that were not taken.
	noteAgain = time.Second
	// firstProbeLimit bounds the one at the start.
	firstProbeLimit = 3 * time.Second
	// pruneEvery is how often old notes are forgotten.
	pruneEvery = time.Hour
)

// entry is a note to take, and the message that waits for it, if one does.
type entry struct {
	note   ledger.MessageNote
	ending *ending
}

// scribe takes notes, many at once, and keeps at it while they can not be taken.
// The disk may be slow or hang: that is why it is not the loop which does it.
type scribe struct {
	ledger    Ledger
	retention time.Duration // 0 keeps everything
	todo      *queue[entry]
	// noted is told what is done, failing what goes wrong, nil when it is over.
	noted   func([]entry)
	failing func(error)
}

// run works until ctx ends. What is not noted then stays with whoever waits.
func (s *scribe) run(ctx context.Context) {
	var pending []entry
	var pruned time.Time
	failed := true            // what the first probe found is told in any case
	timer := time.NewTimer(0) // the first probe is at once
	defer timer.Stop()
	for {
		probe := false
		select {
		case <-ctx.Done():
			return
		case <-s.todo.wake:
		case <-timer.C:
			probe = true
		}
		pending = append(pending, s.todo.take()...)
		var err error
		if probe {
			err = s.ledger.Probe(ctx)
		}
		for err == nil && len(pending) > 0 {
			batch := pending[:min(len(pending), mostNotes)]
			if err = s.ledger.NoteMessages(ctx, notesOf(batch)); err == nil {
				s.noted(batch)
				pending = pending[len(batch):]
			}
		}
		if err == nil && s.retention > 0 && time.Since(pruned) >= pruneEvery {
			_, err = s.ledger.Prune(ctx, time.Now().Add(-s.retention))
			pruned = time.Now()
		}
		if ctx.Err() != nil {
			return
		}
		if err != nil || failed {
			s.failing(err)
		}
		failed = err != nil
		if err == nil {
			pending = nil // lets go of the memory of a burst
			timer.Reset(probeEvery)
			continue
		}
		timer.Reset(noteAgain)
	}
}

func notesOf(batch []entry) []ledger.MessageNote {
	notes := make([]ledger.MessageNote, len(batch))
	for i, e := range batch {
		notes[i] = e.note
	}
	return notes
}

// noted is told by the scribe what stands in the ledger.
func (d *Daemon) noted(done []entry) {
	var endings []*ending
	for _, e := range done {
		if e.ending != nil {
			endings = append(endings, e.ending)
		}
	}
	if len(endings) == 0 {
		return
	}
	d.events.put(func() {
		for _, e := range endings {
			d.conclude(e)
		}
	})
}

// ledgerFails is told by the scribe whether notes can be taken.
func (d *Daemon) ledgerFails(err error) { d.events.put(func() { d.ledgerIs(err) }) }

func (d *Daemon) ledgerIs(err error) {
	d.ledgerFault = err
	why := ""
	if err != nil {
		why = err.Error()
	}
	d.hold(HoldDiskFull, err != nil, why)
}

// firstProbe asks the ledger before anything is taken in, but not for long.
func (d *Daemon) firstProbe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, firstProbeLimit)
	defer cancel()
	return d.opt.Ledger.Probe(ctx)
}
