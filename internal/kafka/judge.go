package kafka

import "time"

// watching is what is known of a partition's stalls. It belongs to the polling
// goroutine.
type watching struct {
	// sought is when the fetch was last begun anew, zero if it was not since the
	// last message.
	sought time.Time
	// active and reads are what librdkafka told at toldAt: that it fetches the
	// partition, and from which offset on.
	active bool
	reads  int64
	toldAt time.Time
	// empty is up to where there is nothing left to deliver, as behind the last
	// message of a transaction or of a compacted topic.
	empty int64
}

// told notes what librdkafka says of its fetch.
func (w *watching) told(now time.Time, state string, reads int64) {
	w.active, w.reads, w.toldAt = state == "active", reads, now
}

// ends is what brokers said of the end of a partition.
type ends struct {
	// end is an end that is not reached, and endAt when it was first told: what
	// was sent a moment ago is not late. askedAt is when it was last confirmed.
	end            int64
	endAt, askedAt time.Time
}

// next is the first offset that may hold something to deliver.
func (p *partition) next() int64 {
	if p.begun() {
		return max(p.polled+1, p.empty)
	}
	return max(p.committed, p.low, p.empty, 0)
}

// ended notes the end that a broker told when it was asked at a time.
func (p *partition) ended(end int64, asked time.Time) {
	if p.end <= p.next() || end < p.end {
		p.end, p.endAt = end, asked
	}
	p.askedAt = asked
}

// verdict on a partition from which nothing comes.
type verdict int

const (
	fine verdict = iota
	// doubtful: librdkafka says that it has read all, and some of it did not come.
	doubtful
	stuck
)

// judge says whether messages that could have come since a time did not come
// for so long. It is sure or finds nothing.
func (p *partition) judge(since, now time.Time, stall time.Duration) verdict {
	late := now.Sub(latest(since, p.endAt)) >= stall
	if !late || p.next() >= p.end || !p.askedAt.After(since) {
		return fine
	}
	// What librdkafka tells is up to five seconds old, see statistics.interval.ms.
	fresh := p.toldAt.Sub(since) >= stall/2
	readAll := fresh && p.active && p.reads >= p.end
	switch {
	case !p.begun() || !p.sought.IsZero():
		// It was read from the last message on. If that came to the end, then
		// what was missed is none: the end of a transaction, or compacted.
		if readAll {
			p.empty, p.sought = p.end, time.Time{}
		}
		if readAll || !fresh {
			return fine
		}
		return stuck
	case readAll:
		return doubtful
	default:
		return stuck
	}
}

func latest(times ...time.Time) time.Time {
	last := times[0]
	for _, t := range times[1:] {
		if t.After(last) {
			last = t
		}
	}
	return last
}
