package main

import (
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"ingestor/internal/treetest"
	"ingestor/offline/backfill"
)

// seedVariable repeats the moments of a run of the kill test.
const seedVariable = "INGESTOR_BACKFILL_SEED"

func backfillSeed(t *testing.T) uint64 {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv(seedVariable); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%s=%d", seedVariable, seed)
	return seed
}

// murder is how a run is killed.
type murder struct {
	// at is the request at which; with 0 it is after a while.
	at    int64
	while time.Duration
	// acted lets the request be carried out first; lost says that it never is.
	acted, lost bool
	// slow makes the catalogue carry out a request when its client is long gone.
	slow bool
	// worker is killed alone, and everybody is killed together.
	worker, everybody bool
}

// killer kills runs at the requests that they make.
type killer struct {
	mu   sync.Mutex
	plan murder
	pid  int
	from int64 // requests before the run
	done chan struct{}
}

func (k *killer) arm(plan murder, pid int, from int64) (done chan struct{}) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.plan, k.pid, k.from, k.done = plan, pid, from, make(chan struct{})
	return k.done
}

func (k *killer) disarm() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.plan, k.pid = murder{}, 0
}

// strike kills, once for each time that it is armed.
func (k *killer) strike() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.pid == 0 {
		return
	}
	workers := workersOf(k.pid)
	switch {
	case k.plan.worker && len(workers) > 0:
		_ = syscall.Kill(workers[int(k.from)%len(workers)], syscall.SIGKILL)
	case k.plan.worker:
		return // there is none yet
	default:
		_ = syscall.Kill(k.pid, syscall.SIGKILL)
		if k.plan.everybody {
			for _, w := range workers {
				_ = syscall.Kill(w, syscall.SIGKILL)
			}
		}
	}
	k.pid = 0
	close(k.done)
}

// due says whether the run is killed at this request.
func (k *killer) due(nth int64, acted bool) (is bool, plan murder) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.pid != 0 && k.plan.at > 0 && nth-k.from == k.plan.at && k.plan.acted == acted, k.plan
}

// Killed at any moment and started again, a run misses no file and registers
// none twice.
func TestBackfillKill(t *testing.T) {
	kills, o := 15, treetest.Options{Files: 250, Broken: 8, Plain: true}
	if largeForm(t) > 0 {
		kills, o.Files = 200, 2000
	}
	seed := backfillSeed(t)
	dice := rand.New(rand.NewPCG(seed, 1))
	o.Seed = seed
	b := newBed(t, o)
	b.configure("save_file_hash: false", "save_file_hash: true") // in the tree
	good := b.tree.Of(treetest.Good)

	k := &killer{}
	before := func(nth int64, _ *http.Request) {
		is, plan := k.due(nth, false)
		if is {
			k.strike()
		}
		if is && plan.slow {
			time.Sleep(700 * time.Millisecond) // and is carried out now
		}
		if is && plan.lost {
			panic(http.ErrAbortHandler)
		}
	}
	after := func(nth int64, _ *http.Request) {
		if is, _ := k.due(nth, true); is {
			k.strike()
		}
	}
	b.around(before, after)
	tooLate, early, workers, most := 0, 0, 0, time.Duration(0)
	for left := kills; left > 0; {
		done, from := b.made("origdatablocks"), b.all.Load()
		run := b.begin()
		plan := murder{acted: dice.IntN(2) == 0, everybody: dice.IntN(5) == 0, slow: dice.IntN(8) == 0, lost: dice.IntN(3) == 0}
		if share := int64(len(good)-done) / int64(left); dice.IntN(8) == 0 || len(good) == done {
			plan.while = time.Duration(dice.Int64N(int64(80 * time.Millisecond)))
		} else {
			// Two requests for a file, and some at the beginning of a run.
			plan.at, plan.worker = 1+dice.Int64N(9+4*share), dice.IntN(6) == 0
		}
		struck := k.arm(plan, run.cmd.Process.Pid, from)
		var alarm *time.Timer
		if plan.at == 0 {
			alarm = time.AfterFunc(plan.while, k.strike)
		}
		select {
		case <-struck:
			left--
			if plan.worker {
				workers++
				// The run goes on, and a little later it is killed too.
				plan.worker, plan.at = false, 1+dice.Int64N(20)
				select {
				case <-k.arm(plan, run.cmd.Process.Pid, b.all.Load()):
					left--
				case <-run.done:
				}
			}
		case <-run.done:
			tooLate++
		}
		if alarm != nil {
			alarm.Stop()
		}
		k.disarm()
		began := time.Now()
		select {
		case <-run.done:
		case <-time.After(time.Minute):
			t.Fatalf("a killed run leaves processes behind: %v\n%s", workersOf(run.cmd.Process.Pid), &run.stderr)
		}
		most = max(most, time.Since(began))
		if b.made("origdatablocks") == done {
			early++
		}
		if tooLate > 2*kills {
			t.Fatalf("%d runs ended before they were to be killed", tooLate)
		}
	}
	b.disarmed()
	registered := b.made("origdatablocks")
	last := b.backfill()
	t.Logf("killed %d times (%d workers alone, %d before a file was done), %d times too late; %d of %d files were done then; processes gone within %s",
		kills, workers, early, tooLate, registered, len(good), most.Round(time.Millisecond))
	t.Logf("the last run: %s; %s", last, b.tally)
	if last.exit > 1 {
		t.Errorf("the last run: %s\n%s", last, lastLines(last.stderr))
	}
	b.wantOnce(good)
	b.reset()
	again := b.backfill()
	again.wantCounts(t, 0, map[backfill.Count]int{backfill.Known: len(good), backfill.FailedBefore: len(b.tree.Of(treetest.Broken()...))})
	if n := b.all.Load(); n > 3 {
		t.Errorf("a run that had nothing to do: %s", b.tally)
	}
}

// disarmed waits until what a slow catalogue still does is done.
func (b *bed) disarmed() {
	for before := int64(-1); before != b.all.Load(); time.Sleep(time.Second) {
		before = b.all.Load()
	}
}
