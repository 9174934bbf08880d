package backfill

import "time"

// pace spreads files over the time.
type pace struct {
	perHour int
	next    time.Time // when the next may be begun
}

// stretch is how much time one chunk takes up at least in a slow run: files of a
// larger one would come in bursts.
const stretch = 10 * time.Second

// may says how many of n files may be begun now; where none, how long to wait.
func (p *pace) may(now time.Time, n int) (int, time.Duration) {
	if p.perHour == 0 {
		return n, 0
	}
	if wait := p.next.Sub(now); wait > 0 {
		return 0, wait
	}
	each := time.Hour / time.Duration(p.perHour)
	n = max(1, min(n, int(stretch/max(each, 1))))
	if p.next.Before(now) {
		p.next = now
	}
	p.next = p.next.Add(time.Duration(n) * each)
	return n, 0
}
