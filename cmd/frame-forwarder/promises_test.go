package main_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"ingestor/internal/forwardertest"
	"ingestor/internal/redistest"
)

// hash is the parameters hash of versions given in the order of their names.
func hash(versions ...uuid.UUID) string {
	h := sha256.New()
	for _, v := range versions {
		h.Write(v[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// The config has the same fields whichever way the program was started, and
// lives for 10 s, never for less than 7.
func TestPromise_ConfigForEveryWayOfStarting(t *testing.T) {
	fields := []string{"service_uuid", "mapping_uuid", "dranspose_version", "mapreduce_version", "parameters_hash",
		"processed_events", "event_rate", "name", "url", "connected_workers", "streams"}
	for name, change := range map[string]func(*forwardertest.Settings){
		"file":        func(*forwardertest.Settings) {},
		"flags":       func(s *forwardertest.Settings) { s.ByFlags = true },
		"environment": func(s *forwardertest.Settings) { s.ByEnvironment = true },
		"named flags": func(s *forwardertest.Settings) { s.ByFlags, s.Name = true, "other" },
		"named env":   func(s *forwardertest.Settings) { s.ByEnvironment, s.Name = true, "other" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, setup{settings: change})
			for range 20 {
				time.Sleep(100 * time.Millisecond)
				if ttl, _ := b.c.Must("TTL", forwardertest.KeyConfig(b.p.Name())).(int64); ttl < 7 || ttl > 10 {
					t.Errorf("the config lives for %d s", ttl)
				}
			}
			c, _ := b.c.Config(b.p.Name())
			rest := c.Raw
			for _, f := range fields {
				_, after, ok := strings.Cut(rest, `"`+f+`":`)
				if !ok {
					t.Fatalf("field %s is missing or in another place: %s", f, c.Raw)
				}
				rest = after
			}
			if c.Mapping != nil || c.URL != b.p.URL() || !slices.Equal(c.Streams, []string{"det"}) || len(c.Workers) != 2 {
				t.Errorf("config %s", c.Raw)
			}
			b.again(1, b.workers...)
			if c, _ := b.c.Config(b.p.Name()); c.Processed == 0 && !forwardertest.Within(patience, func() bool { c, _ := b.c.Config(b.p.Name()); return c.Processed == 22 }) {
				t.Errorf("config %s", c.Raw)
			}
		})
	}
}

// Parameters are fetched and hashed over the sorted names; what is missing
// keeps the hash wrong until it is there; none is ever removed.
func TestPromise_ParametersHash(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	m := b.mapped(forwardertest.Scan("det", 22, "w1", "w2"))
	is := func(what, want string) {
		t.Helper()
		b.c.AwaitConfig(b.p.Name(), what, func(c forwardertest.Config) bool { return c.ParametersHash != nil && *c.ParametersHash == want })
	}
	is("no parameters", hash())
	a, z, later := uuid.New(), uuid.New(), uuid.New()
	b.c.Must("SET", forwardertest.KeyParameter("Zeta", z), "\x00\xff")
	b.c.Must("SET", forwardertest.KeyParameter("alpha", a), "1")
	b.c.Update(forwardertest.Update{Mapping: m, Parameters: map[string]uuid.UUID{"alpha": a, "Zeta": z}})
	is("sorted by name, capitals first", hash(z, a))
	all := map[string]uuid.UUID{"alpha": later, "Zeta": z}
	b.c.Update(forwardertest.Update{Mapping: m, Parameters: all})
	time.Sleep(500 * time.Millisecond)
	is("the value is missing: the old one stays", hash(z, a))
	b.c.Must("SET", forwardertest.KeyParameter("alpha", later), "2")
	b.c.Update(forwardertest.Update{Mapping: m, Parameters: all})
	is("the value is there", hash(z, later))
	b.c.Update(forwardertest.Update{Mapping: m})
	time.Sleep(500 * time.Millisecond)
	is("none is removed", hash(z, later))
}

// Pings that are none are ignored and never listed, and harm nobody else.
func TestPromise_BadPings(t *testing.T) {
	t.Parallel()
	id := uuid.New()
	v1, err := uuid.NewUUID()
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, setup{})
	for name, ping := range map[string][][]byte{
		"short": {id[:15]}, "long": {append(id[:], 0)}, "empty": {{}}, "v1": {v1[:]}, "nil": {make([]byte, 16)},
		"parts": {id[:], id[:]}, "lead": {{}, id[:]}, "text": {[]byte(id.String())}, "\xff\xfe": {id[:]}, "": {{1}}, "huge": {make([]byte, 1<<20)},
	} {
		b.worker(forwardertest.WorkerOptions{Name: name, Pings: [][][]byte{ping}, Every: 50 * time.Millisecond})
	}
	time.Sleep(500 * time.Millisecond)
	c, _ := b.c.Config(b.p.Name())
	for key, w := range c.Workers {
		if w.Name != "w1" && w.Name != "w2" && w.Name != "\xff\xfe" && w.Name != "��" {
			t.Errorf("worker %q is listed under %s", w.Name, key)
		}
	}
	b.again(1, b.workers...)
}

// Updates that are none are skipped.
func TestPromise_MalformedUpdates(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{before: func(c *forwardertest.Controller) {
		c.Must("XADD", forwardertest.KeyUpdates, "*", "data", "garbage")
	}})
	v1, err := uuid.NewUUID()
	if err != nil {
		t.Fatal(err)
	}
	bad := []string{"", "{", "null", "[]", "7", `"x"`, "{}", `{"mapping_uuid":null}`, `{"mapping_uuid":"x"}`, `{"mapping_uuid":7}`,
		`{"mapping_uuid":"` + v1.String() + `","parameters_version":{},"active_streams":["det"]}`,
		`{"mapping_uuid":"` + uuid.NewString() + `","parameters_version":7,"active_streams":["det"]}`,
		`{"mapping_uuid":"` + uuid.NewString() + `","parameters_version":{"a":"b"},"active_streams":["det"]}`,
		`{"mapping_uuid":"` + uuid.NewString() + `","parameters_version":{},"active_streams":"det"}`,
		`{"mapping_uuid":"` + uuid.NewString() + `","parameters_version":{},"active_streams":[],"finished":"maybe"}`,
		strings.Repeat("[", 100000), "\xff\xfe", "gr\u00fc\u00dfe\nzwei"}
	for i, data := range bad {
		b.c.Must("XADD", forwardertest.KeyUpdates, "*", "data", data)
		if i%5 == 0 {
			b.c.Must("XADD", forwardertest.KeyUpdates, "*", "other", data)
		}
	}
	b.again(1, b.workers...)
}

