package control

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"ingestor/internal/redistest"
)

// The times of these tests are promises of the protocol, section 10.

func TestOutage_StartedWithoutRedis(t *testing.T) {
	r := newRig(t)
	r.server.Stop()
	r.launch()
	r.eventually("it is told", func() bool { return strings.Contains(r.logs.String(), "Redis can not be used") })
	if ok, why := r.f.Ready(); ok || why == "" {
		t.Errorf("ready without Redis: %v %q", ok, why)
	}
	r.server.Restart(false)
	r.eventually("the state is published", func() bool { return r.config() != nil })
	id := r.mapped("x")
	r.assign(id, one(0, `"x":["w"]`))
	r.wantsEvents(id, "0[w]")
	if r.f.Counts().Reconnects == 0 {
		t.Error("no reconnect is counted")
	}
}

func TestOutage_RestartWithItsDataDeliversNothingTwice(t *testing.T) {
	r := newRig(t).start()
	id := r.mapped("x")
	r.assign(id, one(0, `"x":["w"]`), one(1, `"x":["w"]`))
	r.wantsEvents(id, "0[w] 1[w]")
	r.server.Restart(true)
	r.assign(id, one(2, `"x":["w"]`))
	r.wantsEvents(id, "0[w] 1[w] 2[w]")
	r.write(entry{mapping: id, finished: true})
	r.eventually("the answer", func() bool { return len(r.ready(id)) == 1 })
	r.wants("begin " + short(id) + " [x]; finish " + short(id))
}

func TestOutage_RestartEmptyPublishesAgainAndServesTheNextMapping(t *testing.T) {
	r := newRig(t).start()
	a := r.mapped("x")
	r.assign(a, one(0, `"x":["w"]`))
	r.wantsEvents(a, "0[w]")
	r.server.Restart(false)
	r.eventually("the state is back", func() bool { return r.config()["mapping_uuid"] == a.String() })
	b := r.mapped("x", "y")
	r.assign(b, one(0, `"y":["w"]`))
	r.wantsEvents(b, "0-[w]")
	r.wants("begin " + short(a) + " [x]; begin " + short(b) + " [x y]")
}

func TestOutage_UnresponsiveThenRefreshed(t *testing.T) {
	r := newRig(t).start()
	a := r.mapped("x")
	r.server.Pause()
	r.eventually("it is told", func() bool { return strings.Contains(r.logs.String(), "Redis can not be used") })
	before := r.f.Counts().Published
	time.Sleep(3 * time.Second) // attempts get as rare as they ever do
	r.server.Resume()
	r.eventually("the state is refreshed", func() bool { return r.f.Counts().Published > before })
	r.assign(a, one(0, `"x":["w"]`))
	r.wantsEvents(a, "0[w]")
}

func TestOutage_AssignmentsAlreadyReadAreThePumps(t *testing.T) {
	r := newRig(t)
	r.pump.holdAssign = make(chan struct{})
	r.start()
	id := r.mapped("x")
	r.assign(id, one(0, `"x":["w"]`))
	r.wantsEvents(id, "0[w]") // handed over, not accepted
	r.server.Stop()
	r.eventually("it is told", func() bool { return strings.Contains(r.logs.String(), "Redis can not be used") })
	close(r.pump.holdAssign)
	r.eventually("accepted", func() bool { return r.f.Lag() == 0 })
	r.server.Restart(true)
	r.assign(id, one(1, `"x":["w"]`))
	r.wantsEvents(id, "0[w] 1[w]")
}

// addAt writes an update with an id of its own, as a server whose clock is
// behind would.
func (r *rig) addAt(key, id, text string) {
	r.t.Helper()
	r.must(r.c.XAdd(r.t.Context(), &redis.XAddArgs{Stream: key, ID: id, Values: []string{"data", text}}).Err())
}

func TestOutage_EmptyWithOlderIdsIsFollowedFromItsBeginning(t *testing.T) {
	r := newRig(t).start()
	a, b, c := r.mapped("x"), uuid.New(), uuid.New()
	r.server.Stop()
	r.server.Restart(false)
	r.addAt(updatesKey, "5-0", entry{mapping: b, active: []string{"y"}}.json())
	r.acknowledged(b)
	r.addAt(updatesKey, "5-1", entry{mapping: c, active: []string{"x"}}.json())
	r.acknowledged(c)
	r.wants("begin " + short(a) + " [x]; begin " + short(b) + " [y]; begin " + short(c) + " [x]")
}

