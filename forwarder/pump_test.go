package forwarder

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/sirupsen/logrus"

	"ingestor/forwarder/control"
	"ingestor/forwarder/source"
	"ingestor/internal/forwardertest"
	"ingestor/internal/zmq"
)

// numbered is a source of a site's own: event n has the frames "n" and its payload.
type numbered struct {
	up      *source.Upstream
	size    int
	mu      sync.Mutex
	n, most int // most: events there are
	opens   int
	openErr error
	nextErr error
}

func (s *numbered) Typ() string { return "TEST" }

func (s *numbered) Open(up *source.Upstream) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opens++
	if err := s.openErr; err != nil {
		s.openErr = nil
		return err
	}
	s.up, s.n = up, 0
	return nil
}

func (s *numbered) Next() (*zmq.Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.nextErr != nil {
		return nil, s.nextErr
	}
	if s.n >= s.most {
		return nil, nil
	}
	m := s.up.Pool.Get()
	m.Append([]byte(strconv.Itoa(s.n)))
	m.Append(make([]byte, s.size))
	s.n++
	return m, nil
}

func (s *numbered) Close() error { return nil }

// counting steps once per event.
type counting struct{ steps int }

func (c *counting) Typ() string                 { return "STEP" }
func (c *counting) Open(*source.Upstream) error { return nil }
func (c *counting) Next() (*zmq.Message, error) { return nil, nil }
func (c *counting) Close() error                { c.steps = 0; return nil }
func (c *counting) Step(uint64) (*zmq.Message, error) {
	m := zmq.NewMessage()
	m.Append([]byte("step " + strconv.Itoa(c.steps)))
	c.steps++
	return m, nil
}

// rig is a pump with sources of the test's, and a context for workers.
type rig struct {
	t       *testing.T
	pump    *pump
	handler handler
	address string
	ended   chan error
	cancel  context.CancelFunc // nil once stopped
	zmq     *zmq.Context
}

type named struct {
	name   string
	source source.Source
}

func start(t *testing.T, o Options, streams ...named) *rig {
	t.Helper()
	log := logrus.New()
	log.SetOutput(io.Discard)
	probe, err := zmq.NewContext(zmq.ContextOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = probe.Close() })
	o.Name, o.Log, o.Bind = "test-ingester", log, "tcp://127.0.0.1:"+strconv.Itoa(forwardertest.FreePort(t))
	if o.QueueBytes == 0 {
		o.QueueBytes = DefaultQueueBytes
	}
	p, err := newPump(o)
	if err != nil {
		t.Fatal(err)
	}
	if o.WorkerHold == 0 {
		p.hold = DefaultWorkerHold
	}
	for _, s := range streams {
		step, _ := s.source.(source.Triggered)
		p.streams = append(p.streams, &stream{
			name: s.name, label: label(s.name, s.source.Typ()), source: s.source, step: step, log: log,
			up: &source.Upstream{Context: p.zmq, Pool: p.pool, Watch: p.poller.Add, Unwatch: p.poller.Remove,
				Wake: p.poller.Wake, Log: log, Count: &source.Counters{}, QueueBytes: o.QueueBytes / 4},
		})
	}
	r := &rig{t: t, pump: p, handler: handler{p.inbox, log}, address: o.Bind, ended: make(chan error, 1), zmq: probe}
	ctx, cancel := context.WithCancel(t.Context())
	ready := make(chan struct{})
	go func() { r.ended <- p.run(ctx, o, func() { close(ready) }) }()
	select {
	case <-ready:
	case err := <-r.ended:
		t.Fatal(err)
	}
	r.cancel = cancel
	t.Cleanup(r.stop)
	return r
}

// stop ends the pump, whose own state may be looked at then.
func (r *rig) stop() {
	if r.cancel == nil {
		return
	}
	r.cancel()
	r.cancel = nil
	if err := <-r.ended; err != nil {
		r.t.Error(err)
	}
}

// dealer is a worker.
type dealer struct {
	t  *testing.T
	s  *zmq.Socket
	id uuid.UUID
}