// A malformed assignment may stop its mapping with an error that names the
// entry; the next mapping works.
func TestPromise_MalformedAssignments(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	series := 0
	for _, bad := range []string{"", "{", "null", "7", `{"event_number":3}`, `[{"event_number":"x","assignments":{}}]`,
		`[{"event_number":3,"assignments":{"det":"w1"}}]`, `[{"event_number":3,"assignments":{"det":[7]}}]`, `[{"assignments":{"det":["w1"]}}]`, strings.Repeat("[", 100000)} {
		for _, w := range b.workers {
			w.Forget()
		}
		events := forwardertest.Scan("det", 6, "w1", "w2")
		m := b.mapped(events[:3])
		id, _ := b.c.Must("XADD", forwardertest.KeyAssigned(m), "*", "data", bad).(string)
		b.c.Assign(m, events[3:], 10)
		series++
		b.series(series, 4, 100)
		forwardertest.Await(t, patience, "what was assigned before", func() bool { return b.workers[0].Count() >= 2 })
		if !forwardertest.Within(5*time.Second, func() bool { return strings.Contains(b.p.Log(), id) }) {
			t.Errorf("after %.40q the log does not name the entry %s", bad, id)
		}
		if !b.p.Running() {
			t.Fatalf("%.40q ended the program", bad)
		}
	}
	b.again(series+1, b.workers...)
}

