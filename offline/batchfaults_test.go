package offline

import (
	"sync"
	"testing"
	"time"

	"ingestor/internal/fault"
	"ingestor/internal/outcome"
	"ingestor/scicat"
)

// batchSize is how many files the batches have that are disturbed.
const batchSize = 3

// TestBatchFaults_EveryPosition makes each request of a batch fail, once and for
// good, as TestFaults_EveryPosition does with those of one file.
func TestBatchFaults_EveryPosition(t *testing.T) {
	for _, v := range variants() {
		t.Run(v.name, func(t *testing.T) {
			b := newBed(t)
			if v.user != "" {
				b.user = v.user
			}
			b.ingestAll(b.runs(batchSize), v.change)
			b.wantOnceEach(batchSize)
			requests := len(b.server.Requests())
			var all sync.WaitGroup
			slots := make(chan struct{}, 8) // most of the time is waiting
			for _, f := range failures() {
				// The single way tries every failure; here those that leave doubt.
				if f.slow || !f.unknown && f.name != "503" {
					continue
				}
				for _, forGood := range []bool{false, true} {
					if forGood && (v.fewer || f.name != "cut after") {
						continue
					}
					for position := 1; position <= requests; position++ {
						all.Go(func() {
							slots <- struct{}{}
							defer func() { <-slots }()
							disturbBatch(t, faultCase{v, f, forGood, position})
						})
					}
				}
			}
			all.Wait()
		})
	}
}

func disturbBatch(t *testing.T, c faultCase) {
	b := newBed(t)
	files := b.runs(batchSize)
	change, err := c.arm(b)
	if err != nil {
		t.Error(err)
		return
	}
	l, err := b.batch(files, change)
	datasets, blocks := b.stored()
	if datasets > batchSize || blocks > datasets {
		t.Errorf("%v: %d datasets and %d datablocks", c, datasets, blocks)
	}
	if kind := fault.KindOf(err); err != nil && kind != fault.Unavailable {
		t.Errorf("%v: %v of kind %v", c, err, kind)
	}
	if err != nil && !c.forGood && !c.mayGiveUp(err) {
		t.Errorf("%v: one failure ended the batch: %v", c, err)
	}
	if n := l.outcomes()[outcome.Registered]; n != len(l.reports) || err == nil && n != batchSize || n > blocks {
		t.Errorf("%v: outcomes %v, but %d datablocks", c, l.outcomes(), blocks)
	}
	b.server.ClearFaults()
	again, err := b.batch(files, change)
	if err != nil || len(again.reports) != batchSize {
		t.Errorf("%v: the batch after it: %d reports, %v", c, len(again.reports), err)
	}
	for i, e := range again.errs {
		if e != nil || again.reports[i].Outcome == "" {
			t.Errorf("%v: the batch after it: %+v, %v", c, again.reports[i].Record, e)
		}
	}
	// One file at most was at work, and a blind account may have to leave it.
	datasets, blocks = b.stored()
	if left := datasets - blocks; datasets != batchSize || left != 0 && (left > 1 || !c.variant.blind || c.variant.ledger && !c.failure.doubtful()) {
		t.Errorf("%v: %d datasets and %d datablocks after the batch after it", c, datasets, blocks)
	}
}

// TestBatchInterrupt_AtEveryRequest is TestInterrupt_AtEveryRequest for a batch.
func TestBatchInterrupt_AtEveryRequest(t *testing.T) {
	for _, acted := range []bool{false, true} {
		for position := int64(1); interruptBatch(t, position, acted); position++ {
		}
	}
}

func interruptBatch(t *testing.T, position int64, acted bool) (reached bool) {
	t.Helper()
	b := newBed(t)
	files := b.runs(batchSize)
	stopped := fault.Errorf(fault.Terminated, "stopped")
	ctx, cancel := contextWithCause(t, stopped)
	seen := b.stopAt(position, acted, cancel)
	told := 0
	err := b.ingestor(nil).IngestAll(ctx, files, func(string) {}, func(r Report, err error) {
		told++
		if err != nil || r.Outcome != outcome.Registered {
			t.Errorf("position %d: %+v, %v", position, r.Record, err)
		}
	})
	if reached = seen.Load() >= position; reached && told < batchSize && fault.KindOf(err) != fault.Terminated {
		t.Errorf("position %d: %v of kind %v", position, err, fault.KindOf(err))
	}
	datasets, blocks := b.stored()
	if datasets > told+1 || blocks > datasets || blocks < told {
		t.Errorf("position %d: %d files told, %d datasets, %d datablocks", position, told, datasets, blocks)
	}
	b.between = nil
	b.ingestAll(files, nil)
	b.wantOnceEach(batchSize)
	return reached
}

// TestBatch_AsksAgainAfterAWhile: between the question and the registration of a
// file that had to wait, somebody else may have registered it by its metadata.
func TestBatch_AsksAgainAfterAWhile(t *testing.T) {
	b := newBed(t)
	files := b.runs(2)
	g := b.ingestor(func(o *Options) {
		o.Catalogue = b.client(func(o *scicat.Options) { o.MaxRetries = -1 })
	})
	p := &piece{g: g, begin: func(string) {}, each: func(r Report, err error) {
		if err != nil {
			t.Errorf("%+v, %v", r.Record, err)
		}
	}, trust: time.Nanosecond}
	if _, err := p.read(t.Context(), files); err != nil {
		t.Fatal(err)
	}
	if err := p.register(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.wantOnceEach(2)
	if n := b.counted()["GET datasets"]; n != 4 {
		t.Errorf("%d questions, want two before each file", n)
	}
}
