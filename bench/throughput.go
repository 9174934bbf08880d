package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"ingestor/schemas/filewriter"
)

// peerRate is what scicat-ingestor, the Python program, got done in a second;
// it was measured on another day, on the same kind of machine.
const peerRate = 2.0

// round is one heap of messages, from the first that is sent to the commit of
// the last.
type round struct {
	messages                int
	wall                    time.Duration
	daemon, children, bench time.Duration // processor time
}

func (r round) rate() float64 { return float64(r.messages) / r.wall.Seconds() }

// throughput is messages per second, end to end.
func throughput(ctx context.Context, s *site, o options) error {
	var best round
	var bestRate float64
	kind := "the embedded broker"
	if o.real {
		kind = "Apache Kafka"
	}
	fmt.Printf("Messages: %d files by %d children, %s\n\n", o.messages, maxChildren, kind)
	for range o.rounds {
		load, err := os.ReadFile("/proc/loadavg")
		if err != nil {
			return err
		}
		load, _, _ = bytes.Cut(load, []byte(" "))
		r, err := s.round(ctx, o.messages)
		if err != nil {
			return err
		}
		fmt.Printf("%8.1f messages/s, from the first message sent to the commit of the last (%s); load of the machine before %s\n",
			r.rate(), r.wall.Round(time.Millisecond), load)
		if r.rate() > bestRate {
			best, bestRate = r, r.rate()
		}
	}
	fmt.Printf("%8.1f scicat-ingestor; the best above is %.0f times that\n\n", peerRate, bestRate/peerRate)
	return s.tellShares(ctx, best, o)
}

// round gives a fresh daemon n files.
func (s *site) round(ctx context.Context, n int) (r round, err error) {
	if err := s.forget(); err != nil {
		return r, err
	}
	b, err := s.kafka(ctx)
	if err != nil {
		return r, err
	}
	topic, err := b.newTopic(ctx)
	if err != nil {
		return r, err
	}
	values := make([][]byte, n+1)
	for i := range values {
		f, err := s.newFile()
		if err != nil {
			return r, err
		}
		values[i] = filewriter.WritingDone{ServiceID: "bench", JobID: f.job, FileName: f.path}.Encode()
	}
	d, err := s.start(ctx, topic)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	// The first message is for the warm-up: it shows that the daemon is there.
	if err := b.fill(ctx, topic, values[:1]); err != nil {
		return r, err
	}
	if err := b.awaitCommitted(ctx, d, topic, 1, time.Minute); err != nil {
		return r, err
	}
	before, err := d.use()
	if err != nil {
		return r, err
	}
	ownBefore, err := ownUse()
	if err != nil {
		return r, err
	}
	began := time.Now()
	if err := b.fill(ctx, topic, values[1:]); err != nil {
		return r, err
	}
	if err := b.awaitCommitted(ctx, d, topic, int64(len(values)), 10*time.Minute); err != nil {
		return r, err
	}
	r.messages, r.wall = n, time.Since(began)
	after, err := d.use()
	if err != nil {
		return r, err
	}
	own, err := ownUse()
	if err != nil {
		return r, err
	}
	spent := after.since(before)
	r.daemon, r.children, r.bench = spent.own, spent.children, own-ownBefore
	if got := len(s.catalogue.Load().Datablocks("")); got != len(values) {
		return r, fmt.Errorf("%d datablocks of %d files\n%s", got, len(values), d.logEnd())
	}
	return r, nil
}
