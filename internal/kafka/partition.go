package kafka

import "time"

// partition is what is known of an assigned partition. session.mu guards the
// offsets, polled and the ends; the rest belongs to the polling goroutine.
type partition struct {
	committed, high, low int64
	// polled is the last offset that librdkafka handed out; unknown until it has
	// begun to fetch. since is when that was, or when the partition was assigned.
	polled int64
	since  time.Time
	ends

	// paused is what librdkafka was last told.
	paused bool
	watching

	// last is the highest offset that was delivered.
	last int64
	// stored is the mark that librdkafka has for its next commit.
	stored int64
	// epochs are the leader epochs of the delivered messages: librdkafka
	// compares a commit with the last one by epoch first, so a mark without the
	// epoch of its message would count as older than one from a client that
	// gave it, and would never be committed.
	epochs []leaderEpoch
}

// leaderEpoch holds from an offset on.
type leaderEpoch struct {
	from  int64
	epoch int32
}

func newPartition(now time.Time) *partition {
	return &partition{
		committed: unknown, high: unknown, low: unknown, last: unknown, stored: unknown,
		polled: unknown, since: now, ends: ends{end: unknown}, watching: watching{reads: unknown, empty: unknown},
	}
}

// anew forgets what is known of the messages, not what librdkafka was told.
func (p *partition) anew() *partition {
	fresh := newPartition(p.since)
	fresh.polled, fresh.paused = p.polled, p.paused
	return fresh
}

// begun says that librdkafka fetches the partition: a message came.
func (p *partition) begun() bool { return p.polled != unknown }

// lag is what is left to do. Without a commit the whole log is.
func (p *partition) lag() int64 {
	from := p.committed
	if from < p.low {
		from = p.low
	}
	if from < 0 || p.high < from {
		return unknown
	}
	return p.high - from
}

// delivered notes a message.
func (p *partition) delivered(offset int64, epoch *int32) {
	p.last = offset
	if epoch == nil {
		return
	}
	if n := len(p.epochs); n == 0 || p.epochs[n-1].epoch != *epoch {
		p.epochs = append(p.epochs, leaderEpoch{offset, *epoch})
	}
}

// epochOf is the leader epoch of the last message before a mark; nil if none
// was told. Epochs that all later marks have left behind are dropped.
func (p *partition) epochOf(mark int64) *int32 {
	for len(p.epochs) > 1 && p.epochs[1].from < mark {
		p.epochs = p.epochs[1:]
	}
	if len(p.epochs) == 0 || p.epochs[0].from >= mark {
		return nil
	}
	epoch := p.epochs[0].epoch
	return &epoch
}
