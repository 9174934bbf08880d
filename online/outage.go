package online

import (
	"context"
	"time"
)

// outage is a failure that concerns every file: the catalogue is away, the
// token is refused, the executable is missing. The files that met it are
// parked, the intake is held, and now and then one parked file is tried: only
// a real ingestion proves that all is well again.
type outage struct {
	since  time.Time
	parked []*job
	// next is when to try again; trials counts the tries.
	next   time.Time
	trials int
}

func (o *outage) on() bool { return !o.since.IsZero() }

// The first and the longest pause between tries during an outage. All must be
// done within a minute after it is mended.
const (
	firstProbe   = time.Second
	longestProbe = 20 * time.Second
)

// park puts a job aside until the outage is over.
func (d *Daemon) park(j *job, h Hold, why string) {
	now := time.Now()
	if !d.outage.on() {
		d.outage.since = now
	}
	d.outage.parked = append(d.outage.parked, j)
	if len(d.running) == 0 || d.outage.trials == 0 {
		d.outage.trials++
		d.outage.next = now.Add(pause(d.outage.trials, firstProbe, longestProbe))
	}
	d.hold(h, true, why)
	d.entry(j).WithField("reason", why).WithField("hold", string(h)).Debug("File waits for the end of the outage")
}

// probe tries one parked file when it is time and nothing else runs.
func (d *Daemon) probe(ctx context.Context, now time.Time) {
	if now.Before(d.outage.next) || len(d.running) > 0 || len(d.outage.parked) == 0 {
		return
	}
	j := d.outage.parked[0]
	d.outage.parked = d.outage.parked[1:]
	d.start(ctx, j)
}

// outageEnds releases everything once a file that was started during the
// outage met no more of it.
func (d *Daemon) outageEnds(j *job) {
	if !d.outage.on() || j.started.Before(d.outage.since) {
		return
	}
	d.ready = append(d.outage.parked, d.ready...)
	d.outage = outage{}
	for _, h := range []Hold{HoldCatalogueDown, HoldExecutable} {
		d.hold(h, false, "")
	}
}
