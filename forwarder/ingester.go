package forwarder

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/sirupsen/logrus"
	"golang.org/x/sync/errgroup"

	"ingestor/forwarder/control"
	"ingestor/forwarder/source"
	"ingestor/internal/zmq"
)

// Ingester forwards the streams of one of dranspose's ingesters.
type Ingester struct {
	opt      Options
	pump     *pump
	follower *control.Follower

	ready     chan struct{}
	readyOnce sync.Once
}

// New makes an ingester. It has neither a socket nor a connection yet.
func New(o Options) (*Ingester, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	p, err := newPump(o)
	if err != nil {
		return nil, err
	}
	i := &Ingester{opt: o, pump: p, ready: make(chan struct{})}
	names := make([]string, len(o.Streams))
	for n, s := range o.Streams {
		names[n] = s.Stream
	}
	i.follower, err = control.New(control.Options{
		RedisURL: o.RedisURL, Name: o.Name, URL: o.URL, Streams: names, BuildMeta: o.BuildMeta,
		Handler: handler{p.inbox, o.Log}, Stats: stats{p}, Log: o.Log,
	})
	if err != nil {
		return nil, errors.Join(err, p.release())
	}
	return i, nil
}

func newPump(o Options) (*pump, error) {
	sources := make([]source.Source, len(o.Streams))
	for n, s := range o.Streams {
		var err error
		if sources[n], err = source.New(s); err != nil {
			return nil, err
		}
	}
	poller, err := zmq.NewPoller()
	if err != nil {
		return nil, err
	}
	context, err := zmq.NewContext(zmq.ContextOptions{IOThreads: o.IOThreads, CPUs: o.CPUs})
	if err != nil {
		return nil, errors.Join(err, poller.Close())
	}
	p := &pump{
		log: o.Log, hold: o.WorkerHold, queue: o.QueueBytes * queueShare / shares,
		inbox: newInbox(poller.Wake), counts: &counts{}, poller: poller, zmq: context, pool: &zmq.Pool{},
		pings:     make([]*zmq.Message, 64),
		pipeBytes: o.QueueBytes * pipeShare / shares, pipeLimit: o.QueueBytes * pipeShare / shares,
		dump: dumper{log: o.Log, path: o.DumpPath, ingester: o.Name, bytes: o.QueueBytes * upstreamShare / shares, wake: poller.Wake},
	}
	p.workers = newWorkers(func() (*zmq.Outlet, error) { return context.NewOutlet(poller) })
	for n, s := range o.Streams {
		src := sources[n]
		log := o.Log.WithField("stream", s.Stream)
		step, _ := src.(source.Triggered)
		p.streams = append(p.streams, &stream{
			name: s.Stream, label: label(s.Stream, src.Typ()), source: src, step: step, log: log,
			up: &source.Upstream{
				Context: context, Pool: p.pool, Watch: poller.Add, Unwatch: poller.Remove, Wake: poller.Wake,
				Log: log, Count: &source.Counters{}, QueueBytes: o.QueueBytes * upstreamShare / shares / int64(len(o.Streams)),
			},
		})
	}
	return p, nil
}

// Ready is closed when workers can connect.
func (i *Ingester) Ready() <-chan struct{} { return i.ready }

// Run forwards until ctx ends: then the config key is deleted, the dump completed,
// and nil returned. It returns an error when it can not start (fault.Unavailable:
// the address is in use), or when something is broken that no retrying mends.
func (i *Ingester) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		if err := i.pump.run(ctx, i.opt, i.listening); err != nil {
			return fmt.Errorf("ingester %s: %w", i.opt.Name, err)
		}
		return nil
	})
	g.Go(func() error {
		// Workers connect to what the config key says: it comes after the socket.
		select {
		case <-i.ready:
		case <-ctx.Done():
			return nil
		}
		if err := i.follower.Run(ctx); err != nil && ctx.Err() == nil {
			return fmt.Errorf("ingester %s: %w", i.opt.Name, err)
		}
		return nil
	})
	err := g.Wait()
	if err == nil {
		i.opt.Log.WithField("events", i.pump.counts.processed.Load()).Info("Stopped")
	}
	return err
}

// listening is called when workers can connect.
func (i *Ingester) listening() {
	i.readyOnce.Do(func() {
		i.opt.Log.WithFields(logrus.Fields{"bind": i.opt.Bind, "url": i.opt.URL}).Info("Listening for workers")
		close(i.ready)
	})
}

// handler is the pump's side of control.Handler.
type handler struct {
	in  *inbox
	log logrus.FieldLogger
}

var _ control.Handler = handler{}

func (h handler) Begin(ctx context.Context, m control.Mapping) error {
	return h.in.call(ctx, &order{begin: &m})
}

func (h handler) Assign(ctx context.Context, mapping uuid.UUID, b control.Batch) error {
	return h.in.assign(ctx, mapping, b)
}

// Finish waits for the dump, but not for ever: a storage that hangs shall not hold up
// the end of a scan, for which the controller waits.
func (h handler) Finish(ctx context.Context, mapping uuid.UUID) error {
	within, cancel := context.WithTimeout(ctx, dumpPatience)
	defer cancel()
	err := h.in.call(within, &order{finish: true, mapping: mapping})
	if err != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		h.log.WithError(err).Error("The scan is over and its dump is not complete yet; it is completed in its own time")
		return nil
	}
	return err
}

// stats is what the config key tells of the pump.
type stats struct{ p *pump }

var _ control.Stats = stats{}

func (s stats) Processed() uint64         { return s.p.counts.processed.Load() }
func (s stats) Workers() []control.Worker { return s.p.workers.connected(time.Now()) }
func (s stats) Appeared() <-chan struct{} { return s.p.workers.appeared }
