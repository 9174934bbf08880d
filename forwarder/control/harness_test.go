package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
	"github.com/sirupsen/logrus"

	"ingestor/internal/redistest"
)

// pump is a Handler and Stats that records what it is told.
type pump struct {
	mu     sync.Mutex
	calls  []string
	begun  []Mapping
	events map[uuid.UUID][]string

	// Channels to wait on, when set: the call blocks until one is closed.
	holdBegin, holdAssign, holdFinish chan struct{}
	failBegin                         error

	processed uint64
	workers   []Worker
	appeared  chan struct{}
}

func newPump() *pump {
	return &pump{events: map[uuid.UUID][]string{}, appeared: make(chan struct{}, 1)}
}

func held(ctx context.Context, c chan struct{}) error {
	if c == nil {
		return nil
	}
	select {
	case <-c:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *pump) Begin(ctx context.Context, m Mapping) error {
	p.mu.Lock()
	p.calls = append(p.calls, fmt.Sprintf("begin %s %v", short(m.UUID), m.Active))
	p.begun = append(p.begun, m)
	p.mu.Unlock()
	if p.failBegin != nil {
		return p.failBegin
	}
	return held(ctx, p.holdBegin)
}

func (p *pump) Assign(ctx context.Context, id uuid.UUID, b Batch) error {
	p.mu.Lock()
	for i, e := range b.Events {
		var streams []string
		for _, set := range b.Sets[i*b.Streams : (i+1)*b.Streams] {
			if set == nil {
				streams = append(streams, "-")
			} else {
				streams = append(streams, fmt.Sprint(set.Names))
			}
		}
		p.events[id] = append(p.events[id], fmt.Sprintf("%d%s", e, strings.Join(streams, "")))
	}
	p.mu.Unlock()
	return held(ctx, p.holdAssign)
}

func (p *pump) Finish(ctx context.Context, id uuid.UUID) error {
	p.mu.Lock()
	p.calls = append(p.calls, "finish "+short(id))
	p.mu.Unlock()
	return held(ctx, p.holdFinish)
}

func (p *pump) Processed() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.processed
}

func (p *pump) Workers() []Worker {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.workers
}

func (p *pump) Appeared() <-chan struct{} { return p.appeared }

func (p *pump) transcript() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.calls, "; ")
}

func (p *pump) delivered(id uuid.UUID) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.events[id], " ")
}

func short(id uuid.UUID) string { return id.String()[:4] }

// logs is a log that tests read.
type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logs) logger() logrus.FieldLogger {
	log := logrus.New()
	log.SetOutput(l)
	log.SetLevel(logrus.DebugLevel)
	log.SetFormatter(&logrus.TextFormatter{DisableColors: true, DisableTimestamp: true})
	return log
}

// rig is a follower, its pump, and the controller's side of a Redis.
type rig struct {
	t      *testing.T
	server *redistest.Server
	c      *redis.Client
	pump   *pump
	logs   *logs
	f      *Follower
	stop   func() error
}

const rigKey = "dranspose:ingester:x-ingester:config"

// newRig prepares a follower of streams x and y; run starts it.
func newRig(t *testing.T, change ...func(*Options)) *rig {
	t.Helper()
	t.Parallel()
	return newRigOn(t, redistest.Start(t, redistest.Options{}), change...)
}

func newRigOn(t *testing.T, server *redistest.Server, change ...func(*Options)) *rig {
	t.Helper()
	r := &rig{t: t, server: server, pump: newPump(), logs: &logs{}, c: server.Client()}
	o := Options{
		RedisURL: server.URL(), Name: "x-ingester", URL: "tcp://127.0.0.1:10000", Streams: []string{"x", "y"},
		Handler: r.pump, Stats: r.pump, Log: r.logs.logger(),
	}
	for _, ch := range change {
		ch(&o)
	}
	f, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	r.f = f
	return r
}

// start runs the follower until the test ends or stop is called, and waits
// until its state is there.
func (r *rig) start() *rig {
	r.t.Helper()
	r.launch()
	r.eventually("the state is published", func() bool { return r.f.published.Load() != 0 })
	return r
}

