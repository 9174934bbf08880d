package control

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

var rewrite = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *rewrite {
		if err := os.WriteFile(path, []byte(got+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got+"\n" != string(want) {
		t.Errorf("%s:\ngot  %s\nwant %s", path, got, want)
	}
}

// unconnected is a follower that is not run.
func unconnected(t *testing.T, p *pump, meta string) *Follower {
	t.Helper()
	o := Options{RedisURL: "redis://localhost", Name: "x&y", URL: "tcp://host:10000", Streams: []string{"x", "y"}, Handler: p, Stats: p}
	if meta != "" {
		o.BuildMeta = json.RawMessage(meta)
	}
	f, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	f.service = uuid.MustParse("243de8ee-282d-456d-928f-31a1d3abbcbf")
	return f
}

func TestState_AtTheStart(t *testing.T) {
	got, err := unconnected(t, newPump(), "").state().encode()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "state_start.json", string(got))
}

func TestState_WithAllFields(t *testing.T) {
	p := newPump()
	p.processed = 20
	p.workers = []Worker{{Name: "w2", UUID: uuid.MustParse("100ee67d-f22b-4233-a5f7-22b7b482555e"), LastSeen: time.UnixMicro(1795299278599587)}}
	f := unconnected(t, p, `{"commit_hash": "abc"}`)
	f.mapping = uuid.MustParse("eb031988-3d86-4ce3-9cb5-1d9f510e2076")
	f.hash = hashOfNothing
	f.rate.value = 12.25
	got, err := f.state().encode()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "state_all.json", string(got))
}

func TestState_ServiceUUIDIsOfVersion4AndNewEachTime(t *testing.T) {
	a, b := unconnected(t, newPump(), ""), newRigless(t)
	if a.ServiceUUID().Version() != 4 || b.ServiceUUID().Version() != 4 || a.ServiceUUID() == b.ServiceUUID() {
		t.Errorf("service uuids %v, %v", a.ServiceUUID(), b.ServiceUUID())
	}
}

func newRigless(t *testing.T) *Follower {
	p := newPump()
	f, err := New(Options{RedisURL: "redis://localhost", Name: "n", URL: "tcp://h:1", Streams: []string{"x"}, Handler: p, Stats: p})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestRate_IsOfTheLastSecond(t *testing.T) {
	var r rate
	at := time.Unix(1000, 0)
	for _, c := range []struct {
		after     time.Duration
		processed uint64
		want      float64
	}{
		{0, 100, 0},                         // what was before does not count
		{500 * time.Millisecond, 150, 0},    // too early to say
		{time.Second, 200, 100},             //
		{1500 * time.Millisecond, 900, 100}, // stays until a second has passed
		{3 * time.Second, 500, 150},         // a late tick
		{4 * time.Second, 500, 0},           // idle
	} {
		r.update(at.Add(c.after), c.processed)
		if r.value != c.want {
			t.Errorf("after %v: %v, want %v", c.after, r.value, c.want)
		}
	}
}

func TestPublish_LivesTenSecondsAndIsRefreshedEachSecond(t *testing.T) {
	r := newRig(t).start()
	if f, _ := r.config()["event_rate"].(float64); f != 0 {
		t.Errorf("event_rate %v at the start", f)
	}
	before := r.f.Counts().Published
	lowest := keyLife
	r.eventually("three more publications", func() bool {
		ttl, err := r.c.PTTL(t.Context(), rigKey).Result()
		r.must(err)
		lowest = min(lowest, ttl)
		return r.f.Counts().Published >= before+3
	})
	if lowest < 7*time.Second {
		t.Errorf("life left fell to %v", lowest)
	}
	if ok, why := r.f.Ready(); !ok {
		t.Errorf("not ready: %s", why)
	}
}

func TestPublish_RateAndProcessedEvents(t *testing.T) {
	r := newRig(t).start()
	r.pump.mu.Lock()
	r.pump.processed = 5000
	r.pump.mu.Unlock()
	r.eventually("event_rate", func() bool { v, _ := r.config()["event_rate"].(float64); return v > 0 })
	if got := r.config()["processed_events"]; got != 5000.0 {
		t.Errorf("processed_events %v", got)
	}
	r.eventually("event_rate is 0 again", func() bool { return r.config()["event_rate"] == 0.0 })
}

func TestPublish_AtOnceWhenAWorkerAppears(t *testing.T) {
	r := newRig(t).start()
	id := uuid.New()
	// Many at once: each tick of a second could explain one of them only.
	for i := range 20 {
		before := r.f.Counts().Published
		r.pump.mu.Lock()
		r.pump.workers = []Worker{{Name: "w", UUID: id, LastSeen: time.Unix(int64(i), 0)}}
		r.pump.mu.Unlock()
		r.pump.appeared <- struct{}{}
		r.eventually("published", func() bool { return r.f.Counts().Published > before })
	}
	r.eventually("the worker is listed", func() bool {
		list, _ := r.config()["connected_workers"].(map[string]any)
		w, _ := list[id.String()].(map[string]any)
		return w["name"] == "w" && w["service_uuid"] == id.String() && w["last_seen"] == 19.0
	})
}

func TestRun_DeletesTheStateAtItsEnd(t *testing.T) {
	r := newRig(t).start()
	if r.config() == nil {
		t.Fatal("no state")
	}
	r.must(r.stop())
	if got := r.config(); got != nil {
		t.Errorf("the state is still there: %v", got)
	}
	if s := r.logs.String(); strings.Contains(s, "level=warning") {
		t.Errorf("warnings of an orderly life:\n%s", s)
	}
}

func TestRun_EndsWithRedisHangingAndTheStateGoesWhenItAnswers(t *testing.T) {
	r := newRig(t).start()
	r.server.Pause()
	began := time.Now()
	r.must(r.stop())
	if d := time.Since(began); d > 15*time.Second {
		t.Errorf("Run took %v to end", d)
	}
	r.server.Resume()
	r.eventually("the state is deleted though we have gone", func() bool {
		n, err := r.c.Exists(t.Context(), rigKey).Result()
		return err == nil && n == 0
	})
}

func TestRun_EndsWithoutRedis(t *testing.T) {
	r := newRig(t).start()
	r.server.Stop()
	r.must(r.stop())
}
