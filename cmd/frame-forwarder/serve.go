package main

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/sync/errgroup"

	"ingestor/configs"
	"ingestor/forwarder"
	"ingestor/internal/fault"
	"ingestor/internal/telemetry"
)

// ingester is what this program needs of a forwarder.Ingester.
type ingester interface {
	Run(ctx context.Context) error
	Ready() <-chan struct{}
	Snapshot() forwarder.Snapshot
}

var _ ingester = (*forwarder.Ingester)(nil)

// stopLimit is how long the end may take: an ingester bounds each of its steps, so
// beyond it something hangs.
const stopLimit = 13 * time.Second

// serve runs the ingesters until stop ends.
func serve(stop context.Context, f configs.Forwarder, wait bool, log *logrus.Logger) error {
	made, err := newIngesters(f, log)
	if err != nil {
		return err
	}
	all := make([]ingester, len(made))
	for n, i := range made {
		all[n] = i
	}
	// Each ingester's data path keeps a processor of the Go scheduler while frames
	// come (zmq.Poller.WaitBriefly); the rest of the program has its own beside them.
	runtime.GOMAXPROCS(max(runtime.GOMAXPROCS(0), len(made)+1))
	if !wait {
		if err := reachable(stop, f.RedisDSN); err != nil {
			return err
		}
	}
	tell, err := newTeller(log)
	if err != nil {
		return err
	}
	w := newWatch(all, tell, log)
	var server *telemetry.Server
	if f.MetricsAddress != "" {
		handler, err := metricsHandler(all)
		if err != nil {
			return err
		}
		server, err = telemetry.NewServer(stop, telemetry.ServerOptions{
			Address: f.MetricsAddress, AnyPort: !f.MetricsFixed, Setting: "forwarder.metrics_address", Log: log,
			Handlers: map[string]http.Handler{"GET /metrics": handler, "GET /health": http.HandlerFunc(w.health)},
		})
		if err != nil {
			return err
		}
	}
	return runAll(stop, all, w, server, wait)
}

// runAll runs the ingesters and what watches them, until stop ends or one fails.
func runAll(stop context.Context, all []ingester, w *watch, server *telemetry.Server, wait bool) error {
	running, ctx := errgroup.WithContext(stop)
	for _, i := range all {
		running.Go(func() error { return i.Run(ctx) })
	}
	if !wait {
		running.Go(func() error { return redisAnswers(ctx, all) })
	}
	// Health and metrics outlive the ingesters: their end can be watched, too.
	rest, endRest := context.WithCancel(context.WithoutCancel(stop))
	defer endRest()
	var watching errgroup.Group
	watching.Go(func() error { w.run(rest, ctx); return nil })
	if server != nil {
		watching.Go(func() error { return server.Run(rest) })
	}
	err := within(ctx, running.Wait)
	if stop.Err() != nil && fault.KindOf(err) == fault.Interrupted {
		err = nil // that it was stopped is no failure
	}
	endRest()
	return errors.Join(err, watching.Wait())
}

// within waits for the end, but once ctx has ended not for ever.
func within(ctx context.Context, wait func() error) error {
	ended := make(chan error, 1)
	go func() { ended <- wait() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	limit := time.NewTimer(stopLimit)
	defer limit.Stop()
	select {
	case err := <-ended:
		return err
	case <-limit.C:
		return fault.Errorf(fault.Bug, "the ingesters have not ended within %s; a dump may lack its end", stopLimit)
	}
}
