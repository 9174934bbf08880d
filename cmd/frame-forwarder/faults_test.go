package main_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"ingestor/internal/forwardertest"
)

// longVariable plays the long forms of these tests (make interop does).
const longVariable = "INGESTOR_LONG"

func long() bool { return os.Getenv(longVariable) != "" }

// bounded checks the peak memory: 64 MiB and the configured bound. The race
// detector takes several times that, so it is not measured with it.
func (b *bench) bounded(queueMiB int) {
	b.t.Helper()
	if most := 64 + queueMiB; !raceDetector && b.p.PeakMiB() > most {
		b.t.Errorf("it took %d MiB, want at most %d", b.p.PeakMiB(), most)
	}
}

// Workers that are slower than the detector slow it down, and nothing is lost.
func TestFault_SlowWorkers(t *testing.T) {
	t.Parallel()
	n := 2000
	if long() {
		n = 6000
	}
	slow := forwardertest.WorkerOptions{Delay: 2 * time.Millisecond, ReceiveBuffer: 64 << 10, Forget: true}
	w1, w2 := slow, slow
	w1.Name, w2.Name = "w1", "w2"
	b := newBench(t, setup{workers: []forwardertest.WorkerOptions{w1, w2}, settings: queue("16MiB", "5s")})
	events := forwardertest.Scan("det", n+2, "w1", "w2")
	b.mapped(events)
	b.series(1, n, 65536)
	b.complete(60*time.Second, events, b.workers...)
	b.bounded(16)
}

// One worker that does not read holds back only what it must, in bounded
// memory; when it reads again everybody gets everything.
func TestFault_OneWorkerStalled(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{settings: queue("8MiB", "5s"), workers: []forwardertest.WorkerOptions{
		{Name: "w1", Forget: true}, {Name: "w2", Forget: true, Deaf: true, ReceiveBuffer: 64 << 10},
	}})
	const n = 600
	events := forwardertest.Scan("det", n+2, "w1", "w2")
	b.mapped(events)
	b.series(1, n, 65536)
	time.Sleep(7 * time.Second) // longer than the hold: it is connected, so nothing may be dropped
	if c := b.workers[0].Count(); c < 10 {
		t.Errorf("the good worker got %d messages only", c)
	}
	b.workers[1].Resume()
	b.complete(patience, events, b.workers...)
	b.bounded(8)
}

// A mapping without the stalled worker works while it goes on stalling.
func TestFault_NewMappingWithoutTheStalledWorker(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{settings: queue("8MiB", "5s"), workers: []forwardertest.WorkerOptions{
		{Name: "w1"}, {Name: "w2", Forget: true, Deaf: true, ReceiveBuffer: 64 << 10},
	}})
	b.mapped(forwardertest.Scan("det", 602, "w1", "w2"))
	fed := b.series(1, 600, 65536)
	time.Sleep(2 * time.Second)
	events := forwardertest.Scan("det", 22, "w1")
	b.mapped(events)
	select { // the rest of the old series, its end too
	case <-fed:
	case <-time.After(patience):
		t.Fatal("the rest of the old series is not taken in")
	}
	b.series(2, 20, 1000)
	fresh := func() (list []uint64) {
		for _, m := range b.workers[0].Received() {
			if ofSeries(m, 2) {
				list = append(list, forwardertest.EventNumber(m.Parts[0]))
			}
		}
		return list
	}
	forwardertest.Within(patience, func() bool { return len(fresh()) >= len(events) })
	sameEvents(t, "w1", fresh(), forwardertest.Expected(events, "w1"))
	b.bounded(8)
}

// Frames without assignments wait in bounded memory, the upstream waits with
// them; assignments that come late deliver them all.
func TestFault_MissingAssignments(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{settings: queue("8MiB", "5s")})
	const n = 1500
	events := forwardertest.Scan("det", n+2, "w1")
	m := b.mapped(events[:3])
	fed := b.series(1, n, 65536)
	select {
	case <-fed:
		t.Error("all 94 MiB were taken in without assignments; the bound is 8 MiB")
	case <-time.After(3 * time.Second):
	}
	b.c.Assign(m, events[3:], 1000)
	b.complete(patience, events, b.workers[0])
	b.bounded(8)
}