func (r *rig) launch() {
	ctx, cancel := context.WithCancel(r.t.Context())
	done := make(chan error, 1)
	go func() { done <- r.f.Run(ctx) }()
	r.stop = sync.OnceValue(func() error {
		cancel()
		select {
		case err := <-done:
			return err
		case <-time.After(time.Minute):
			return errors.New("Run does not end")
		}
	})
	r.t.Cleanup(func() {
		if err := r.stop(); err != nil {
			r.t.Errorf("Run: %v", err)
		}
		if r.t.Failed() {
			r.t.Logf("log:\n%s", r.logs)
		}
	})
}

// eventually waits for a condition, generously: machines of tests are busy.
func (r *rig) eventually(what string, ok func() bool) {
	r.t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
		if time.Now().After(end) {
			r.t.Fatalf("in vain: %s\npump: %s\nlog:\n%s", what, r.pump.transcript(), r.logs)
		}
	}
}

// wants waits until the pump was told exactly this.
func (r *rig) wants(transcript string) {
	r.t.Helper()
	r.eventually("the pump is told "+transcript, func() bool { return r.pump.transcript() == transcript })
}

// wantsEvents waits for delivered events, "3[w1]-" being event 3 to w1 of
// stream x and no frame of y.
func (r *rig) wantsEvents(id uuid.UUID, events string) {
	r.t.Helper()
	r.eventually("delivered "+events+", got "+r.pump.delivered(id), func() bool { return r.pump.delivered(id) == events })
}

// update is an entry of the controller, as it writes them.
type entry struct {
	mapping    uuid.UUID
	parameters map[string]uuid.UUID
	active     []string
	finished   bool
}

func (e entry) json() string {
	if e.parameters == nil {
		e.parameters = map[string]uuid.UUID{}
	}
	if e.active == nil {
		e.active = []string{}
	}
	b, err := json.Marshal(map[string]any{
		"mapping_uuid": e.mapping, "parameters_version": e.parameters, "target_parameters_hash": nil,
		"active_streams": e.active, "finished": e.finished,
	})
	if err != nil {
		panic(err)
	}
	return string(b)
}

// write adds updates so that they come in one reply.
func (r *rig) write(entries ...entry) {
	r.t.Helper()
	texts := make([]string, len(entries))
	for i, e := range entries {
		texts[i] = e.json()
	}
	r.writeRaw(texts...)
}

func (r *rig) writeRaw(texts ...string) {
	r.t.Helper()
	_, err := r.c.TxPipelined(r.t.Context(), func(p redis.Pipeliner) error {
		for _, text := range texts {
			p.XAdd(r.t.Context(), &redis.XAddArgs{Stream: updatesKey, Values: []string{"data", text}})
		}
		return nil
	})
	r.must(err)
}

func (r *rig) assign(id uuid.UUID, texts ...string) {
	r.t.Helper()
	for _, text := range texts {
		r.must(r.c.XAdd(r.t.Context(), &redis.XAddArgs{Stream: "dranspose:assigned:" + id.String(), Values: []string{"data", text}}).Err())
	}
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// config is the published state; nil when there is none.
func (r *rig) config() map[string]any {
	r.t.Helper()
	text, err := r.c.Get(r.t.Context(), rigKey).Result()
	if err != nil {
		return nil
	}
	var m map[string]any
	r.must(json.Unmarshal([]byte(text), &m))
	return m
}

// ready is the texts in the ready stream of a mapping.
func (r *rig) ready(id uuid.UUID) []string {
	r.t.Helper()
	list, err := r.c.XRange(r.t.Context(), "dranspose:ready:"+id.String(), "-", "+").Result()
	r.must(err)
	texts := []string{}
	for _, e := range list {
		texts = append(texts, e.Values["data"].(string))
	}
	return texts
}

func (r *rig) acknowledged(id uuid.UUID) {
	r.t.Helper()
	r.eventually("the state names mapping "+short(id), func() bool { return r.config()["mapping_uuid"] == id.String() })
}

func one(event int, streams string) string {
	return fmt.Sprintf(`[{"event_number":%d,"assignments":{%s}}]`, event, streams)
}
