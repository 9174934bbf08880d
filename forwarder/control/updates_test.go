package control

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"
)

const finishedAnswer = `{"state":"finished","source":"ingester","ingester":"x-ingester"}`

func TestUpdates_TheLastOneBeforeTheStartIsNotHandled(t *testing.T) {
	r := newRig(t)
	old, next := uuid.New(), uuid.New()
	r.write(entry{mapping: old, active: []string{"x"}, finished: true})
	r.start()
	r.write(entry{mapping: next, active: []string{"x"}})
	r.acknowledged(next)
	r.wants("begin " + short(next) + " [x]")
}

func TestUpdates_AMappingIsBegunAcknowledgedAndFinished(t *testing.T) {
	r := newRig(t).start()
	id := uuid.New()
	r.write(entry{mapping: id, active: []string{"foreign", "y", "x"}})
	r.acknowledged(id)
	r.write(entry{mapping: id, finished: true})
	r.wants("begin " + short(id) + " [x y]; finish " + short(id))
	r.eventually("the answer", func() bool { return len(r.ready(id)) == 1 })
	if got := r.ready(id)[0]; got != finishedAnswer {
		t.Errorf("answer %s, want %s", got, finishedAnswer)
	}
	if r.f.Mapping() != id {
		t.Errorf("Mapping() = %v", r.f.Mapping())
	}
}

func TestUpdates_ALateJoinerAdoptsTheMappingSendsNothingAndAnswersFinished(t *testing.T) {
	r := newRig(t).start()
	id := uuid.New()
	r.assign(id, one(1, `"x":["w1"]`))
	r.write(entry{mapping: id})
	r.acknowledged(id)
	r.write(entry{mapping: id, active: []string{"x"}}) // of the same mapping: not regarded
	r.write(entry{mapping: id, finished: true})
	r.eventually("the answer", func() bool { return len(r.ready(id)) == 1 })
	r.wants("begin " + short(id) + " []; finish " + short(id))
	if got := r.pump.delivered(id); got != "" {
		t.Errorf("delivered %s", got)
	}
}

func TestUpdates_ALateJoinerMayHearOfAScanByItsEnd(t *testing.T) {
	r := newRig(t).start()
	id := uuid.New()
	r.write(entry{mapping: id, finished: true})
	r.eventually("the answer", func() bool { return len(r.ready(id)) == 1 })
	r.wants("begin " + short(id) + " []; finish " + short(id))
}

func TestUpdates_MappingAndParameterInOneReply(t *testing.T) {
	r := newRig(t).start()
	id, version := uuid.New(), uuid.New()
	r.must(r.c.Set(t.Context(), "dranspose:parameters:roi:"+version.String(), "1", 0).Err())
	r.write(entry{mapping: id, active: []string{"x"}}, entry{mapping: id, parameters: map[string]uuid.UUID{"roi": version}})
	r.assign(id, one(0, `"x":["w1"]`))
	r.acknowledged(id)
	r.wants("begin " + short(id) + " [x]")
	r.wantsEvents(id, "0[w1]")
}

func TestUpdates_FinishedAndParameterInOneReply(t *testing.T) {
	r := newRig(t).start()
	id := uuid.New()
	r.write(entry{mapping: id, active: []string{"x"}})
	r.acknowledged(id)
	r.write(entry{mapping: id, finished: true}, entry{mapping: id})
	r.eventually("the answer", func() bool { return len(r.ready(id)) == 1 })
}

func TestUpdates_OfTwoMappingsInOneReplyOnlyTheLastIsServed(t *testing.T) {
	r := newRig(t).start()
	a, b := uuid.New(), uuid.New()
	r.write(entry{mapping: a, active: []string{"x"}}, entry{mapping: a, finished: true},
		entry{mapping: b, active: []string{"y"}}, entry{mapping: b})
	r.acknowledged(b)
	r.wants("begin " + short(b) + " [y]")
	if got := r.ready(a); len(got) > 0 {
		t.Errorf("answered for a mapping that was not served: %v", got)
	}
	if c := r.f.Counts(); c.SupersededMappings != 1 || c.Mappings != 1 || c.Updates != 4 {
		t.Errorf("counts %+v", c)
	}
}

func TestUpdates_EndOfOneMappingAndTheNextInOneReply(t *testing.T) {
	r := newRig(t).start()
	a, b := uuid.New(), uuid.New()
	r.write(entry{mapping: a, active: []string{"x"}})
	r.acknowledged(a)
	r.write(entry{mapping: a, finished: true}, entry{mapping: b, active: []string{"y"}})
	r.acknowledged(b)
	r.wants("begin " + short(a) + " [x]; finish " + short(a) + "; begin " + short(b) + " [y]")
	if got := r.ready(a); len(got) != 1 {
		t.Errorf("answers %v", got)
	}
}

