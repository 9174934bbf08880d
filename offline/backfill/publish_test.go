package backfill

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"ingestor/internal/fault"
	"ingestor/internal/ledger"
)

func containsText(s, part string) bool { return strings.Contains(s, part) }

// publisher keeps what is announced; the n-th call fails. The same is done with
// a broker by the tests of the programs.
type publisher struct {
	sent  []string
	calls int
	fails int
	with  error
}

func (p *publisher) Publish(_ context.Context, files []ledger.File) error {
	if p.calls++; p.calls == p.fails {
		return p.with
	}
	for _, f := range files {
		p.sent = append(p.sent, f.Path)
	}
	return nil
}

func TestPublish_EachFileOnceInOrder(t *testing.T) {
	s := newSite(t)
	var all []string
	for i := range 25 {
		all = append(all, s.file(fmt.Sprintf("%02d", i), time.Duration(100-i)*time.Hour))
	}
	p := &publisher{fails: 3, with: fault.Errorf(fault.Unavailable, "no broker")}
	by := func(o *Options) { o.Workers, o.Publisher = nil, p }
	r, err := s.run(t.Context(), by)
	if fault.KindOf(err) != fault.Unavailable || r.Counts[Published] != 10 || r.Counts[Left] != 15 || r.Mark.IsZero() {
		t.Fatalf("%v, %v, %v", err, r.Counts, r.Mark)
	}
	if r = s.good(by); r.Counts[Published] != 15 || r.Counts[PublishedBefore] != 10 {
		t.Errorf("%v", r.Counts)
	}
	if strings.Join(p.sent, " ") != strings.Join(all, " ") {
		t.Errorf("sent %v", p.sent)
	}
	if r = s.good(by); r.Counts[Published] != 0 {
		t.Errorf("again: %v", r.Counts)
	}
	later := func(o *Options) {
		by(o)
		o.Now = func() time.Time { return time.Now().Add(25 * time.Hour) }
	}
	if r = s.good(later); r.Counts[Published] != 25 {
		t.Errorf("a day later, not registered: %v", r.Counts)
	}
}
