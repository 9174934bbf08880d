package offline

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"ingestor/internal/fault"
	"ingestor/internal/ledger"
	"ingestor/internal/outcome"
	"ingestor/scicat"
	"ingestor/scicat/scicattest"
)

// failure is a way in which a request goes wrong.
type failure struct {
	name  string
	fault scicattest.Fault
	// slow is for a fault that outlasts the client's time-out.
	slow bool
	// unknown is one of the ways in which the client can not know what has
	// become of a request; they stand for the others in further variants.
	unknown bool
}

// doubtful says that nobody knows what has become of the request.
func (f failure) doubtful() bool {
	return f.fault.Status != 503 && f.fault.Status != 429
}

const serverDelay = 150 * time.Millisecond

func failures() []failure {
	return []failure{
		{name: "500", fault: scicattest.Fault{Status: 500, Body: `"Internal server error"`}},
		{name: "502 after it was carried out", fault: scicattest.Fault{Status: 502, Body: "<html>bad gateway</html>", Acted: true}, unknown: true},
		{name: "503", fault: scicattest.Fault{Status: 503, Body: `{"message":"busy"}`}},
		{name: "429 with Retry-After", fault: scicattest.Fault{Status: 429, Headers: map[string]string{"Retry-After": "0"}}},
		{name: "cut before", fault: scicattest.Fault{Cut: scicattest.Before}},
		{name: "cut after", fault: scicattest.Fault{Cut: scicattest.After}, unknown: true},
		{name: "cut during the answer", fault: scicattest.Fault{Cut: scicattest.During}, unknown: true},
		{name: "time-out", fault: scicattest.Fault{Delay: serverDelay}, slow: true},
	}
}

// variant is a way to be set up.
type variant struct {
	name   string
	user   string
	change func(*Options)
	// blind accounts may post but not read what they posted.
	blind bool
	// ledger is kept between the runs.
	ledger bool
	// fewer failures are tried.
	fewer bool
	// positions is how many requests an undisturbed run makes at least.
	positions int
}

func variants() []variant {
	checks := func(byPID, byMetadata bool) func(*Options) {
		return func(o *Options) { o.CheckByPID, o.CheckByMetadata = byPID, byMetadata }
	}
	blind := func(o *Options) { o.Defaults.AccessGroups = []string{"others"} }
	return []variant{
		{name: "both checks", change: checks(true, true), positions: 6},
		{name: "no checks", fewer: true, change: checks(false, false), positions: 3},
		{name: "pid from the catalogue", change: func(o *Options) { o.AllowPID = false }, positions: 5},
		{name: "generated pid", fewer: true, change: func(o *Options) { o.GeneratePID = true }, positions: 6},
		{name: "administrator", fewer: true, user: "admin", change: func(o *Options) { o.Defaults.AccessGroups = []string{"others"} }, positions: 6},
		{name: "blind account", blind: true, change: blind, positions: 6},
		{name: "blind account with ledger", blind: true, ledger: true, change: blind, positions: 6},
		{name: "ledger", ledger: true, fewer: true, change: checks(true, true), positions: 6},
	}
}

// TestFaults_EveryPosition makes each request of a registration fail, once and
// for good from there on, in every way and for every set-up. At the end there
// is one dataset with one datablock, or an error of the right kind and nothing
// but what another run completes.
func TestFaults_EveryPosition(t *testing.T) {
	for _, v := range variants() {
		t.Run(v.name, func(t *testing.T) {
			n := undisturbed(t, v)
			if n < v.positions {
				t.Fatalf("an undisturbed run makes %d requests, want at least %d", n, v.positions)
			}
			var all sync.WaitGroup
			slots := make(chan struct{}, 8) // most of the time is waiting
			for i, f := range failures() {
				if i > 0 && v.fewer && !f.unknown {
					continue
				}
				for _, forGood := range []bool{false, true} {
					for position := 1; position <= n; position++ {
						if testing.Short() && f.slow {
							continue
						}
						all.Go(func() {
							slots <- struct{}{}
							defer func() { <-slots }()
							faultCase{v, f, forGood, position}.run(t)
						})
					}
				}
			}
			all.Wait()
		})
	}
}

