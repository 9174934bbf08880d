package online

import (
	"context"
	"slices"
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
	// mended is when somebody said that it may be over.
	mended time.Time
}

func (o *outage) on() bool { return !o.since.IsZero() }

// The first and the longest pause between tries during an outage. All must be
// done within a minute after it is mended.
const (
	firstProbe   = time.Second
	longestProbe = 20 * time.Second
)

// suffer acts on a failure that concerns every file, or so it seems: a catalogue
// may have a trouble of its own with one dataset for days. A file that met several
// outages, while others were registered in between, waits alone and holds up
// nobody. It is never given up for that.
func (d *Daemon) suffer(j *job, h Hold, why string) {
	const several = 2
	alone := j.outages >= several && d.worked.After(j.suffered) && !d.outage.on()
	j.outages++
	j.suffered = time.Now()
	if !alone {
		d.park(j, h, why)
		return
	}
	j.due = time.Now().Add(pause(j.outages, firstProbe, longestProbe))
	d.postponed = append(d.postponed, j)
	d.entry(j).WithField("reason", why).Warn("Only this file meets an outage, others are registered; trying it again until it works")
}

// park puts a job aside until the outage is over.
func (d *Daemon) park(j *job, h Hold, why string) {
	now := time.Now()
	tried := d.probes(j)
	if !d.outage.on() {
		d.outage.since = now
	}
	d.outage.parked = append(d.outage.parked, j)
	switch {
	case tried && j.started.Before(d.outage.mended):
		d.outage.next = now // it says nothing of how things are since
	case tried || d.outage.trials == 0:
		d.outage.trials++
		d.outage.next = now.Add(pause(d.outage.trials, firstProbe, longestProbe))
	}
	d.hold(h, true, why)
	d.entry(j).WithField("reason", why).WithField("hold", string(h)).Debug("File waits for the end of the outage")
}

// mended has the next probe made at once.
func (d *Daemon) mended() {
	d.outage.mended = time.Now()
	d.outage.trials, d.outage.next = 0, d.outage.mended
}

// probes says whether a job was started to find out if the outage is over.
func (d *Daemon) probes(j *job) bool { return d.outage.on() && !j.started.Before(d.outage.since) }

// probing says whether a file is being tried to find that out.
func (d *Daemon) probing() bool {
	for r := range d.running {
		if d.probes(r) {
			return true
		}
	}
	for r := range d.checking {
		if d.probes(r) {
			return true
		}
	}
	return false
}

// nextProbe is the parked file to try next, -1 for none: while another probe
// runs, no slot is free, or all of them are being worked on. The end of a child
// changes that, nothing else. Files that were begun before the outage may go on
// for hours; nobody waits for them.
func (d *Daemon) nextProbe() int {
	if !d.outage.on() || len(d.running) >= d.opt.MaxChildren {
		return -1
	}
	if d.probing() {
		return -1
	}
	return slices.IndexFunc(d.outage.parked, func(j *job) bool { return !d.busy(j.written.FileName) })
}

// probe tries one file when it is time: one that was not tried yet, as long as few
// were, else a parked one.
func (d *Daemon) probe(ctx context.Context, now time.Time) {
	i := d.nextProbe()
	if i < 0 || now.Before(d.outage.next) {
		return
	}
	if len(d.running)+len(d.outage.parked) <= d.opt.MaxChildren {
		if j := d.next(); j != nil {
			d.start(ctx, j)
			return
		}
	}
	j := d.outage.parked[i]
	d.outage.parked = slices.Delete(d.outage.parked, i, i+1)
	d.start(ctx, j)
	d.askForOneMore()
}

// askForOneMore lets one more message in after some tries in vain: if the parked
// files are the only ones that fail so, they would hold up all others for ever.
func (d *Daemon) askForOneMore() {
	const someTries = 2
	if d.outage.trials < someTries || len(d.running)+d.startable()+len(d.outage.parked) > d.opt.MaxChildren {
		return
	}
	d.oneMore.Store(true)
	for _, s := range d.opt.Sources {
		s.Hold(false)
	}
}

// outageEnds releases everything once a file that was started during the
// outage met no more of it.
func (d *Daemon) outageEnds(j *job) {
	if d.probes(j) {
		d.endOutage()
	}
}

func (d *Daemon) endOutage() {
	d.ready = append(d.outage.parked, d.ready...)
	d.outage = outage{}
	d.oneMore.Store(false)
	for _, h := range []Hold{HoldCatalogueDown, HoldExecutable} {
		d.hold(h, false, "")
	}
}