// A worker that is gone costs the others nothing but the hold; what was for it
// is dropped, counted and logged, and the next scan works.
func TestFault_WorkerDisappears(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{settings: queue("32MiB", "5s")})
	const n = 3000
	events := forwardertest.Scan("det", n+2, "w1", "w2")
	b.mapped(events)
	go func() {
		forwardertest.Within(patience, func() bool { return b.workers[1].Count() > 50 })
		b.workers[1].Close()
	}()
	b.series(1, n, 20000)
	b.complete(40*time.Second, events, b.workers[0])
	want := forwardertest.Expected(events, "w2")
	sameEvents(t, "w2", b.workers[1].Events(), want[:b.workers[1].Count()])
	if !forwardertest.Within(10*time.Second, func() bool { return strings.Contains(b.p.Log(), "w2") }) {
		t.Error("the log does not name the worker that is gone")
	}
	w3 := b.worker(forwardertest.WorkerOptions{Name: "w3"})
	b.c.AwaitWorkers(b.p.Name(), b.workers[0], w3)
	b.again(2, b.workers[0], w3)
}

// A worker that is back within the hold gets what waited for it, and misses at
// most what was on the wire when it went.
func TestFault_WorkerReturns(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{settings: queue("32MiB", "10s")})
	const n = 400
	events := forwardertest.Scan("det", n+2, "w1", "w2")
	b.mapped(events)
	b.send(startFrame(1))
	for i := range 20 {
		b.send(imageFrame(1, i, make([]byte, 1000)))
	}
	want := forwardertest.Expected(events, "w2")
	forwardertest.Await(t, patience, "the first events", func() bool { return b.workers[1].Count() == 11 })
	b.workers[1].Close()
	b.c.AwaitWorkers(b.p.Name(), b.workers[0])
	for i := 20; i < n; i++ {
		b.send(imageFrame(1, i, make([]byte, 1000)))
	}
	b.send(endFrame(1, n))
	back := b.worker(forwardertest.WorkerOptions{Name: "w2"})
	forwardertest.Await(t, patience, "the last event", func() bool {
		e := back.Events()
		return len(e) > 0 && e[len(e)-1] == n+1
	})
	b.complete(patience, events, b.workers[0])
	if gap := oneGap(t, "w2", append(b.workers[1].Events(), back.Events()...), want); gap > 0 {
		t.Errorf("w2 misses %d events, though it was back in time", gap)
	}
}

// A worker that comes back after the hold goes on from there: one contiguous
// stretch is missing.
func TestFault_WorkerReturnsLate(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{settings: queue("32MiB", "5s")})
	const n = 300
	events := forwardertest.Scan("det", n+2, "w1", "w2")
	b.mapped(events)
	b.send(startFrame(1))
	for i := range 20 {
		b.send(imageFrame(1, i, make([]byte, 1000)))
	}
	forwardertest.Await(t, patience, "the first events", func() bool { return b.workers[1].Count() == 11 })
	b.workers[1].Close()
	for i := 20; i < 100; i++ {
		b.send(imageFrame(1, i, make([]byte, 1000)))
	}
	time.Sleep(7 * time.Second)
	back := b.worker(forwardertest.WorkerOptions{Name: "w2"})
	b.c.AwaitWorkers(b.p.Name(), b.workers[0], back)
	for i := 100; i < n; i++ {
		b.send(imageFrame(1, i, make([]byte, 1000)))
	}
	b.send(endFrame(1, n))
	forwardertest.Await(t, patience, "the last event", func() bool {
		e := back.Events()
		return len(e) > 0 && e[len(e)-1] == n+1
	})
	b.complete(patience, events, b.workers[0])
	if gap := oneGap(t, "w2", append(b.workers[1].Events(), back.Events()...), forwardertest.Expected(events, "w2")); gap == 0 {
		t.Error("w2 got everything, though it was away for longer than the hold: then the hold is not what it says")
	}
}

// A worker that connects within the hold after its first event gets everything.
func TestFault_WorkerConnectsLate(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{none: true, settings: queue("32MiB", "10s")})
	events := forwardertest.Scan("det", 102, "w1", "w2")
	b.mapped(events)
	b.series(1, 100, 1000)
	time.Sleep(time.Second)
	w1 := b.worker(forwardertest.WorkerOptions{Name: "w1"})
	time.Sleep(time.Second)
	w2 := b.worker(forwardertest.WorkerOptions{Name: "w2"})
	b.complete(patience, events, w1, w2)
}