func TestOutage_AFlushWithOlderIdsIsNoticedWithoutADisconnection(t *testing.T) {
	r := newRig(t).start()
	a, b := r.mapped("x"), uuid.New()
	r.must(r.c.FlushAll(t.Context()).Err())
	r.addAt(updatesKey, "5-0", entry{mapping: b, active: []string{"y"}}.json())
	r.acknowledged(b)
	r.wants("begin " + short(a) + " [x]; begin " + short(b) + " [y]")
}

func TestOutage_BackWithOldDataHandlesNothingAgain(t *testing.T) {
	r := newRig(t).start()
	first, a, b, c := uuid.New(), uuid.New(), uuid.New(), uuid.New()
	r.addAt(updatesKey, "5-0", entry{mapping: first}.json())
	r.addAt(updatesKey, "6-0", entry{mapping: a, active: []string{"x"}}.json())
	r.acknowledged(a)
	r.addAt(updatesKey, "9-0", entry{mapping: b, active: []string{"x"}}.json())
	r.acknowledged(b)
	calls := r.pump.transcript()
	// As from a snapshot taken before the last update.
	r.must(r.c.XDel(t.Context(), updatesKey, "9-0").Err())
	r.must(r.c.Do(t.Context(), "XSETID", updatesKey, "6-0").Err())
	r.server.Restart(true)
	r.acknowledged(b)
	r.addAt(updatesKey, "8-0", entry{mapping: c, active: []string{"y"}}.json())
	r.acknowledged(c)
	r.wants(calls + "; begin " + short(c) + " [y]")
}

func TestOutage_AssignedStreamWrittenAnewIsReadWithoutRepeats(t *testing.T) {
	r := newRig(t).start()
	id := r.mapped("x")
	r.assign(id, one(0, `"x":["w"]`), one(1, `"x":["w"]`))
	r.wantsEvents(id, "0[w] 1[w]")
	r.server.Restart(false)
	for i, at := range []string{"3-0", "4-0", "5-0"} {
		r.addAt(assignedKey(id), at, one(i, `"x":["w"]`))
	}
	r.wantsEvents(id, "0[w] 1[w] 2[w]")
}

func TestOutage_UpdatesOfAnotherTypeAreWaitedFor(t *testing.T) {
	r := newRig(t).start()
	r.must(r.c.Set(t.Context(), updatesKey, "text", 0).Err())
	before := r.f.Counts().Published
	r.eventually("publishing goes on", func() bool { return r.f.Counts().Published > before+1 })
	r.eventually("it is told", func() bool { return strings.Contains(r.logs.String(), "WRONGTYPE") })
	r.must(r.c.Del(t.Context(), updatesKey).Err())
	r.eventually("back", func() bool { return strings.Contains(r.logs.String(), "Redis is back") })
	r.mapped("x")
}

const secret = "s3cr-t/#p@ss"

func TestOutage_PasswordIsGivenAndNeverLogged(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{Password: secret})
	r := newRigOn(t, server).start()
	r.mapped("x")
	r.server.Stop()
	r.eventually("it is told", func() bool { return strings.Contains(r.logs.String(), "Redis can not be used") })
	r.server.Restart(false)
	r.eventually("the state is back", func() bool { return r.config() != nil })
	r.must(r.stop())
	if r.config() != nil {
		t.Error("the state was not deleted")
	}
	if strings.Contains(r.logs.String(), "s3cr") {
		t.Errorf("the password is in the log:\n%s", r.logs)
	}
}

func TestOutage_AWrongOrMissingPasswordIsTriedAgainAndNeverLogged(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{Password: "right"})
	for _, url := range []string{"redis://" + server.Addr(), "redis://:s3cr-wrong@" + server.Addr() + "/3"} {
		r := newRigOn(t, server, func(o *Options) { o.RedisURL = url })
		r.launch()
		r.eventually("it is told", func() bool { return strings.Contains(r.logs.String(), "Redis can not be used") })
		if ok, _ := r.f.Ready(); ok {
			t.Error("ready without access")
		}
		r.must(r.stop())
		if strings.Contains(r.logs.String(), "s3cr") {
			t.Errorf("the password is in the log:\n%s", r.logs)
		}
	}
}
