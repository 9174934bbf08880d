package forwarder

import (
	"time"

	"golang.org/x/sys/unix"
)

// At a high rate frames come one by one, and sleeping for each costs more than
// handling it: two changes of context here, and as many in the I/O thread, which then
// finds one frame to send instead of some. So before it sleeps the pump lets others
// have its processor a few times, and looks again: where processors are scarce some
// frames have gathered by then, and where they are not it costs next to nothing.
const (
	// fastRate is where that begins, in events per second. Below it a processor
	// that looks in vain would be the larger cost.
	fastRate = 15_000
	// yields before it sleeps. More gain nothing (docs/performance.md).
	yields = 3
	// paceEvery is how often the rate is measured.
	paceEvery = 5 * time.Millisecond
)

// pace knows how fast events go.
type pace struct {
	since time.Time
	done  uint64
	fast  bool
	idle  int // turns in a row that brought nothing
}

// tick notes how many events are done. It is called at every turn.
func (p *pace) tick(now time.Time, done uint64) {
	if d := now.Sub(p.since); d >= paceEvery {
		p.fast = float64(done-p.done) >= fastRate*d.Seconds()
		p.since, p.done = now, done
	}
}

// yield lets others run, and says whether that was worth it: otherwise sleep.
func (p *pace) yield() bool {
	if !p.fast || p.idle == yields {
		p.idle = 0
		return false
	}
	p.idle++
	// Raw, because it comes back at once: the Go scheduler need not know.
	_, _, _ = unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0)
	return true
}
