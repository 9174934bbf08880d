package online

import "ingestor/internal/intake"

// delivery is a message and its acknowledgement.
type delivery struct {
	message intake.Message
	ack     intake.Ack
}

// deliver is what sources call; it returns at once.
func (d *Daemon) deliver(m intake.Message, ack intake.Ack) {
	if d.oneMore.CompareAndSwap(true, false) {
		for _, s := range d.opt.Sources {
			s.Hold(true) // this was the one
		}
	}
	d.inbox.put(delivery{m, ack})
}
