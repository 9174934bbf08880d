package online

import (
	"time"

	"ingestor/internal/intake"
)

// delivery is a message and its acknowledgement.
type delivery struct {
	message intake.Message
	ack     intake.Ack
}

// deliver is what sources call; it returns at once.
func (d *Daemon) deliver(m intake.Message, ack intake.Ack) {
	one := d.oneMore.CompareAndSwap(true, false)
	if one {
		for _, s := range d.opt.Sources {
			s.Hold(true) // this was the one
		}
	}
	d.inbox.put(delivery{m, ack})
	if one {
		d.events.put(func() { d.decideAll(); d.outage.next = time.Now() })
	}
}
