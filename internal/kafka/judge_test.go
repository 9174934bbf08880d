package kafka

import (
	"testing"
	"time"
)

func TestPartition_IsStuckOnlyWhenSure(t *testing.T) {
	const stall = 30 * time.Second
	start := time.Unix(1_000_000, 0)
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	// A partition from which nothing came for 100 s, though there are 10 messages.
	begun := func(change func(p *partition)) *partition {
		p := newPartition(start)
		p.polled = 4
		p.ended(10, at(15))
		p.ended(10, at(90))
		p.told(at(95), "active", 5)
		change(p)
		return p
	}
	fresh := func(change func(p *partition)) *partition {
		return begun(func(p *partition) {
			p.polled = unknown
			change(p)
		})
	}
	for name, c := range map[string]struct {
		p    *partition
		want verdict
	}{
		"messages, and none comes":            {begun(func(*partition) {}), stuck},
		"stopped at the end":                  {begun(func(p *partition) { p.told(at(95), "stopped", 10) }), stuck},
		"nobody was asked since":              {begun(func(p *partition) { p.askedAt = at(-1) }), fine},
		"nobody was asked ever":               {begun(func(p *partition) { p.ends = ends{end: unknown} }), fine},
		"all came":                            {begun(func(p *partition) { p.polled = 9 }), fine},
		"what there is was sent a moment ago": {begun(func(p *partition) { p.endAt = at(80) }), fine},
		"read to the end, but not delivered":  {begun(func(p *partition) { p.told(at(95), "active", 10) }), doubtful},
		"sought, and nothing told since":      {begun(func(p *partition) { p.sought = at(0); p.toldAt = at(1) }), fine},
		"sought, and still not read":          {begun(func(p *partition) { p.sought = at(0) }), stuck},
		"sought, and read to the end":         {begun(func(p *partition) { p.sought = at(0); p.told(at(95), "active", 10) }), fine},
		"known to hold no more messages":      {begun(func(p *partition) { p.empty = 10 }), fine},
		"never began":                         {fresh(func(*partition) {}), stuck},
		"never began, committed to the end":   {fresh(func(p *partition) { p.committed = 10 }), fine},
		"never began, nothing kept":           {fresh(func(p *partition) { p.low = 10 }), fine},
		"never began, but reads at the end":   {fresh(func(p *partition) { p.told(at(95), "active", 10) }), fine},
		"never began, and nothing told":       {fresh(func(p *partition) { p.toldAt = time.Time{} }), fine},
	} {
		if got := c.p.judge(start, at(100), stall); got != c.want {
			t.Errorf("%s: %d, not %d", name, got, c.want)
		}
		if got := c.p.judge(at(80), at(100), stall); got != fine {
			t.Errorf("%s, 20 s after the last message: %d", name, got)
		}
	}
}

func TestPartition_KnowsWhereNothingIsLeft(t *testing.T) {
	const stall = 30 * time.Second
	start := time.Unix(1_000_000, 0)
	now := start.Add(100 * time.Second)
	p := newPartition(start)
	p.polled, p.sought = 4, start
	p.ended(6, start.Add(time.Second))
	p.told(now, "active", 6)
	if p.judge(start, now, stall) != fine || p.next() != 6 || !p.sought.IsZero() {
		t.Fatalf("the end of a transaction is not passed: next %d", p.next())
	}
	p.ended(7, now)
	p.ended(7, now.Add(stall))
	p.told(now.Add(stall), "active", 6)
	if got := p.judge(now.Add(-stall), now.Add(stall), stall); got != stuck {
		t.Errorf("a message behind it is not missed: %d", got)
	}
}

func TestPartition_AnEndIsAsOldAsItsFirstWord(t *testing.T) {
	start := time.Unix(0, 0)
	p := newPartition(start)
	p.ended(5, start)
	p.ended(8, start.Add(time.Second))
	if p.end != 5 || !p.endAt.Equal(start) || !p.askedAt.Equal(start.Add(time.Second)) {
		t.Errorf("%+v", p.ends)
	}
	p.polled = 4
	p.ended(8, start.Add(time.Minute))
	if p.end != 8 || !p.endAt.Equal(start.Add(time.Minute)) {
		t.Errorf("%+v", p.ends)
	}
	p.ended(2, start.Add(time.Hour)) // the topic was made anew
	if p.end != 2 || !p.endAt.Equal(start.Add(time.Hour)) {
		t.Errorf("%+v", p.ends)
	}
}

func TestStalls_OfASeriesMakePatient(t *testing.T) {
	var s stalls
	now := time.Unix(1_000_000, 0)
	for i := range 8 {
		if got, want := s.patience(time.Second, now), time.Second<<min(i, stallDoublings); got != want {
			t.Errorf("after %d: %s, not %s", i, got, want)
		}
		s.add(2, now)
	}
	if s.count != 16 {
		t.Errorf("%d are counted", s.count)
	}
	now = now.Add(2 * stallCalm)
	if got := s.patience(time.Second, now); got != time.Second {
		t.Errorf("%s after a calm", got)
	}
	if s.add(1, now); s.patience(time.Second, now) != 2*time.Second {
		t.Error("a new series does not begin")
	}
}