func (r *rig) worker(name string) *dealer {
	r.t.Helper()
	s, err := r.zmq.Socket(zmq.Dealer, zmq.SocketOptions{Identity: []byte(name), ReceiveTimeout: 10 * time.Second})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = s.Close() })
	if err := s.Connect(r.address); err != nil {
		r.t.Fatal(err)
	}
	d := &dealer{r.t, s, uuid.New()}
	d.ping()
	r.await("worker "+name+" to be known", func() bool {
		for _, w := range r.pump.workers.connected(time.Now()) {
			if w.UUID == d.id {
				return true
			}
		}
		return false
	})
	return d
}

// known is the pump's side of a worker.
func (r *rig) known(name string) *worker {
	r.t.Helper()
	w, err := r.pump.workers.get(name)
	if err != nil {
		r.t.Fatal(err)
	}
	return w
}

func (d *dealer) ping() {
	d.t.Helper()
	if err := d.s.SendBytes(d.id[:]); err != nil {
		d.t.Fatal(err)
	}
}

// event is what a worker receives.
type event struct {
	Number  uint64 `json:"event_number"`
	Streams map[string]struct {
		Typ    string `json:"typ"`
		Length int    `json:"length"`
	} `json:"streams"`
	Created time.Time `json:"created_at"`
	frames  []string
}

func (d *dealer) receive() event {
	d.t.Helper()
	parts, err := d.s.ReceiveBytes()
	if err != nil {
		d.t.Fatalf("a worker waits for an event: %v", err)
	}
	var e event
	if err := json.Unmarshal(parts[0], &e); err != nil {
		d.t.Fatalf("header %s: %v", parts[0], err)
	}
	for _, p := range parts[1:] {
		e.frames = append(e.frames, string(p))
	}
	return e
}

// numbers receives n events and gives their numbers and first frames.
func (d *dealer) numbers(n int) string {
	d.t.Helper()
	var all []string
	for range n {
		e := d.receive()
		all = append(all, fmt.Sprintf("%d:%s", e.Number, e.frames[0]))
	}
	return strings.Join(all, " ")
}

func (d *dealer) hearsNothing() {
	d.t.Helper()
	if in, _, err := d.s.Events(); err != nil || in {
		d.t.Errorf("a worker gets what is not for it (%v)", err)
	}
}

func (r *rig) await(what string, cond func() bool) {
	r.t.Helper()
	for end := time.Now().Add(time.Minute); !cond(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			r.t.Fatalf("waited in vain for %s", what)
		}
	}
}

func (r *rig) begin(active ...string) uuid.UUID {
	r.t.Helper()
	m := control.Mapping{UUID: uuid.New(), Active: active}
	if err := r.handler.Begin(r.t.Context(), m); err != nil {
		r.t.Fatal(err)
	}
	return m.UUID
}

// assign gives one stream's events from first on: a text per event, workers separated
// by commas; "-" is for nobody, "" leaves the event out.
func (r *rig) assign(mapping uuid.UUID, first uint64, events ...string) {
	r.t.Helper()
	b := control.Batch{Streams: 1}
	for i, text := range events {
		if text == "" {
			continue
		}
		b.Events = append(b.Events, first+uint64(i))
		b.Sets = append(b.Sets, set(text))
	}
	if err := r.handler.Assign(r.t.Context(), mapping, b); err != nil {
		r.t.Fatal(err)
	}
}

func set(text string) *control.WorkerSet {
	if text == "-" {
		return &control.WorkerSet{}
	}
	return &control.WorkerSet{Names: strings.Split(text, ",")}
}

func (r *rig) processed(n uint64) {
	r.t.Helper()
	r.await(fmt.Sprintf("%d events to be done", n), func() bool { return r.pump.counts.processed.Load() == n })
}

func TestEachFrameGoesToItsWorkersInOrder(t *testing.T) {
	src := &numbered{most: 100, size: 10}
	r := start(t, Options{}, named{"s", src})
	w1, w2 := r.worker("w1"), r.worker("w2")
	m := r.begin("s")
	r.assign(m, 0, "w1,w2", "w1", "-", "", "w2", "w1,w2")
	if got, want := w1.numbers(3), "0:0 1:1 5:4"; got != want {
		t.Errorf("w1 got %s, want %s", got, want)
	}
	if got, want := w2.numbers(3), "0:0 4:3 5:4"; got != want {
		t.Errorf("w2 got %s, want %s", got, want)
	}
	r.processed(5)
	w1.hearsNothing()
}

