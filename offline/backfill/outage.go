package backfill

// outage tells a general fault from that of one file which looks like one: it
// is general once a second file fails by it, with none that succeeded between.
type outage struct {
	suspect *item
	err     error
}

func (o *outage) on() bool { return o.suspect != nil }

// waits says that no more is begun while so many workers are at it.
func (o *outage) waits(running int) bool { return o.on() && running > 0 }

// begin sets a file aside, or says that the fault is general.
func (o *outage) begin(it *item, err error) (general bool) {
	if o.on() && o.suspect != it {
		return true
	}
	o.suspect, o.err = it, err
	return false
}

// over is called when a file succeeded; the suspect then failed for itself.
func (o *outage) over() (*item, error) {
	it, err := o.suspect, o.err
	o.suspect, o.err = nil, nil
	return it, err
}

// atEnd is the fault that no other file could tell from a general one.
func (o *outage) atEnd() error { return o.err }
