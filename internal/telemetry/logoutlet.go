package telemetry

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"
)

const (
	// outletQueue is how many records may wait for a slow place.
	outletQueue = 4096
	// outletBatch is how many are written at once.
	outletBatch = 256
	// closeLimit is how long the end of the program waits for a slow place.
	closeLimit = 2 * time.Second
)

// sink is a place for records besides standard error.
type sink interface {
	// encode is called where the record is logged.
	encode(e *logrus.Entry) ([]byte, error)
	// write is called by one goroutine only; it may block.
	write(records [][]byte) error
	close() error
}

// outlet is a hook that feeds a sink without ever blocking or failing whoever logs:
// records wait in a queue, and when that is full they are dropped and counted.
type outlet struct {
	name    string
	sink    sink
	log     logrus.FieldLogger
	queue   chan []byte
	stop    chan struct{}
	done    chan error
	dropped atomic.Int64
}

func newOutlet(name string, s sink, log logrus.FieldLogger) *outlet {
	return &outlet{
		name: name, sink: s, log: log,
		queue: make(chan []byte, outletQueue), stop: make(chan struct{}), done: make(chan error, 1),
	}
}

// Levels implements logrus.Hook.
func (*outlet) Levels() []logrus.Level { return logrus.AllLevels }

// Fire implements logrus.Hook.
func (o *outlet) Fire(e *logrus.Entry) error {
	record, err := o.sink.encode(e)
	if err != nil {
		o.dropped.Add(1)
		return nil //nolint:nilerr // whoever logs can do nothing about it; the loss is counted
	}
	select {
	case o.queue <- record:
	default:
		o.dropped.Add(1)
	}
	return nil
}

// run writes what is queued until close. Only changes between working and failing are
// logged, so that a place that is away does not fill the others.
func (o *outlet) run() {
	failing := false
	for records := o.next(); len(records) > 0; records = o.next() {
		err := o.sink.write(records)
		if err != nil {
			o.dropped.Add(int64(len(records)))
		}
		switch {
		case err != nil && !failing:
			o.log.WithError(err).Warnf("The %s does not take log lines, they are lost there", o.name)
		case err == nil && failing:
			o.log.WithField("lost", o.dropped.Swap(0)).Warnf("The %s takes log lines again", o.name)
		}
		failing = err != nil
	}
	o.done <- o.sink.close()
}

// next waits for records and takes as many as there are; none means the end.
func (o *outlet) next() [][]byte {
	var records [][]byte
	select {
	case r := <-o.queue:
		records = append(records, r)
	case <-o.stop:
	}
	for len(records) < outletBatch {
		select {
		case r := <-o.queue:
			records = append(records, r)
		default:
			return records
		}
	}
	return records
}

// close lets run write what is queued and end.
func (o *outlet) close() error {
	close(o.stop)
	limit := time.NewTimer(closeLimit)
	defer limit.Stop()
	select {
	case err := <-o.done:
		if n := o.dropped.Load(); err == nil && n > 0 {
			return fmt.Errorf("%s: %d log lines were lost", o.name, n)
		}
		return err
	case <-limit.C:
		return fmt.Errorf("%s: still writing after %s, %d log lines are lost", o.name, closeLimit, len(o.queue))
	}
}