// The hold is spent once per absence, not for each message.
func TestFault_HoldIsSpentOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{settings: queue("8MiB", "5s"), workers: []forwardertest.WorkerOptions{{Name: "w1"}}})
	events := forwardertest.Scan("det", 402, "w1", "nobody")
	b.mapped(events)
	b.series(1, 400, 65536) // more than the bound for the one that is not there
	b.complete(patience, events, b.workers[0])
	b.bounded(8)
}

// A mapping comes in the middle; the rest of the old series with its end comes
// after it, then the new series: the new scan is complete and pure.
func TestFault_RemapWithStaleEnd(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	b.mapped(forwardertest.Scan("det", 10, "w1", "w2"))
	b.send(startFrame(1))
	for i := range 4 {
		b.send(imageFrame(1, i, []byte("abcd")))
	}
	forwardertest.Await(t, patience, "the first half", func() bool { return b.workers[0].Count()+b.workers[1].Count() == 6 })
	for _, w := range b.workers {
		w.Forget()
	}
	events := forwardertest.Scan("det", 6, "w1", "w2")
	b.mapped(events)
	for i := 4; i < 8; i++ {
		b.send(imageFrame(1, i, []byte("abcd")))
	}
	b.send(endFrame(1, 8))
	b.series(2, 4, 4)
	b.complete(patience, events, b.workers...)
	for _, w := range b.workers {
		for _, m := range w.Received() {
			if !ofSeries(m, 2) {
				t.Errorf("%s got %s of the old series", w.Name(), m.Parts[1])
			}
		}
	}
	b.again(3, b.workers...)
}

// The new series stands behind the old one in the queue already when the
// mapping comes: nothing of it is lost.
func TestFault_RemapWhileTheNewSeriesWaits(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	b.mapped(forwardertest.Scan("det", 3, "w1", "w2"))
	<-b.series(1, 50, 1000) // 49 images more than assigned, and the end
	<-b.series(2, 20, 1000)
	forwardertest.Await(t, patience, "the first scan", func() bool { return b.workers[0].Count()+b.workers[1].Count() == 5 })
	for _, w := range b.workers {
		w.Forget()
	}
	events := forwardertest.Scan("det", 22, "w1", "w2")
	b.mapped(events)
	b.complete(patience, events, b.workers...)
}

// A mapping without our streams is acknowledged and serves nothing; the one
// after it works.
func TestFault_EmptyActiveStreams(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	m := uuid.New()
	b.c.Assign(m, forwardertest.Scan("det", 5, "w1", "w2"), 10)
	b.c.Update(forwardertest.Update{Mapping: m})
	b.c.AwaitMapping(b.p.Name(), m)
	time.Sleep(500 * time.Millisecond)
	for _, w := range b.workers {
		if w.Count() != 0 {
			t.Errorf("%s got %d messages", w.Name(), w.Count())
		}
	}
	b.c.Update(forwardertest.Update{Mapping: m, Finished: true})
	b.answers(m)
	b.again(2, b.workers...)
}

// answers waits for the one finished message of this mapping.
func (b *bench) answers(m uuid.UUID) {
	b.t.Helper()
	forwardertest.Await(b.t, patience, "finished is answered", func() bool { return len(b.c.Stream(forwardertest.KeyReady(m))) > 0 })
	want := `{"state":"finished","source":"ingester","ingester":"` + b.p.Name() + `"}`
	time.Sleep(200 * time.Millisecond)
	if got := b.c.Stream(forwardertest.KeyReady(m)); len(got) != 1 || got[0] != want {
		b.t.Errorf("answers %q, want one %q", got, want)
	}
}

// A mapping and a parameter update come in one reply: the mapping is served.
func TestFault_MappingAndParameterInOneReply(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	m, events := uuid.New(), forwardertest.Scan("det", 12, "w1", "w2")
	b.c.Assign(m, events, 10)
	version := uuid.New()
	b.c.Must("SET", forwardertest.KeyParameter("roi", version), "12")
	parameters := map[string]uuid.UUID{"roi": version}
	b.c.Update(forwardertest.Update{Mapping: m, Active: []string{"det"}}, forwardertest.Update{Mapping: m, Parameters: parameters})
	b.c.AwaitMapping(b.p.Name(), m)
	b.series(1, 10, 100)
	b.complete(patience, events, b.workers...)
	// And the end with a parameter update: it is answered.
	b.c.Update(forwardertest.Update{Mapping: m, Finished: true}, forwardertest.Update{Mapping: m, Parameters: parameters})
	b.answers(m)
	b.c.AwaitConfig(b.p.Name(), "the hash", func(c forwardertest.Config) bool {
		return c.ParametersHash != nil && *c.ParametersHash == hash(version)
	})
}

