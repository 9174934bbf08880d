package telemetry

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"
)

const (
	// outletQueue is how many records may wait for a slow place.
	outletQueue = 4096
	// outletBytes bounds what waits, whatever the records hold.
	outletBytes = 8 << 20
	// awayPause is how soon a place that fails is tried again.
	awayPause = time.Second
	// outletBatch is how many are written at once.
	outletBatch = 256
	// closeLimit is how long the end of the program waits for a slow place.
	closeLimit = 2 * time.Second
	// stderrGrace is how long whoever logs waits for room when a burst fills the
	// queue of standard error; roomLook is how often it looks.
	stderrGrace = 500 * time.Millisecond
	roomLook    = 2 * time.Millisecond
)

// sink is a place for records.
type sink interface {
	// encode is called where the record is logged.
	encode(e *logrus.Entry) ([]byte, error)
	// write is called by one goroutine only; it may block. It writes the records
	// in order and says how many; the error concerns the next one. All of that one
	// is written again, unless it is errUnfit.
	write(records [][]byte) (int, error)
	close() error
}

// errUnfit is a record that the place will never take.
var errUnfit = errors.New("it does not fit")

// outlet is a hook that feeds a sink without failing whoever logs, or blocking it for
// more than the grace: records wait in a queue, also while the place is away or takes
// nothing, and when that is full they are dropped and counted.
type outlet struct {
	name    string
	sink    sink
	log     logrus.FieldLogger
	again   time.Duration // pause before a place that fails is tried again
	grace   time.Duration // how long a full queue is waited for
	queue   chan []byte
	bytes   atomic.Int64 // in the queue and in the batch that is being written
	stop    chan struct{}
	done    chan error
	dropped atomic.Int64
	// stuck is set when the grace was in vain; nobody waits then until it is half empty.
	stuck atomic.Bool
}

func newOutlet(name string, s sink, log logrus.FieldLogger) *outlet {
	return &outlet{
		name: name, sink: s, log: log, again: awayPause,
		queue: make(chan []byte, outletQueue), stop: make(chan struct{}), done: make(chan error, 1),
	}
}

// Levels implements logrus.Hook.
func (*outlet) Levels() []logrus.Level { return logrus.AllLevels }

// Fire implements logrus.Hook.
func (o *outlet) Fire(e *logrus.Entry) error {
	record, err := o.sink.encode(e)
	if err != nil || !o.put(record) && !o.awaitRoom(record) {
		o.dropped.Add(1)
	}
	return nil //nolint:nilerr // whoever logs can do nothing about it; the loss is counted
}

// put queues a record if there is room for it.
func (o *outlet) put(record []byte) bool {
	size := int64(len(record))
	if o.bytes.Add(size) <= outletBytes {
		select {
		case o.queue <- record:
			return true
		default:
		}
	}
	o.bytes.Add(-size)
	return false
}

// awaitRoom gives a place that is only slow the time to take some of a burst.
func (o *outlet) awaitRoom(record []byte) bool {
	if o.grace == 0 {
		return false
	}
	end := time.NewTimer(o.grace)
	defer end.Stop()
	look := time.NewTicker(roomLook)
	defer look.Stop()
	for !o.stuck.Load() {
		select {
		case <-end.C:
			o.stuck.Store(true)
		case <-look.C:
			if o.put(record) {
				return true
			}
		}
	}
	return false
}

// roomy says that the queue is half empty at least.
func (o *outlet) roomy() bool {
	return len(o.queue) <= outletQueue/2 && o.bytes.Load() <= outletBytes/2
}

// run writes what is queued until close. Only changes between working and failing are
// logged, so that a place that is away does not fill the others.
func (o *outlet) run() {
	away, ended := false, false
	for records := o.next(); len(records) > 0; {
		n, err := o.sink.write(records)
		records = o.leave(records, n)
		switch {
		case err == nil && (away || o.stuck.Load()) && o.roomy():
			away = false
			o.stuck.Store(false)
			o.log.WithField("lost", o.dropped.Swap(0)).Warnf("The %s takes log lines again", o.name)
		case err == nil:
		case errors.Is(err, errUnfit):
			records = o.lose(records, 1)
		default:
			if !away {
				away = true
				o.stuck.Store(true) // before the line about it, which may have to go here as well
				o.log.WithError(err).Warnf("The %s does not take log lines; some wait for it, the rest is lost there", o.name)
			}
			for ended && len(records) > 0 {
				o.lose(records, len(records))
				records = o.next()
			}
			ended = ended || !o.pause() // then it is tried once more
		}
		if len(records) == 0 {
			records = o.next()
		}
	}
	o.done <- o.sink.close()
}

// leave is what remains of records after the first n.
func (o *outlet) leave(records [][]byte, n int) [][]byte {
	for _, r := range records[:n] {
		o.bytes.Add(-int64(len(r)))
	}
	return records[n:]
}

func (o *outlet) lose(records [][]byte, n int) [][]byte {
	o.dropped.Add(int64(n))
	return o.leave(records, n)
}

// pause waits before the next attempt; false when there will be none.
func (o *outlet) pause() bool {
	timer := time.NewTimer(o.again)
	defer timer.Stop()
	select {
	case <-o.stop:
		return false
	case <-timer.C:
		return true
	}
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