// SIGTERM under full load: exit 0 within 5 s, the key deleted, the dump
// complete to its last byte.
func TestPromise_TerminatedUnderLoad(t *testing.T) {
	t.Parallel()
	dump := filepath.Join(t.TempDir(), "x.cbors")
	b := newBench(t, setup{settings: func(s *forwardertest.Settings) { s.Dump = dump }})
	b.mapped(forwardertest.Scan("det", 100002, "w1", "w2"))
	b.series(1, 100000, 4096)
	forwardertest.Await(t, patience, "load", func() bool { return b.workers[0].Count() > 500 })
	limit := 5 * time.Second
	if raceDetector {
		limit = 10 * time.Second
	}
	if code := b.p.Terminate(limit); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if _, there := b.c.Config(b.p.Name()); there {
		t.Error("the config is still there")
	}
	b.dumped(dump, max(b.workers[0].Count(), b.workers[1].Count()))
}

// dumped checks that a dump is whole and has at least so many records, counted
// from 0.
func (b *bench) dumped(path string, least int) {
	b.t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		b.t.Error(err)
		return
	}
	records, err := forwardertest.DumpRecords(raw)
	if err != nil {
		b.t.Errorf("the dump is torn: %v", err)
	}
	if len(records) < least {
		b.t.Errorf("the dump has %d records, want at least %d", len(records), least)
	}
}

// SIGTERM with Redis hanging and a deaf worker: exit 0 within 15 s, the dump
// complete.
func TestPromise_TerminatedWithRedisHangingAndADeafWorker(t *testing.T) {
	t.Parallel()
	dump := filepath.Join(t.TempDir(), "x.cbors")
	b := newBench(t, setup{
		workers: []forwardertest.WorkerOptions{{Name: "w1"}, {Name: "w2", Deaf: true, ReceiveBuffer: 64 << 10}},
		settings: func(s *forwardertest.Settings) {
			s.Dump = dump
			queue("8MiB", "30s")(s)
		},
	})
	b.mapped(forwardertest.Scan("det", 1002, "w1", "w2"))
	b.series(1, 1000, 65536)
	time.Sleep(2 * time.Second)
	b.redis.Pause()
	time.Sleep(500 * time.Millisecond)
	if code := b.p.Terminate(15 * time.Second); code != 0 {
		t.Errorf("exit code %d", code)
	}
	b.redis.Resume()
	b.dumped(dump, b.workers[0].Count())
}

// SIGTERM at once after the start, and SIGINT, end in order too.
func TestPromise_TerminatedAtTheStart(t *testing.T) {
	t.Parallel()
	for i, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		b := newBench(t, setup{})
		if i == 1 {
			b.again(1, b.workers...)
		}
		b.p.Signal(sig)
		if code := b.p.Wait(10 * time.Second); code != 0 {
			t.Errorf("%s: exit code %d", sig, code)
		}
		if _, there := b.c.Config(b.p.Name()); there {
			t.Errorf("%s: the config is still there", sig)
		}
	}
}

// Of two mappings within milliseconds only the last is served.
func TestPromise_TwoMappingsAtOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	for series := 1; series <= 5; series++ {
		for _, w := range b.workers {
			w.Forget()
		}
		first, second := uuid.New(), uuid.New()
		b.c.Assign(first, forwardertest.Scan("det", 9, "w1"), 100)
		events := forwardertest.Scan("det", 12, "w2", "w1")
		b.c.Assign(second, events, 100)
		if series%2 == 0 {
			b.c.Update(forwardertest.Update{Mapping: first, Active: []string{"det"}}, forwardertest.Update{Mapping: second, Active: []string{"det"}})
		} else {
			b.c.Update(forwardertest.Update{Mapping: first, Active: []string{"det"}})
			b.c.Update(forwardertest.Update{Mapping: second, Active: []string{"det"}})
		}
		b.c.AwaitMapping(b.p.Name(), second)
		b.series(series, 10, 100)
		b.complete(patience, events, b.workers...)
	}
}