func TestUpdates_NoActiveStreams(t *testing.T) {
	r := newRig(t).start()
	a, b := uuid.New(), uuid.New()
	r.write(entry{mapping: a, active: []string{"x"}})
	r.acknowledged(a)
	r.write(entry{mapping: b, active: []string{"foreign"}})
	r.assign(b, one(0, `"x":["w1"]`))
	r.acknowledged(b)
	r.wants("begin " + short(a) + " [x]; begin " + short(b) + " []")
}

func TestUpdates_MalformedOnesAreSkipped(t *testing.T) {
	r := newRig(t).start()
	id := uuid.New()
	good := entry{mapping: id, active: []string{"x"}}.json()
	v1 := "0d78c656-113c-12e9-9613-87c61d85fb3a"
	bad := []string{
		``, `{`, `[]`, `null`, `{}`, "\xff", good + "x",
		`{"mapping_uuid":null,"parameters_version":{}}`,
		`{"mapping_uuid":"` + v1 + `","parameters_version":{}}`,
		`{"mapping_uuid":"none","parameters_version":{}}`,
		`{"mapping_uuid":"` + id.String() + `"}`,
		strings.Replace(good, "{}", `{"a":"b"}`, 1),
		strings.Replace(good, `["x"]`, `["x",1]`, 1),
		strings.Replace(good, `false`, `"false"`, 1),
		strings.Repeat("[", 100000),
	}
	r.writeRaw(bad...)
	r.must(r.c.Do(t.Context(), "XADD", updatesKey, "*", "other", "field").Err())
	r.eventually("all are skipped", func() bool { return r.f.Counts().MalformedUpdates == uint64(len(bad))+1 })
	r.writeRaw(`{"x":1}`, good, `{"finished":true}`)
	r.acknowledged(id)
	r.wants("begin " + short(id) + " [x]")
	if n := strings.Count(r.logs.String(), "malformed update"); n < len(bad)+1 {
		t.Errorf("%d warnings for %d malformed updates", n, len(bad)+1)
	}
}

func TestUpdates_AcknowledgedOnlyAfterTheOldWorkHasEnded(t *testing.T) {
	r := newRig(t)
	r.pump.holdBegin = make(chan struct{})
	r.start()
	id := uuid.New()
	r.write(entry{mapping: id, active: []string{"x"}})
	r.wants("begin " + short(id) + " [x]")
	before := r.f.Counts().Published
	r.eventually("publishing goes on", func() bool { return r.f.Counts().Published >= before+2 })
	if got := r.config()["mapping_uuid"]; got != nil {
		t.Errorf("the state names %v while Begin is under way", got)
	}
	close(r.pump.holdBegin)
	r.acknowledged(id)
}

func TestUpdates_PublishingDoesNotWaitForFinishOrAssign(t *testing.T) {
	r := newRig(t)
	r.pump.holdFinish, r.pump.holdAssign = make(chan struct{}), make(chan struct{})
	r.start()
	id := uuid.New()
	r.write(entry{mapping: id, active: []string{"x"}})
	r.assign(id, one(0, `"x":["w1"]`))
	r.wantsEvents(id, "0[w1]")
	r.write(entry{mapping: id, finished: true})
	r.wants("begin " + short(id) + " [x]; finish " + short(id))
	before := r.f.Counts().Published
	r.eventually("publishing goes on", func() bool { return r.f.Counts().Published >= before+2 })
	if got := r.ready(id); len(got) > 0 {
		t.Error("answered before Finish has returned")
	}
	if r.f.Lag() == 0 {
		t.Error("no lag while the pump takes no assignments")
	}
	close(r.pump.holdFinish)
	r.eventually("the answer", func() bool { return len(r.ready(id)) == 1 })
	close(r.pump.holdAssign)
	r.eventually("no lag", func() bool { return r.f.Lag() == 0 })
}

func TestUpdates_ABlockedAssignDoesNotHoldTheNextMapping(t *testing.T) {
	r := newRig(t)
	r.pump.holdAssign = make(chan struct{})
	r.start()
	a, b := uuid.New(), uuid.New()
	r.write(entry{mapping: a, active: []string{"x"}})
	r.assign(a, one(0, `"x":["w1"]`))
	r.wantsEvents(a, "0[w1]")
	r.write(entry{mapping: b, active: []string{"x"}})
	r.acknowledged(b)
}

func TestRun_ReturnsTheErrorOfTheHandler(t *testing.T) {
	r := newRig(t)
	broken := errors.New("broken")
	r.pump.failBegin = broken
	done := make(chan error, 1)
	go func() { done <- r.f.Run(t.Context()) }()
	r.eventually("the state is published", func() bool { return r.f.published.Load() != 0 })
	r.write(entry{mapping: uuid.New(), active: []string{"x"}})
	if err := <-done; !errors.Is(err, broken) {
		t.Errorf("Run: %v", err)
	}
	if r.config() != nil {
		t.Error("the state was not deleted")
	}
}
