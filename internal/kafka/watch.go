package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	ck "github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"ingestor/internal/offsets"
)

// stallAfter is the default of Options.Stall: far beyond what a fetch takes.
const stallAfter = 30 * time.Second

// errStalled says that the client is of no more use because a partition stands
// still in it.
var errStalled = errors.New("it has messages, but the client does not deliver them")

// watched is what a session remembers between two looks at its partitions.
type watched struct {
	at time.Time
	// free is since when whatever comes is delivered at once.
	free time.Time
}

// watch looks for partitions that stand still without a reason. The first time
// such a one is read anew from behind the last message that came; if that does
// not help, or none came, the error asks for another client, which begins at
// what is committed. Neither can pass a message by, and only the second can
// deliver one again, as any rebalance does.
func (s *session) watch(now time.Time) error {
	first := s.source.options.Stall
	ran := now.Sub(s.watched.at)
	// A process that did not run can not have heard anything.
	if ran > first/2 || s.source.held.Load() || s.flow.wanted || len(s.pending.messages) > 0 {
		s.watched.free = now
	}
	if ran < first/64 {
		return nil // not at each message
	}
	s.watched.at = now
	stall := s.source.patience(first, now)
	type finding struct {
		verdict
		end int64
	}
	found := map[offsets.Key]finding{}
	stalled := 0
	s.mu.Lock()
	for k, p := range s.parts {
		v := p.judge(latest(p.since, p.sought, s.watched.free), now, stall)
		if v != fine {
			found[k] = finding{v, p.end}
		}
		if v == stuck {
			stalled++
		}
	}
	s.mu.Unlock()
	s.source.stalled(stalled, now)
	for k, f := range found {
		p := s.parts[k]
		if !p.begun() || !p.sought.IsZero() {
			return fmt.Errorf("%s/%d stands still for %s before offset %d: %w", k.Topic, k.Partition, stall, f.end, errStalled)
		}
		if f.verdict == stuck {
			s.log.Warnf("%s/%d stands still for %s at offset %d before %d: it is read anew from there",
				k.Topic, k.Partition, stall, p.polled+1, f.end)
		}
		p.sought = now
		s.seek(k, p)
	}
	return nil
}

// seek makes librdkafka read a partition from the next message on. What it has
// of it is dropped with that, so no message comes twice.
func (s *session) seek(k offsets.Key, p *partition) {
	tp := k2tp(k)
	p.paused = false
	s.resume([]ck.TopicPartition{tp})
	tp.Offset = ck.Offset(p.polled + 1)
	done, err := s.c.SeekPartitions([]ck.TopicPartition{tp})
	for _, d := range done {
		if err == nil {
			err = d.Error
		}
	}
	if err != nil {
		s.log.WithError(err).Warnf("%s/%d can not be read anew", k.Topic, k.Partition)
	}
}

// refresh asks for the ends of partitions of which librdkafka does not hear by
// fetching: all while they are held, and those from which nothing comes. It has
// its own goroutine because an answer may take a while.
func (s *session) refresh(ctx context.Context) {
	every := min(refreshEvery, s.source.options.Stall/2)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, k := range s.quiet(time.Now()) {
			if ctx.Err() != nil {
				return
			}
			asked := time.Now()
			low, high, err := s.c.QueryWatermarkOffsets(k.Topic, k.Partition, int(time.Second.Milliseconds()))
			if err != nil {
				break // a broker that is away is told elsewhere
			}
			s.mu.Lock()
			if p := s.parts[k]; p != nil {
				p.high, p.low = max(p.high, high), max(p.low, low)
				p.ended(high, asked)
			}
			s.mu.Unlock()
		}
	}
}

// quiet lists the partitions whose end is to be asked for.
func (s *session) quiet(now time.Time) []offsets.Key {
	held, pause := s.source.held.Load(), s.source.options.Stall/2
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []offsets.Key
	for k, p := range s.parts {
		if held || now.Sub(p.since) >= pause && now.Sub(p.askedAt) >= pause {
			list = append(list, k)
		}
	}
	return list
}