// A program that starts within a scan adopts its mapping and the parameters,
// sends nothing, answers finished, and serves the next scan.
func TestPromise_LateJoiner(t *testing.T) {
	t.Parallel()
	m, version := uuid.New(), uuid.New()
	b := newBench(t, setup{before: func(c *forwardertest.Controller) {
		c.Update(forwardertest.Update{Mapping: m, Active: []string{"det"}})
		c.Assign(m, forwardertest.Scan("det", 12, "w1", "w2"), 5)
		c.Must("SET", forwardertest.KeyParameter("roi", version), "1")
	}})
	if c, _ := b.c.Config(b.p.Name()); c.Mapping != nil || c.ParametersHash != nil {
		t.Errorf("it took the update from before its time: %s", c.Raw)
	}
	digest := hash(version)
	b.c.Update(forwardertest.Update{Mapping: m, Parameters: map[string]uuid.UUID{"roi": version}, Hash: &digest})
	b.c.AwaitMapping(b.p.Name(), m)
	b.c.AwaitConfig(b.p.Name(), "the hash", func(c forwardertest.Config) bool { return c.ParametersHash != nil && *c.ParametersHash == digest })
	time.Sleep(300 * time.Millisecond)
	for _, w := range b.workers {
		if w.Count() > 0 {
			t.Errorf("%s got %d messages", w.Name(), w.Count())
		}
	}
	b.c.Update(forwardertest.Update{Mapping: m, Finished: true})
	b.answers(m)
	b.again(1, b.workers...)
}

// A long run of small frames does not stall, and comes complete and in order.
func TestPromise_NoStall(t *testing.T) {
	t.Parallel()
	n, runs := 20000, 1
	if long() {
		n, runs = 200000, 5
	}
	b := newBench(t, setup{workers: []forwardertest.WorkerOptions{{Name: "w1", Forget: true}, {Name: "w2", Forget: true}}})
	for run := range runs {
		for _, w := range b.workers {
			w.Forget()
		}
		events := forwardertest.Scan("det", n+2, "w1", "w2")
		b.mapped(events)
		b.series(run, n, 1000)
		b.complete(90*time.Second, events, b.workers...)
	}
	b.bounded(256)
}

// Frames that are for nobody are consumed, counted and sent nowhere; events of
// other streams are passed over.
func TestPromise_DiscardedAndForeignEvents(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	events := make([]forwardertest.Event, 5000)
	frame := 0
	for i := range events {
		switch {
		case i == 0 || i%3 == 0:
			events[i] = forwardertest.Event{Number: uint64(i), Assignments: map[string][]string{"det": {"w1"}, "other": {"w2"}}}
			frame++
		case i%3 == 1:
			events[i] = forwardertest.Event{Number: uint64(i), Assignments: map[string][]string{"det": {}}}
			frame++
		default:
			events[i] = forwardertest.Event{Number: uint64(i), Assignments: map[string][]string{"other": {"w2"}}}
		}
	}
	b.mapped(events)
	b.series(1, frame-2, 100)
	var mine []forwardertest.Event
	for _, e := range events {
		if len(e.Assignments["det"]) > 0 {
			mine = append(mine, e)
		}
	}
	b.complete(patience, mine, b.workers[0])
	b.c.AwaitConfig(b.p.Name(), "all are counted", func(c forwardertest.Config) bool { return c.Processed == frame })
	if n := b.workers[1].Count(); n != 0 {
		t.Errorf("w2 got %d messages of a stream that is not here", n)
	}
}

// A worker that was restarted under its name takes over from a connection that
// is not known to be dead.
func TestPromise_WorkerTakesOverItsName(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{settings: queue("32MiB", "10s"), workers: []forwardertest.WorkerOptions{
		{Name: "w1"}, {Name: "w2", Deaf: true, Every: time.Hour},
	}})
	fresh := b.worker(forwardertest.WorkerOptions{Name: "w2"})
	b.c.AwaitConfig(b.p.Name(), "the new w2", func(c forwardertest.Config) bool { return c.Workers[fresh.UUID().String()].Name == "w2" })
	events := forwardertest.Scan("det", 22, "w1", "w2")
	b.mapped(events)
	b.series(1, 20, 100)
	b.complete(patience, events, b.workers[0], fresh)
}

