package control

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"github.com/google/uuid"
)

const hashOfNothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

func TestParameters_HashIsOverVersionsInTheOrderOfNames(t *testing.T) {
	p := newParameters(nil)
	if got := p.hash(); got != hashOfNothing {
		t.Errorf("hash of no parameters %s", got)
	}
	names := []string{"Z", "a", "b", "\u00e9", "\U0001F600"}
	sum := sha256.New()
	for i := range names {
		id := uuid.New()
		p.held[names[len(names)-1-i]] = parameter{version: id}
	}
	for _, n := range names {
		v := p.held[n].version
		sum.Write(v[:])
	}
	if got, want := p.hash(), hex.EncodeToString(sum.Sum(nil)); got != want {
		t.Errorf("hash %s, want %s", got, want)
	}
}

func (r *rig) setParameter(name string, value string) uuid.UUID {
	r.t.Helper()
	v := uuid.New()
	r.must(r.c.Set(r.t.Context(), "dranspose:parameters:"+name+":"+v.String(), value, 0).Err())
	return v
}

func hashOf(versions ...uuid.UUID) string {
	h := sha256.New()
	for _, v := range versions {
		h.Write(v[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}

func (r *rig) hash(want string) {
	r.t.Helper()
	r.eventually("parameters_hash is "+want, func() bool { return r.config()["parameters_hash"] == want })
}

func TestParameters_NullBeforeTheFirstUpdateThenOfWhatIsHeld(t *testing.T) {
	r := newRig(t).start()
	if got, there := r.config()["parameters_hash"]; got != nil || !there {
		t.Errorf("parameters_hash %v before the first update", got)
	}
	id := uuid.New()
	r.write(entry{mapping: id})
	r.hash(hashOfNothing)
	a, b := r.setParameter("a", "1"), r.setParameter("b", "2")
	r.write(entry{mapping: id, parameters: map[string]uuid.UUID{"b": b, "a": a}})
	r.hash(hashOf(a, b))
	// Never removed, only replaced.
	a2 := r.setParameter("a", "3")
	r.write(entry{mapping: id, parameters: map[string]uuid.UUID{"a": a2}})
	r.hash(hashOf(a2, b))
	r.write(entry{mapping: id})
	r.hash(hashOf(a2, b))
}

func TestParameters_OneThatIsMissingLeavesTheHashWrongUntilRepeated(t *testing.T) {
	r := newRig(t).start()
	id := uuid.New()
	old := r.setParameter("a", "1")
	r.write(entry{mapping: id, parameters: map[string]uuid.UUID{"a": old}})
	r.hash(hashOf(old))
	absent, wrong := uuid.New(), uuid.New()
	r.must(r.c.RPush(t.Context(), "dranspose:parameters:w:"+wrong.String(), "a list").Err())
	u := entry{mapping: id, parameters: map[string]uuid.UUID{"a": absent, "w": wrong}}
	r.write(u, u)
	r.eventually("both updates are read", func() bool { return r.f.Counts().Updates == 3 })
	r.hash(hashOf(old))
	for _, key := range []string{"a:" + absent.String(), "w:" + wrong.String()} {
		r.must(r.c.Del(t.Context(), "dranspose:parameters:"+key).Err())
		r.must(r.c.Set(t.Context(), "dranspose:parameters:"+key, "2", 0).Err())
	}
	r.write(u)
	r.hash(hashOf(absent, wrong))
}

func TestParameters_OfTheSameUpdateReachTheMappingAsRawBytes(t *testing.T) {
	r := newRig(t).start()
	a, b := uuid.New(), uuid.New()
	raw := "\x00\xff\r\n/data/"
	v := r.setParameter("dump_prefix", raw)
	r.write(entry{mapping: a, active: []string{"x"}, parameters: map[string]uuid.UUID{"dump_prefix": v}})
	r.acknowledged(a)
	w := r.setParameter("dump_prefix", "")
	r.write(entry{mapping: a, parameters: map[string]uuid.UUID{"dump_prefix": w}}, entry{mapping: b})
	r.acknowledged(b)
	r.pump.mu.Lock()
	defer r.pump.mu.Unlock()
	if got := r.pump.begun[0].Parameters["dump_prefix"]; string(got) != raw {
		t.Errorf("first mapping: dump_prefix %q", got)
	}
	if got, held := r.pump.begun[1].Parameters["dump_prefix"]; len(got) != 0 || !held {
		t.Errorf("second mapping: dump_prefix %q", got)
	}
}
