package online

import (
	"context"
	"time"

	"ingestor/internal/intake"
)

// DeadLetters takes messages that can not be dealt with.
type DeadLetters interface {
	// Send returns nil once the letter is kept, at most once for a call; an
	// error may be tried again. It waits as long as that takes or ctx lives.
	Send(ctx context.Context, l intake.DeadLetter) error
}

// The pauses between tries to send one letter.
const (
	firstLetterPause   = time.Second
	longestLetterPause = 20 * time.Second
)

// deadLetters is where the letters of a source go; nil for nowhere.
func (d *Daemon) deadLetters(source string) DeadLetters {
	if to, own := d.opt.DeadLetters[source]; own {
		return to
	}
	return d.opt.DeadLetters[""]
}

// post sends a dead letter, again and again until it is taken or the daemon ends.
func (d *Daemon) post(e *ending) {
	to, letter := d.deadLetters(e.letter.Source), *e.letter
	d.background.Go(func() {
		for try := 1; ; try++ {
			err := to.Send(d.life, letter)
			if err == nil {
				d.events.put(func() { d.posted(e) })
				return
			}
			if d.life.Err() != nil {
				return
			}
			d.events.put(func() { d.notPosted(err) })
			timer := time.NewTimer(pause(try, firstLetterPause, longestLetterPause))
			select {
			case <-timer.C:
			case <-d.life.Done():
				timer.Stop()
				return
			}
		}
	})
}

func (d *Daemon) posted(e *ending) {
	if d.letterFails {
		d.letterFails = false
		d.log.Info("Dead letters are taken again")
	}
	e.letter, e.settled = nil, true
	d.advance(e)
}

func (d *Daemon) notPosted(err error) {
	if !d.letterFails {
		d.letterFails = true
		d.log.WithError(err).Error("Dead letter can not be sent; trying again until it can, its message stays uncommitted")
	}
}