// The position recorder may be started after the scan: a refused connection is
// tried again.
func TestPromise_RefusedUpstreamIsTriedAgain(t *testing.T) {
	t.Parallel()
	r := redistest.Start(t, redistest.Options{})
	c := forwardertest.NewController(t, r.Addr())
	port := forwardertest.FreePort(t)
	p := forwardertest.Start(t, forwardertest.Settings{Redis: r.URL(), Streams: []forwardertest.Stream{
		{Name: "pos", Source: "TcpPcapIngester", Upstream: "tcp://" + loopback(port)},
	}})
	w := forwardertest.NewWorker(t, forwardertest.WorkerOptions{Name: "w1", Address: p.Address()})
	c.AwaitWorkers(p.Name(), w)
	c.Map(p.Name(), uuid.New(), []string{"pos"}, forwardertest.Scan("pos", 3, "w1"))
	time.Sleep(1500 * time.Millisecond)
	up := forwardertest.LinesAt(t, port)
	if err := up.Send([]byte("arm_time: x\n\n1 2\nEND\n")); err != nil {
		t.Fatal(err)
	}
	forwardertest.Await(t, patience, "three events", func() bool { return w.Count() == 3 })
	if log := p.Log(); strings.Count(log, "\n") > 200 {
		t.Errorf("%d log lines", strings.Count(log, "\n"))
	}
}

// An upstream that ends in the middle of its data is an end, not an endless
// stream of nothing; the next scan works.
func TestPromise_UpstreamEndsInTheMiddle(t *testing.T) {
	t.Parallel()
	r := redistest.Start(t, redistest.Options{})
	c := forwardertest.NewController(t, r.Addr())
	up := forwardertest.Lines(t)
	p := forwardertest.Start(t, forwardertest.Settings{Redis: r.URL(), Streams: []forwardertest.Stream{
		{Name: "pos", Source: "TcpPcapIngester", Upstream: up.URL()},
	}})
	w := forwardertest.NewWorker(t, forwardertest.WorkerOptions{Name: "w1", Address: p.Address()})
	c.AwaitWorkers(p.Name(), w)
	c.Map(p.Name(), uuid.New(), []string{"pos"}, forwardertest.Scan("pos", 10, "w1"))
	if err := up.Send([]byte("arm_time: x\n\n1 2\n")); err != nil {
		t.Fatal(err)
	}
	forwardertest.Await(t, patience, "two events", func() bool { return w.Count() == 2 })
	up.Cut()
	time.Sleep(time.Second)
	if w.Count() > 2 {
		t.Errorf("%d events after the end of the upstream", w.Count())
	}
	w.Forget()
	c.Map(p.Name(), uuid.New(), []string{"pos"}, forwardertest.Scan("pos", 3, "w1"))
	forwardertest.Await(t, patience, "a connection", func() bool { return up.Connected() > 0 })
	if err := up.Send([]byte("arm_time: y\n\n3 4\nEND\n")); err != nil {
		t.Fatal(err)
	}
	forwardertest.Await(t, patience, "three events", func() bool { return w.Count() == 3 })
}

// Sardana can post whenever it likes: there is a listener from the start.
func TestPromise_SardanaIsAnsweredFromTheStart(t *testing.T) {
	t.Parallel()
	r := redistest.Start(t, redistest.Options{})
	c := forwardertest.NewController(t, r.Addr())
	url := "http://" + loopback(forwardertest.FreePort(t))
	p := forwardertest.Start(t, forwardertest.Settings{Redis: r.URL(), Streams: []forwardertest.Stream{
		{Name: "sardana", Source: "http_sardana", Upstream: url},
	}})
	c.AwaitConfig(p.Name(), "started", func(forwardertest.Config) bool { return true })
	if code := forwardertest.Post(t, url+"/v1/data_desc", `{"serialno":1,"scandir":"","title":""}`); code != 200 {
		t.Errorf("answer %d before any scan", code)
	}
	if code := forwardertest.Post(t, url+"/v1/data_desc", `{"serialno":"x"}`); code != 422 {
		t.Errorf("answer %d to a bad body", code)
	}
}

func loopback(port int) string { return "127.0.0.1:" + strconv.Itoa(port) }

// Idle costs next to nothing.
func TestPromise_IdleIsIdle(t *testing.T) {
	if !long() || raceDetector {
		t.Skip("measures processor time: set " + longVariable + ", without the race detector")
	}
	b := newBench(t, setup{})
	before := b.p.CPU()
	time.Sleep(10 * time.Second)
	if used := b.p.CPU() - before; used > 50*time.Millisecond {
		t.Errorf("idle it used %s in 10 s", used)
	}
}
