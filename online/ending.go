package online

import (
	"ingestor/internal/intake"
	"ingestor/internal/ledger"
	"ingestor/internal/outcome"
)

// ending is a message that is dealt with. Before it is acknowledged its dead
// letter, if it gets one, is sent, and then its note is in the ledger: whoever
// is asked later what became of it finds an answer.
type ending struct {
	ack     intake.Ack
	outcome outcome.Outcome
	note    ledger.MessageNote
	// letter is nil when none is needed, or it is sent.
	letter *intake.DeadLetter
	// settled: what has become of it stands elsewhere, in the catalogue or in
	// the dead-letter topic, or needs to stand nowhere.
	settled bool
}

// maxEnding bounds how many messages wait for their letter or their note.
const maxEnding = 1000

// end brings a message to its end, see ending.
func (d *Daemon) end(e *ending) {
	d.ending[e] = struct{}{}
	d.advance(e)
}

// advance takes the next step with a message that is dealt with.
func (d *Daemon) advance(e *ending) {
	if _, open := d.ending[e]; !open {
		return // given back by a stop
	}
	switch {
	case e.letter != nil:
		d.post(e)
	case d.opt.Ledger != nil:
		d.scribe.todo.put(entry{note: e.note, ending: e})
	default:
		d.conclude(e)
	}
}

// conclude acknowledges a message for good.
func (d *Daemon) conclude(e *ending) {
	if _, open := d.ending[e]; !open {
		return
	}
	delete(d.ending, e)
	d.outcomes[e.outcome]++
	e.ack(nil)
}

// letGo decides about what is still ending when the daemon must end: what stands
// elsewhere is finished, all else is delivered again.
func (d *Daemon) letGo() {
	for e := range d.ending {
		if e.settled {
			d.conclude(e)
			continue
		}
		delete(d.ending, e)
		d.giveBack(e.ack, errInterrupted)
	}
}

// needsLetter says which outcomes go to the dead-letter topic: a file may have
// been written that the catalogue does not have.
func needsLetter(o outcome.Outcome) bool {
	return o == outcome.DeadLettered || o == outcome.Malformed || o == outcome.InvalidPath
}

// newEnding begins the end of a message. The note is complete but for what an
// attempt adds.
func (d *Daemon) newEnding(m intake.Message, ack intake.Ack, o outcome.Outcome, letter intake.DeadLetter) *ending {
	e := &ending{ack: ack, outcome: o, note: noteOf(m), settled: !needsLetter(o)}
	e.note.Outcome, e.note.Error, e.note.Attempts = string(o), letter.Reason, letter.Attempts
	if !e.settled && d.deadLetters(m.Source) != nil {
		letter.Message = m
		e.letter = &letter
	}
	return e
}

// noteOf is a note with the position of a message.
func noteOf(m intake.Message) ledger.MessageNote {
	return ledger.MessageNote{Source: m.Source, Topic: m.Topic, Partition: m.Partition, Offset: m.Offset, Time: m.Time}
}
