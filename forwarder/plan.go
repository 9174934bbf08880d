package forwarder

import "ingestor/forwarder/control"

// plan holds the assignments that are still to be served, in order.
type plan struct {
	batches []control.Batch
	at      int // in the first batch
	left    int // events in all batches
}

func (p *plan) add(b control.Batch) {
	if len(b.Events) > 0 {
		p.batches = append(p.batches, b)
		p.left += len(b.Events)
	}
}

// next is the first event that is not done: its number, and for each active stream
// the workers (nil: no frame of this stream belongs to it).
func (p *plan) next() (event uint64, sets []*control.WorkerSet, ok bool) {
	if p.left == 0 {
		return 0, nil, false
	}
	b := &p.batches[0]
	return b.Events[p.at], b.Sets[p.at*b.Streams : (p.at+1)*b.Streams], true
}

// done ends the first event.
func (p *plan) done() {
	p.at++
	p.left--
	if p.at == len(p.batches[0].Events) {
		p.batches[0] = control.Batch{} // for the garbage collector
		p.batches = p.batches[1:]
		p.at = 0
	}
}

func (p *plan) clear() { *p = plan{} }
