package main_test

import (
	"testing"
	"time"

	"ingestor/internal/forwardertest"
)

// scanWhile runs a scan of 22 events, of which all but the first are sent, and have to
// be delivered, after what happens then.
func (b *bench) scanWhile(happens func()) {
	b.t.Helper()
	events := forwardertest.Scan("det", 22, "w1", "w2")
	b.mapped(events)
	b.send(startFrame(1))
	forwardertest.Await(b.t, patience, "the first event", func() bool { return b.workers[0].Count() == 1 })
	happens()
	for i := range 20 {
		b.send(imageFrame(1, i, []byte("abcd")))
	}
	b.send(endFrame(1, 20))
	b.complete(patience, events, b.workers...)
}

// Redis is gone and comes back empty: what was assigned is delivered meanwhile,
// the config is back, the next mapping works.
func TestFault_RedisRestartsEmpty(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	b.scanWhile(b.redis.Stop)
	time.Sleep(time.Second)
	b.redis.Restart(false)
	b.c.Close() // connects again
	b.c.AwaitConfigWithin(8*time.Second, b.p.Name(), "published again", func(forwardertest.Config) bool { return true })
	b.again(2, b.workers...)
	if cpu := b.p.CPU(); !raceDetector && cpu > 3*time.Second {
		t.Errorf("it has used %s of processor time", cpu)
	}
}

// Redis is gone and comes back with its data: nothing is delivered twice.
func TestFault_RedisRestartsWithItsData(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	events := forwardertest.Scan("det", 42, "w1", "w2")
	m := b.mapped(events[:20])
	b.send(startFrame(1))
	for i := range 10 {
		b.send(imageFrame(1, i, []byte("abcd")))
	}
	forwardertest.Await(t, patience, "the first events", func() bool { return b.workers[0].Count()+b.workers[1].Count() == 12 })
	b.redis.Restart(true)
	b.c.Close() // connects again
	b.c.Assign(m, events[20:], 5)
	for i := 10; i < 40; i++ {
		b.send(imageFrame(1, i, []byte("abcd")))
	}
	b.send(endFrame(1, 40))
	b.complete(patience, events, b.workers...)
	b.c.Update(forwardertest.Update{Mapping: m, Finished: true})
	b.answers(m)
	b.again(2, b.workers...)
}

// Redis hangs: what was assigned is delivered, and the config is fresh within
// 3 s after it answers again.
func TestFault_RedisHangs(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	b.scanWhile(b.redis.Pause)
	time.Sleep(4 * time.Second)
	b.redis.Resume()
	b.c.AwaitConfigWithin(3*time.Second, b.p.Name(), "fresh", func(c forwardertest.Config) bool {
		ttl, _ := b.c.Must("TTL", forwardertest.KeyConfig(b.p.Name())).(int64)
		return c.Processed == 22 && ttl >= 9
	})
	b.again(2, b.workers...)
}

// Redis is emptied: the config is back, the next mapping works.
func TestFault_RedisEmptied(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	b.again(1, b.workers...)
	b.c.Must("FLUSHALL")
	b.c.AwaitConfigWithin(8*time.Second, b.p.Name(), "published again", func(forwardertest.Config) bool { return true })
	b.again(2, b.workers...)
}