// undisturbed is how many requests a run makes.
func undisturbed(t *testing.T, v variant) int {
	t.Helper()
	b := newBed(t)
	if v.user != "" {
		b.user = v.user
	}
	b.ingest(v.change)
	b.wantOneOfEach()
	return len(b.server.Requests())
}

type faultCase struct {
	variant  variant
	failure  failure
	forGood  bool
	position int
}

func (c faultCase) String() string {
	how := "once"
	if c.forGood {
		how = "for good"
	}
	return fmt.Sprintf("%s, request %d, %s", c.failure.name, c.position, how)
}

// arm adds the fault to the catalogue, and gives the options of the variant.
func (c faultCase) arm(b *bed) (change func(*Options), err error) {
	if c.variant.user != "" {
		b.user = c.variant.user
	}
	f := c.failure.fault
	f.Skip, f.Times = c.position-1, 1
	if c.forGood {
		f.Times = 0
	}
	change = func(o *Options) {
		c.variant.change(o)
		if c.variant.ledger {
			o.OpenLedger = b.ledger
		}
	}
	return change, b.server.AddFault(f)
}

func (c faultCase) run(t *testing.T) {
	b := newBed(t)
	change, err := c.arm(b)
	if err != nil {
		t.Error(err)
		return
	}
	rep, err := b.ingestor(func(o *Options) {
		change(o)
		if c.failure.slow {
			o.Catalogue = b.client(func(o *scicat.Options) { o.Timeout = serverDelay * 2 / 3 })
		}
	}).Ingest(t.Context(), b.file, "")
	if c.failure.slow {
		// What the server has not done yet it does now, behind our back.
		time.Sleep(serverDelay * 3 / 2)
	}
	c.check(t, b, rep, err)

	b.server.ClearFaults()
	again, err := b.ingestor(change).Ingest(t.Context(), b.file, "")
	if err != nil {
		t.Errorf("%v: the run after it: %v", c, err)
		return
	}
	datasets, blocks := b.stored()
	switch {
	case datasets == 1 && blocks == 1:
	case datasets == 1 && blocks == 0 && c.variant.blind && !c.variant.ledger && again.Outcome == outcome.Existed:
		// Who may not list datablocks leaves a dataset alone that it did not
		// just make; only a ledger could tell that this one is its own (D12).
	case datasets == 1 && blocks == 0 && c.variant.blind && again.Outcome == outcome.Existed && b.noted().State == ledger.Attaching:
		// Nobody can tell it from the one whose datablock was taken before the
		// answer was lost: one too few is told in the log, and one too many is
		// for ever.
		if !c.failure.doubtful() {
			t.Errorf("%v: left without datablock, which was surely not taken", c)
		}
	default:
		t.Errorf("%v: %d datasets and %d datablocks after the run after it (%s)", c, datasets, blocks, again.Outcome)
	}
}

// check looks at the disturbed run.
func (c faultCase) check(t *testing.T, b *bed, rep Report, err error) {
	datasets, blocks := b.stored()
	if datasets > 1 || blocks > datasets {
		t.Errorf("%v: %d datasets and %d datablocks", c, datasets, blocks)
	}
	if err == nil {
		if datasets != 1 || blocks != 1 || rep.Outcome != outcome.Registered {
			t.Errorf("%v: %s without error, but %d datasets and %d datablocks", c, rep.Outcome, datasets, blocks)
		}
		return
	}
	if kind := fault.KindOf(err); kind != fault.Unavailable {
		t.Errorf("%v: kind %v, want unavailable: %v", c, kind, err)
	}
	if text := err.Error(); strings.ContainsAny(text, "\n\r") || rep.Outcome != "" {
		t.Errorf("%v: outcome %q, error %q", c, rep.Outcome, text)
	}
	if !c.forGood && !c.mayGiveUp(err) {
		t.Errorf("%v: one failure ended the run: %v", c, err)
	}
}

// mayGiveUp says that a single failure may end a run: after an unknown outcome
// somebody must look, and a blind account can not; and a pid that the catalogue
// made may be lost with its answer.
func (c faultCase) mayGiveUp(err error) bool {
	return c.variant.blind && errors.Is(err, scicat.ErrUnreadable) ||
		c.failure.fault.Cut == scicattest.During && strings.Contains(err.Error(), "names no pid")
}