// Whatever stands in the upstream between scans, the next scan is complete.
func TestFault_JunkBetweenScans(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{settings: queue("8MiB", "5s")})
	b.again(1, b.workers...)
	junk := [][]byte{[]byte("junk"), make([]byte, 10000)}
	fed := make(chan struct{})
	b.feeds.Add(1)
	go func() {
		defer b.feeds.Done()
		defer close(fed)
		for range 3000 {
			b.send(junk)
		}
		b.send(startFrame(2))
		for i := range 20 {
			b.send(imageFrame(2, i, make([]byte, 1000)))
		}
		b.send(endFrame(2, 20))
	}()
	select { // either it takes the junk in, or the upstream waits until somebody asks
	case <-fed:
	case <-time.After(2 * time.Second):
	}
	for _, w := range b.workers {
		w.Forget()
	}
	events := forwardertest.Scan("det", 22, "w1", "w2")
	b.mapped(events)
	b.complete(patience, events, b.workers...)
	b.bounded(8)
}

// A dump path that can not be written is refused at the start, or reported
// while the scan goes on.
func TestFault_BadDumpPath(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{none: true, mayEnd: true, settings: func(s *forwardertest.Settings) { s.Dump = t.TempDir() + "/no/such/folder/x.cbors" }})
	registered := func() bool {
		_, ok := b.c.Config(b.p.Name())
		return ok
	}
	forwardertest.Within(patience, func() bool { return registered() || !b.p.Running() })
	if !registered() {
		if code := b.p.Wait(patience); code == 0 || code == -1 || code == 2 {
			t.Errorf("exit code %d for a bad dump path", code)
		}
		if !strings.Contains(b.p.Log(), "no/such/folder") {
			t.Errorf("the path is not named:\n%s", b.p.Log())
		}
		return
	}
	w1, w2 := b.worker(forwardertest.WorkerOptions{Name: "w1"}), b.worker(forwardertest.WorkerOptions{Name: "w2"})
	b.again(1, w1, w2)
	if !strings.Contains(b.p.Log(), "no/such/folder") {
		t.Errorf("the path is not named:\n%s", b.p.Log())
	}
}

// A dump_prefix that can not be written is reported, and the scan goes on.
func TestFault_BadDumpPrefix(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	version := uuid.New()
	b.c.Must("SET", forwardertest.KeyParameter("dump_prefix", version), t.TempDir()+"/no/such/folder/p-")
	b.c.Update(forwardertest.Update{Mapping: uuid.New(), Parameters: map[string]uuid.UUID{"dump_prefix": version}})
	b.c.AwaitConfig(b.p.Name(), "the hash", func(c forwardertest.Config) bool {
		return c.ParametersHash != nil && *c.ParametersHash == hash(version)
	})
	b.again(1, b.workers...)
	if !forwardertest.Within(patience, func() bool { return strings.Contains(b.p.Log(), "no/such/folder") }) {
		t.Error("the log does not name the path")
	}
}

// Large frames after any number of small ones do not stall the upstream: the
// bound on what libzmq holds is lowered while frames come.
func TestFault_LargeFramesAfterSmallOnes(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{settings: queue("8MiB", "5s")})
	for series, small := range []int{0, 13, 29, 30, 31, 47, 63, 120, 499, 500, 777} {
		for _, w := range b.workers {
			w.Forget()
		}
		const large = 150
		events := forwardertest.Scan("det", small+large+2, "w1", "w2")
		b.mapped(events)
		b.send(startFrame(series))
		for i := range small {
			b.send(imageFrame(series, i, []byte("abcd")))
		}
		// All that was sent is read, so that nothing acknowledges it later.
		forwardertest.Await(t, patience, "the small ones", func() bool { return b.workers[0].Count()+b.workers[1].Count() == small+2 })
		payload := make([]byte, 100_000)
		done := make(chan struct{})
		b.feeds.Add(1)
		go func() {
			defer b.feeds.Done()
			defer close(done)
			for i := range large {
				b.send(imageFrame(series, small+i, payload))
			}
			b.send(endFrame(series, small+large))
		}()
		b.complete(patience, events, b.workers...)
		if t.Failed() {
			t.Fatalf("after %d small frames", small)
		}
		<-done
		b.up.Cut() // the next series has a fresh connection
	}
}
