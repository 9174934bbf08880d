package forwarder

import (
	"context"
	"time"

	"github.com/sirupsen/logrus"

	"ingestor/forwarder/control"
	"ingestor/forwarder/dump"
	"ingestor/internal/zmq"
)

// dumper gives each mapping its dump, if one is wanted. Its methods belong to the
// pump; the writing goes on in goroutines of its own.
type dumper struct {
	log      logrus.FieldLogger
	path     string // fixed, or empty
	ingester string
	bytes    int64 // bound of what waits to be written
	wake     func()
	count    dump.Counters

	current *dump.Writer
	parts   []dump.Part
	ended   chan struct{} // the previous writer's end; nil: there was none
}

// open begins the dump of a mapping, behind what is still written of the last. ctx
// ends what hangs.
func (d *dumper) open(ctx context.Context, m control.Mapping) {
	path, err := dump.Path(d.path, m.Parameters[dump.PrefixParameter], d.ingester, m.UUID)
	if err != nil {
		d.count.Failures.Add(1)
		d.log.WithError(err).Error("This mapping is not dumped")
		return
	}
	if path == "" {
		return
	}
	w, err := dump.NewWriter(dump.WriterOptions{Path: path, QueueBytes: d.bytes, Wake: d.wake, Log: d.log, Count: &d.count})
	if err != nil {
		d.count.Failures.Add(1)
		d.log.WithError(err).Error("This mapping is not dumped")
		return
	}
	d.current = w
	before, ended := d.ended, make(chan struct{})
	d.ended = ended
	go func() {
		defer close(ended)
		if before != nil {
			// Two mappings may dump into one file.
			select {
			case <-before:
			case <-ctx.Done():
			}
		}
		if err := w.Run(ctx); err != nil {
			d.log.WithError(err).WithField("file", path).Error("The dump was given up")
		}
	}()
}

// detach ends the current dump and gives the call that waits until it is on disk;
// nil when there is none.
func (d *dumper) detach() func(context.Context) error {
	if d.current == nil {
		return nil
	}
	w := d.current
	d.current = nil
	return w.Close
}

// end ends the current dump, which is completed in its own time.
func (d *dumper) end() {
	if d.current != nil {
		d.current.End()
		d.current = nil
	}
}

// close ends the current dump and waits until everything is on disk, at the most as
// long as patience.
func (d *dumper) close(ctx context.Context, patience time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if end := d.detach(); end != nil {
		if err := end(ctx); err != nil {
			d.log.WithError(err).Error("The dump is not complete")
		}
		return
	}
	if d.ended != nil {
		select {
		case <-d.ended:
		case <-ctx.Done():
		}
	}
}

// put hands an event to the dump; false: it has no room now.
func (d *dumper) put(event uint64, created time.Time, streams []*stream, sets []*control.WorkerSet) bool {
	d.parts = d.parts[:0]
	for i, set := range sets {
		// The peers step their triggers at each event, and dump what that gave.
		if set != nil || streams[i].step != nil && streams[i].hand != nil {
			m := zmq.NewMessage()
			m.CopyFrom(streams[i].hand)
			d.parts = append(d.parts, dump.Part{Name: streams[i].name, Typ: streams[i].source.Typ(), Message: m})
		}
	}
	if d.current.TryPut(event, created, d.parts) {
		return true
	}
	for _, p := range d.parts {
		p.Message.Free()
	}
	return false
}

// dumped sees to it that the event is in the dump, if there is one.
func (p *pump) dumped(event uint64, sets []*control.WorkerSet, now time.Time) bool {
	if p.dump.current == nil || p.inDump {
		return true
	}
	p.inDump = p.dump.put(event, now, p.active, sets)
	return p.inDump
}
