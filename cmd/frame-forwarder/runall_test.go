package main

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"ingestor/forwarder"
	"ingestor/internal/fault"
)

func TestRunAll(t *testing.T) {
	gone := fault.Errorf(fault.Unavailable, "address in use")
	var hang chan struct{}
	untilStopped := func(ctx context.Context) error { <-ctx.Done(); return nil }
	for _, c := range []struct {
		name string
		run  func(context.Context) error
		wait bool
		ok   bool // Redis is there
		stop time.Duration
		want fault.Kind
		fine bool
		took time.Duration
	}{
		{name: "a requested stop is no failure", run: untilStopped, ok: true, stop: time.Minute, fine: true, took: time.Minute},
		{name: "one that says it was cancelled is none either", ok: true, stop: time.Minute, fine: true, took: time.Minute,
			run: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }},
		{name: "one that fails ends all", run: func(context.Context) error { return gone }, ok: true, stop: time.Hour, want: fault.Unavailable},
		{name: "an unknown failure is a bug", run: func(context.Context) error { return errors.New("x") }, ok: true, stop: time.Hour, want: fault.Bug},
		{name: "without Redis at the start", run: untilStopped, stop: time.Hour, want: fault.Unavailable, took: redisPatience},
		{name: "waiting for Redis", run: untilStopped, wait: true, stop: time.Hour, fine: true, took: time.Hour},
		{name: "one that does not end is given up", ok: true, stop: time.Minute, want: fault.Bug, took: time.Minute + stopLimit,
			run: func(ctx context.Context) error { <-ctx.Done(); <-hang; return nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := busy("a")
			f.run = c.run
			f.change(func(s *forwarder.Snapshot) { s.Redis.Ready = c.ok })
			other := busy("b")
			other.run = untilStopped
			other.change(func(s *forwarder.Snapshot) { s.Redis.Ready = true })
			w, _ := watching(t, f, other)
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				defer time.AfterFunc(c.stop, cancel).Stop()
				hang = make(chan struct{})
				began := time.Now()
				err := runAll(ctx, []ingester{f, other}, w, nil, c.wait)
				if (err == nil) != c.fine || err != nil && fault.KindOf(err) != c.want {
					t.Errorf("got %v", err)
				}
				close(hang)
				if took := time.Since(began); took != c.took {
					t.Errorf("took %s, want %s", took, c.took)
				}
			})
		})
	}
}
