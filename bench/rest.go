package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"ingestor/schemas/filewriter"
)

// atRest watches a daemon that has nothing to do.
func atRest(ctx context.Context, s *site, o options) (err error) {
	_, d, err := s.served(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	// What a start costs is over, and the broker has said once that all is well.
	if err := rest(ctx, 3*time.Second); err != nil {
		return err
	}
	before, err := d.use()
	if err != nil {
		return err
	}
	if err := rest(ctx, o.rest); err != nil {
		return err
	}
	after, err := d.use()
	if err != nil {
		return err
	}
	fmt.Printf("At rest: %.2f %% of a core over %s, %.1f MB (peak %.1f MB)\n\n",
		100*after.since(before).own.Seconds()/o.rest.Seconds(), o.rest, mb(after.rss), mb(after.peak))
	return nil
}

// pending puts a heap of messages before a daemon whose children do not end:
// its memory must not depend on the heap.
func pending(ctx context.Context, s *site, o options) error {
	slow := filepath.Join(s.dir, "slow-ingestor")
	if err := os.WriteFile(slow, []byte("#!/bin/sh\nexec sleep 3600\n"), 0o700); err != nil {
		return err
	}
	real := s.offline
	s.offline = slow
	defer func() { s.offline = real }()
	fmt.Println("Pending: a heap of messages, four children that do not end")
	for _, n := range []int{o.heap / 100, o.heap} {
		values := make([][]byte, n)
		for i := range values {
			values[i] = filewriter.WritingDone{
				ServiceID: "bench", JobID: fmt.Sprintf("job-%d", i), FileName: fmt.Sprintf("/data/coda/raw/small-coda-%06d.hdf", i),
				Metadata: `{"run": 1, "comment": "` + string(bytes.Repeat([]byte("x"), 200)) + `"}`,
			}.Encode()
		}
		if err := s.watchPending(ctx, values, o.rest/2); err != nil {
			return err
		}
	}
	fmt.Println()
	return nil
}

func (s *site) watchPending(ctx context.Context, values [][]byte, long time.Duration) (err error) {
	_, d, err := s.served(ctx, values)
	if err != nil {
		return err
	}
	defer func() {
		// Twice: the children are not waited for.
		err = errors.Join(err, d.cmd.Process.Kill())
		<-d.done
	}()
	if err := rest(ctx, long); err != nil {
		return err
	}
	u, err := d.use()
	if err == nil {
		fmt.Printf("%8d messages: %.1f MB after %s (peak %.1f MB)\n", len(values), mb(u.rss), long, mb(u.peak))
	}
	return err
}

// garbage is a heap of messages that nobody can use.
func garbage(ctx context.Context, s *site, o options) (err error) {
	done := filewriter.WritingDone{ServiceID: "bench", JobID: "j", FileName: "/x"}.Encode()
	kinds := [][]byte{nil, {}, []byte("text"), bytes.Repeat([]byte{0xff}, 300), done[:20], append([]byte{255, 255, 255, 127}, done[4:]...)}
	values := make([][]byte, o.heap)
	for i := range values {
		values[i] = kinds[i%len(kinds)]
	}
	b, err := s.kafka(ctx)
	if err != nil {
		return err
	}
	topic, d, err := s.served(ctx, values)
	if err != nil {
		return err
	}
	began := time.Now()
	defer func() { err = errors.Join(err, d.stop()) }()
	if err := b.awaitCommitted(ctx, d, topic, int64(len(values)), 10*time.Minute); err != nil {
		return err
	}
	took := time.Since(began)
	u, err := d.use()
	if err == nil {
		fmt.Printf("Garbage: %d messages from the start of the daemon to the commit of the last in %s, %.1f s of processor, peak %.1f MB\n\n",
			len(values), took.Round(10*time.Millisecond), u.own.Seconds(), mb(u.peak))
	}
	return err
}

// served is a daemon that has just been started for a topic with these messages.
func (s *site) served(ctx context.Context, values [][]byte) (topic string, d *daemon, err error) {
	b, err := s.kafka(ctx)
	if err != nil {
		return "", nil, err
	}
	if topic, err = b.newTopic(ctx); err != nil {
		return "", nil, err
	}
	if err := b.fill(ctx, topic, values); err != nil {
		return "", nil, err
	}
	d, err = s.start(ctx, topic)
	return topic, d, err
}

// rest waits.
func rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func mb(bytes int64) float64 { return float64(bytes) / 1e6 }
