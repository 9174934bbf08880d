package main_test

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"ingestor/internal/forwardertest"
	"ingestor/internal/redistest"
)

// patience is for what should come at once; the machine may be busy.
const patience = forwardertest.Patience

// bench is one forwarder of a STINS stream and the world around it.
type bench struct {
	t       *testing.T
	redis   *redistest.Server
	c       *forwardertest.Controller
	p       *forwardertest.Program
	up      *forwardertest.Upstream
	workers []*forwardertest.Worker
	feeds   sync.WaitGroup
}

// setup says how a bench differs from the usual one.
type setup struct {
	// workers are those that connect before anything else; default w1 and w2.
	workers []forwardertest.WorkerOptions
	// none starts without workers.
	none bool
	// mayEnd does not wait for the program to register: it may refuse to start.
	mayEnd bool
	// settings are changed before the program starts.
	settings func(*forwardertest.Settings)
	// before is done before the program starts.
	before func(*forwardertest.Controller)
}

// newBench starts Redis, the upstream, the program and its workers, and waits
// until the program lists them.
func newBench(t *testing.T, s setup) *bench {
	t.Helper()
	b := &bench{t: t}
	t.Cleanup(b.feeds.Wait) // after the upstream was closed
	b.redis = redistest.Start(t, redistest.Options{})
	b.c = forwardertest.NewController(t, b.redis.Addr())
	b.up = forwardertest.Push(t)
	if s.before != nil {
		s.before(b.c)
	}
	settings := forwardertest.Settings{
		Redis:   b.redis.URL(),
		Streams: []forwardertest.Stream{{Name: "det", Source: "ZmqPullSingleIngester", Upstream: b.up.URL()}},
	}
	if s.settings != nil {
		s.settings(&settings)
	}
	b.p = forwardertest.Start(t, settings)
	if s.workers == nil && !s.none {
		s.workers = []forwardertest.WorkerOptions{{Name: "w1"}, {Name: "w2"}}
	}
	for _, o := range s.workers {
		b.workers = append(b.workers, b.worker(o))
	}
	if !s.mayEnd {
		b.c.AwaitWorkers(b.p.Name(), b.workers...)
	}
	return b
}

// queue sets the byte bound and the hold of absent workers.
func queue(bytes, hold string) func(*forwardertest.Settings) {
	return func(s *forwardertest.Settings) {
		s.YAML = append(s.YAML, "queue_bytes: "+bytes, "worker_hold: "+hold)
	}
}

// worker connects one more worker.
func (b *bench) worker(o forwardertest.WorkerOptions) *forwardertest.Worker {
	o.Address = b.p.Address()
	return forwardertest.NewWorker(b.t, o)
}

// mapped sets a mapping of the stream and returns its uuid.
func (b *bench) mapped(events []forwardertest.Event) uuid.UUID {
	b.t.Helper()
	m := uuid.New()
	b.c.Map(b.p.Name(), m, []string{"det"}, events)
	return m
}

// startFrame, imageFrame and endFrame are messages of the STINS protocol; the
// series number tells scans apart.
func startFrame(series int) [][]byte {
	return [][]byte{fmt.Appendf(nil, `{"htype":"header","filename":"","msg_number":0,"s":%d}`, series)}
}

func imageFrame(series, n int, payload []byte) [][]byte {
	return [][]byte{fmt.Appendf(nil, `{"htype":"image","frame":%d,"shape":[%d],"type":"uint8","compression":"none","msg_number":%d,"s":%d}`,
		n, len(payload), n+1, series), payload}
}

func endFrame(series, n int) [][]byte {
	return [][]byte{fmt.Appendf(nil, `{"htype":"series_end","msg_number":%d,"s":%d}`, n+1, series)}
}

// send sends messages; a closed upstream ends the test's feeding silently.
func (b *bench) send(messages ...[][]byte) {
	for _, m := range messages {
		if b.up.Send(m...) != nil {
			return
		}
	}
}

// series feeds a whole series of n images in the background; done is closed
// when all of it is with the kernel.
func (b *bench) series(series, n, size int) (done <-chan struct{}) {
	closed := make(chan struct{})
	payload := make([]byte, size)
	b.feeds.Add(1)
	go func() {
		defer b.feeds.Done()
		defer close(closed)
		b.send(startFrame(series))
		for i := range n {
			b.send(imageFrame(series, i, payload))
		}
		b.send(endFrame(series, n))
	}()
	return closed
}

// complete waits until each worker has got what the map says, and no more.
func (b *bench) complete(limit time.Duration, events []forwardertest.Event, workers ...*forwardertest.Worker) {
	b.t.Helper()
	for _, w := range workers {
		want := forwardertest.Expected(events, w.Name())
		forwardertest.Within(limit, func() bool { return w.Count() >= len(want) || !b.p.Running() })
		sameEvents(b.t, w.Name(), w.Events(), want)
	}
}

// sameEvents compares in order.
func sameEvents(t *testing.T, who string, got, want []uint64) {
	t.Helper()
	if slices.Equal(got, want) {
		return
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Errorf("%s: event %d in place %d, want %d (%d of %d)", who, got[i], i, want[i], len(got), len(want))
			return
		}
	}
	t.Errorf("%s got %d events, want %d", who, len(got), len(want))
}

// oneGap checks that got is want without at most one contiguous stretch, and
// returns the length of it.
func oneGap(t *testing.T, who string, got, want []uint64) int {
	t.Helper()
	head := 0
	for head < len(got) && head < len(want) && got[head] == want[head] {
		head++
	}
	tail := got[head:]
	if len(got) > len(want) || !slices.Equal(tail, want[len(want)-len(tail):]) {
		t.Errorf("%s misses more than one stretch: %d of %d, of which %d in order at the beginning", who, len(got), len(want), head)
	}
	return len(want) - len(got)
}

// again plays a whole scan to good workers: what was before has left no harm.
func (b *bench) again(series int, workers ...*forwardertest.Worker) {
	b.t.Helper()
	var names []string
	for _, w := range workers {
		w.Forget()
		names = append(names, w.Name())
	}
	events := forwardertest.Scan("det", 22, names...)
	b.mapped(events)
	b.series(series, 20, 1000)
	b.complete(patience, events, workers...)
	for _, w := range workers {
		for _, m := range w.Received() {
			if !ofSeries(m, series) {
				b.t.Errorf("%s got a message of another series: %s", w.Name(), m.Parts[1])
				return
			}
		}
	}
}

// ofSeries says whether a message is of that series.
func ofSeries(m forwardertest.Message, series int) bool {
	return len(m.Parts) > 1 && bytes.HasSuffix(m.Parts[1], fmt.Appendf(nil, `"s":%d}`, series))
}