func TestHeadersSayWhatDransposeReads(t *testing.T) {
	r := start(t, Options{}, named{"s", &numbered{most: 1, size: 10}})
	w := r.worker("w1")
	r.assign(r.begin("s"), 7, "w1")
	e := w.receive()
	s := e.Streams["s"]
	if e.Number != 7 || len(e.Streams) != 1 || s.Typ != "TEST" || s.Length != 2 || len(e.frames) != 2 || time.Since(e.Created) > time.Minute {
		t.Errorf("got %+v", e)
	}
}

func TestStreamsOfOneEventGoInOneMessage(t *testing.T) {
	step := &counting{}
	r := start(t, Options{}, named{"a", &numbered{most: 9}}, named{"b", &numbered{most: 9}}, named{"c", step})
	w1, w2 := r.worker("w1"), r.worker("w2")
	m := r.begin("a", "b", "c")
	b := control.Batch{Streams: 3, Events: []uint64{0, 1, 2}, Sets: []*control.WorkerSet{
		set("w1,w2"), set("w1"), nil,
		set("w2"), nil, set("w1"),
		nil, set("-"), set("w1,w2"),
	}}
	if err := r.handler.Assign(t.Context(), m, b); err != nil {
		t.Fatal(err)
	}
	if e := w1.receive(); len(e.Streams) != 2 || len(e.frames) != 4 || e.frames[0] != "0" {
		t.Errorf("event 0 at w1: %+v", e)
	}
	if e := w2.receive(); len(e.Streams) != 1 || len(e.frames) != 2 {
		t.Errorf("event 0 at w2: %+v", e)
	}
	// The trigger was stepped in event 0, too.
	if e := w1.receive(); e.Number != 1 || e.frames[0] != "step 1" {
		t.Errorf("event 1 at w1: %+v", e)
	}
	if e := w2.receive(); e.Number != 1 || e.frames[0] != "1" {
		t.Errorf("event 1 at w2: %+v", e)
	}
	for _, w := range []*dealer{w1, w2} {
		if e := w.receive(); e.Number != 2 || e.frames[0] != "step 2" {
			t.Errorf("event 2: %+v", e)
		}
	}
	r.processed(3)
}

func TestAWorkerThatComesLateGetsEverything(t *testing.T) {
	r := start(t, Options{}, named{"s", &numbered{most: 10}})
	here := r.worker("here")
	r.assign(r.begin("s"), 0, "late", "here", "late", "here")
	if got, want := here.numbers(2), "1:1 3:3"; got != want {
		t.Errorf("the worker that is there got %s, want %s", got, want)
	}
	late := r.worker("late")
	if got, want := late.numbers(2), "0:0 2:2"; got != want {
		t.Errorf("the late worker got %s, want %s", got, want)
	}
}

func TestAWorkerThatStaysAwayIsDroppedOnceAndCounted(t *testing.T) {
	r := start(t, Options{WorkerHold: time.Millisecond}, named{"s", &numbered{most: 1000}})
	r.pump.hold = 300 * time.Millisecond // of the pump's own tests only
	here := r.worker("here")
	m := r.begin("s")
	r.assign(m, 0, "gone", "here", "gone", "gone,here")
	gone := r.known("gone")
	r.await("its messages to be dropped", func() bool { return gone.dropped.Load() == 3 })
	start := time.Now()
	r.assign(m, 4, "gone", "here")
	if got, want := here.numbers(3), "1:1 3:3 5:5"; got != want {
		t.Errorf("the other worker got %s, want %s", got, want)
	}
	if took := time.Since(start); gone.dropped.Load() != 4 {
		t.Errorf("%d messages dropped after %s: it is waited for once per absence", gone.dropped.Load(), took)
	}
	back := r.worker("gone")
	r.assign(m, 6, "gone", "gone")
	if got, want := back.numbers(2), "6:6 7:7"; got != want {
		t.Errorf("back again it got %s, want %s", got, want)
	}
}

