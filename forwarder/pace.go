package forwarder

import (
	"time"

	"golang.org/x/sys/unix"
)

// At a high rate frames come one by one, and sleeping for each costs more than
// handling it: two changes of context, and as many in the I/O thread, which then
// finds one frame to send instead of some. So the pump lets a few gather. At a low
// rate, where the time to the worker counts, it does not.
const (
	// fastRate is where that begins, in events per second.
	fastRate = 15_000
	// gather is how long frames gather, about; with the system's slack it is up to
	// 100 µs.
	gather = 40 * time.Microsecond
	// paceEvery is how often the rate is measured.
	paceEvery = 5 * time.Millisecond
)

// pace knows how fast events go.
type pace struct {
	since time.Time
	done  uint64
	fast  bool // frames may gather
}

// tick notes how many events are done. It is called at every turn.
func (p *pace) tick(now time.Time, done uint64) {
	if d := now.Sub(p.since); d >= paceEvery {
		p.fast = float64(done-p.done) >= fastRate*d.Seconds()
		p.since, p.done = now, done
	}
}

func (p *pace) nap() {
	t := unix.NsecToTimespec(int64(gather))
	_ = unix.Nanosleep(&t, nil) // ended early by a signal, it was long enough
}
