package control

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
)

func (r *rig) mapped(streams ...string) uuid.UUID {
	r.t.Helper()
	id := uuid.New()
	r.write(entry{mapping: id, active: streams})
	r.acknowledged(id)
	return id
}

func TestAssignments_FromTheBeginningOfTheStream(t *testing.T) {
	r := newRig(t).start()
	id := uuid.New()
	r.assign(id, one(0, `"x":["w1","w2"],"y":["w1","w2"]`), one(1, `"x":["w1"]`))
	r.write(entry{mapping: id, active: []string{"x", "y"}})
	r.wantsEvents(id, "0[w1 w2][w1 w2] 1[w1]-")
	r.assign(id, one(2, `"foreign":["w1"]`), one(3, `"y":[]`))
	r.wantsEvents(id, "0[w1 w2][w1 w2] 1[w1]- 3-[]")
	if c := r.f.Counts(); c.Assignments != 4 || c.Entries != 4 || c.RepeatedEvents != 0 {
		t.Errorf("counts %+v", c)
	}
}

func TestAssignments_OnlyActiveStreamsCount(t *testing.T) {
	r := newRig(t).start()
	id := r.mapped("y")
	r.assign(id, one(0, `"x":["w1"]`), one(1, `"x":["w1"],"y":["w2"]`))
	r.wantsEvents(id, "1[w2]")
}

func TestAssignments_EachMappingHasItsOwn(t *testing.T) {
	r := newRig(t).start()
	a := r.mapped("x")
	r.assign(a, one(0, `"x":["w1"]`), one(1, `"x":["w1"]`))
	r.wantsEvents(a, "0[w1] 1[w1]")
	b := r.mapped("x")
	r.assign(a, one(2, `"x":["w1"]`))
	r.assign(b, one(0, `"x":["w2"]`))
	r.wantsEvents(b, "0[w2]")
	if got := r.pump.delivered(a); got != "0[w1] 1[w1]" {
		t.Errorf("of the mapping before: %s", got)
	}
}

func TestAssignments_LargeEntriesAndManySmallOnes(t *testing.T) {
	r := newRig(t).start()
	id := uuid.New()
	const n = 10000
	r.assign(id, string(large(n, "x")))
	_, err := r.c.Pipelined(t.Context(), func(p redis.Pipeliner) error {
		for i := n; i < 2*n; i++ {
			p.XAdd(t.Context(), &redis.XAddArgs{Stream: assignedKey(id), Values: []string{"data", one(i, `"x":["w"]`)}})
		}
		return nil
	})
	r.must(err)
	r.write(entry{mapping: id, active: []string{"x"}})
	r.eventually("all events", func() bool { r.pump.mu.Lock(); defer r.pump.mu.Unlock(); return len(r.pump.events[id]) == 2*n })
	if got := r.pump.delivered(id); !strings.HasPrefix(got, "0[w0] 1[w0]") || !strings.HasSuffix(got, " 19999[w]") {
		t.Errorf("delivered %.40s...", got)
	}
}

func TestAssignments_RepeatedAndBackwardEventsAreLeftOutAndCounted(t *testing.T) {
	r := newRig(t).start()
	id := r.mapped("x")
	r.assign(id, one(0, `"x":["w"]`), one(1, `"x":["w"]`), one(1, `"x":["w"]`), one(0, `"x":["w"]`), one(2, `"x":["w"]`))
	r.wantsEvents(id, "0[w] 1[w] 2[w]")
	if c := r.f.Counts(); c.RepeatedEvents != 2 {
		t.Errorf("%d repeated events, want 2", c.RepeatedEvents)
	}
}

func TestAssignments_AMalformedEntryStopsItsMappingOnly(t *testing.T) {
	r := newRig(t).start()
	a := r.mapped("x")
	r.assign(a, one(0, `"x":["w"]`), `[{"event_number":1}]`, one(2, `"x":["w"]`), `nonsense`)
	r.eventually("the entry is found", func() bool { return r.f.Counts().MalformedAssignments == 1 })
	b := r.mapped("x")
	r.must(r.c.Do(t.Context(), "XADD", assignedKey(b), "*", "text", "[]").Err()) // no field data
	r.eventually("the entry is found", func() bool { return r.f.Counts().MalformedAssignments == 2 })
	c := r.mapped("x")
	r.assign(c, one(7, `"x":["w"]`))
	r.wantsEvents(c, "7[w]")
	if got := r.pump.delivered(a) + "|" + r.pump.delivered(b); got != "0[w]|" {
		t.Errorf("delivered %s", got)
	}
	entries, err := r.c.XRange(t.Context(), assignedKey(a), "-", "+").Result()
	r.must(err)
	log := r.logs.String()
	if n := strings.Count(log, "level=error"); n != 2 {
		t.Errorf("%d errors, want one for each mapping:\n%s", n, log)
	}
	if !strings.Contains(log, "entry="+entries[1].ID) || !strings.Contains(log, "assignments is missing") {
		t.Errorf("the error does not name entry and reason:\n%s", log)
	}
}

func TestAssignments_AKeyOfAnotherTypeIsWaitedFor(t *testing.T) {
	r := newRig(t).start()
	id := uuid.New()
	r.must(r.c.Set(t.Context(), assignedKey(id), "text", 0).Err())
	r.write(entry{mapping: id, active: []string{"x"}})
	r.acknowledged(id)
	r.eventually("it is told", func() bool { return strings.Contains(r.logs.String(), "WRONGTYPE") })
	r.must(r.c.Del(t.Context(), assignedKey(id)).Err())
	r.assign(id, one(0, `"x":["w"]`))
	r.wantsEvents(id, "0[w]")
}