func TestAWorkerThatDoesNotReadHoldsBackUpstreamWithinTheBound(t *testing.T) {
	const frame = 200_000
	src := &numbered{most: 100_000, size: frame}
	r := start(t, Options{QueueBytes: 8 << 20}, named{"s", src})
	deaf, err := r.zmq.Socket(zmq.Dealer, zmq.SocketOptions{Identity: []byte("deaf"), ReceiveHWM: 2, ReceiveBuffer: 65536, ReceiveTimeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = deaf.Close() }()
	if err := deaf.Connect(r.address); err != nil {
		t.Fatal(err)
	}
	w := &dealer{t, deaf, uuid.New()}
	w.ping()
	m := r.begin("s")
	events := make([]string, 400)
	for i := range events {
		events[i] = "deaf"
	}
	r.assign(m, 0, events...)
	r.await("the queue to be full", func() bool { return r.pump.counts.why() == waitWorkers })
	queued := r.known("deaf").queuedBytes.Load()
	if queued > 8<<20*queueShare/shares+frame+overhead {
		t.Errorf("%d bytes wait", queued)
	}
	if n := r.pump.counts.processed.Load(); n >= 400 {
		t.Errorf("all %d events were taken in", n)
	}
	want := make([]string, 400)
	for i := range want {
		want[i] = fmt.Sprintf("%d:%d", i, i)
	}
	if got := w.numbers(400); got != strings.Join(want, " ") {
		t.Error("something is missing or out of order")
	}
	r.processed(400)
}

func TestANewMappingWorksWithoutADeafWorker(t *testing.T) {
	src := &numbered{most: 100_000, size: 100_000}
	r := start(t, Options{QueueBytes: 1 << 20}, named{"s", src})
	other := r.worker("other")
	m := r.begin("s")
	events := make([]string, 50)
	for i := range events {
		events[i] = "missing"
	}
	r.assign(m, 0, events...)
	r.await("the queue to be full", func() bool { return r.pump.counts.why() == waitWorkers })
	m = r.begin("s")
	r.assign(m, 0, "other", "other")
	if got, want := other.numbers(2), "0:0 1:1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	r.await("no event to count as pending", func() bool { return r.pump.inbox.pending.Load() == 0 })
	r.stop()
	if n := r.pump.queuedBytes; n != 0 {
		t.Errorf("%d bytes count as queued", n)
	}
}

func TestAssignmentsOfAnotherMappingAreNotServed(t *testing.T) {
	r := start(t, Options{}, named{"s", &numbered{most: 10}})
	w := r.worker("w")
	old := r.begin("s")
	now := r.begin("s")
	r.assign(old, 0, "w", "w")
	r.assign(now, 0, "w")
	if got, want := w.numbers(1), "0:0"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	r.processed(1)
	w.hearsNothing()
}

func TestAnUpstreamThatCanNotBeOpenedIsTriedAgain(t *testing.T) {
	src := &numbered{most: 1, openErr: errors.New("no such host")}
	r := start(t, Options{}, named{"s", src})
	w := r.worker("w")
	r.assign(r.begin("s"), 0, "w")
	w.numbers(1)
	src.mu.Lock()
	defer src.mu.Unlock()
	if src.opens != 2 {
		t.Errorf("opened %d times", src.opens)
	}
}

func TestAnUpstreamThatEndsStopsItsMappingOnly(t *testing.T) {
	src := &numbered{most: 10, nextErr: io.ErrUnexpectedEOF}
	r := start(t, Options{}, named{"s", src})
	w := r.worker("w")
	r.assign(r.begin("s"), 0, "w")
	r.await("the fault to be counted", func() bool { return r.pump.streams[0].faults.Load() == 1 })
	src.mu.Lock()
	src.nextErr = nil
	src.mu.Unlock()
	r.assign(r.begin("s"), 0, "w")
	w.numbers(1)
}

func TestBadPingsAreCountedAndNeverListed(t *testing.T) {
	r := start(t, Options{}, named{"s", &numbered{}})
	w := r.worker("good")
	v1 := uuid.MustParse("c232ab00-9414-11ec-b3c8-9f6bdeced846")
	for n, parts := range [][][]byte{{v1[:]}, {w.id[:15]}, {append(w.id[:], 0)}, {w.id[:], {1}}, {{}}} {
		if err := w.s.SendBytes(parts...); err != nil {
			t.Fatal(err)
		}
		r.await("the ping to be counted", func() bool { return r.pump.counts.badPings.Load() == uint64(n+1) })
	}
	if all := r.pump.workers.connected(time.Now()); len(all) != 1 || all[0].UUID != w.id {
		t.Errorf("listed: %v", all)
	}
}
