package main_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"
)

// The plan of a chaos run comes from its seed alone: which messages, in which
// order and when, what is wrong with each, and which fault happens when and to
// whom. What the programs make of it differs from run to run.
type plan struct {
	seed     uint64
	duration time.Duration
	messages []*message
	faults   []mishap
}

// kind is what is special about a message.
type kind string

// The good ones: each file is to be registered, exactly once.
const (
	plain kind = "good"
	again kind = "announced-again" // the file of another message, once more
	late  kind = "late"            // the file appears after the first attempt
	open  kind = "still-open"      // it is locked by its writer until after the first attempt
	crash kind = "crash"           // the first child dies by a signal
	moody kind = "refused"         // the catalogue fails at it several times
)

// The bad ones: each is to become a dead letter.
const (
	notHDF5   kind = "not-hdf5"
	truncated kind = "truncated"
	empty     kind = "empty-hdf5"
	foreign   kind = "no-schema"
	missing   kind = "missing"
	malformed kind = "malformed"
	badPath   kind = "bad-path"
)

// The others.
const (
	tombstone    kind = "tombstone"
	otherSchema  kind = "other-schema"
	writerFailed kind = "writer-failed"
)

// parts is how many of a thousand messages are of which kind; the rest is good.
// Bad are 5 %, good only after a while 10 %.
var parts = []struct {
	kind
	permille int
}{
	{notHDF5, 8}, {truncated, 8}, {empty, 8}, {foreign, 8}, {missing, 8}, {malformed, 5}, {badPath, 5},
	{late, 25}, {open, 25}, {crash, 25}, {moody, 25},
	{again, 10}, {tombstone, 5}, {otherSchema, 10}, {writerFailed, 5},
}

// message is one message of the plan.
type message struct {
	number    int
	kind      kind
	partition int32
	at        time.Duration // when it is sent
	of        *message      // again: the message whose file it announces
	mood      int           // moody: how the catalogue fails

	run   run // job, file and pid
	value []byte
}

func (m *message) good() bool {
	return slices.Contains([]kind{plain, again, late, open, crash, moody}, m.kind)
}

func (m *message) bad() bool {
	return slices.Contains([]kind{notHDF5, truncated, empty, foreign, missing, malformed, badPath}, m.kind)
}

// wants lists the outcomes that are right for it.
func (m *message) wants() []string {
	switch {
	case m.good():
		return []string{"registered", "existed"}
	case m.kind == malformed:
		return []string{"malformed"}
	case m.kind == badPath:
		return []string{"invalid_path"}
	case m.bad():
		return []string{"dead_lettered"}
	case m.kind == writerFailed:
		return []string{"writer_failed"}
	default:
		return []string{"ignored"}
	}
}

// mishap is one thing that goes wrong.
type mishap struct {
	at     time.Duration
	what   string
	victim int           // the daemon, where it concerns one
	length time.Duration // how long it lasts, or until it is mended
	which  int           // of several children
}

func (f mishap) String() string {
	s := f.what
	if onDaemon(f.what) {
		s += " of daemon " + strconv.Itoa(f.victim)
	}
	if f.length > 0 {
		s += " for " + f.length.Round(100*time.Millisecond).String()
	}
	return s
}

// The faults.
const (
	killDaemon    = "kill -9"
	killChild     = "kill -9 of a child"
	stopBroker    = "broker stopped"
	stopCatalogue = "catalogue stopped"
	expireToken   = "token expired"
	termDaemon    = "SIGTERM"
	freezeDaemon  = "SIGSTOP"
	// Only with a state directory that can be broken.
	fillDisk = "state directory full"
	readOnly = "state directory read-only"
)

func onDaemon(what string) bool {
	return slices.Contains([]string{killDaemon, killChild, termDaemon, freezeDaemon}, what)
}

// daemons is how many there are in the group.
const daemons = 3

// newPlan makes n messages on so many partitions, sent during nine tenths of the
// duration, and a fault every 2 to 5 seconds of it.
func newPlan(seed uint64, duration time.Duration, n, partitions int, faults []string) *plan {
	p := &plan{seed: seed, duration: duration}
	r := rand.New(rand.NewPCG(seed, 1))
	for _, part := range parts {
		for range n * part.permille / 1000 {
			p.messages = append(p.messages, &message{kind: part.kind, mood: r.IntN(moods)})
		}
	}
	for len(p.messages) < n {
		p.messages = append(p.messages, &message{kind: plain})
	}
	r.Shuffle(n, func(i, j int) { p.messages[i], p.messages[j] = p.messages[j], p.messages[i] })
	var announced []*message
	for i, m := range p.messages {
		m.number, m.partition = i, int32(r.IntN(partitions))
		m.at = time.Duration(r.Int64N(int64(duration) * 9 / 10))
		m.run.job = fmt.Sprintf("7d4b2c1e-5a0f-4f7b-9a54-%012d", i+1)
		m.run.pid = "20.500.12269/" + m.run.job
		if m.kind == plain {
			announced = append(announced, m)
		}
	}
	for _, m := range p.messages {
		if m.kind == again {
			m.of = announced[r.IntN(len(announced))]
			m.run = m.of.run
		}
	}
	p.faults = drawFaults(rand.New(rand.NewPCG(seed, 2)), duration, faults)
	return p
}

// rest is how long after its end a fault does not happen again, so that work is
// done in between; most of ten minutes would else be without a catalogue.
var rest = map[string]time.Duration{
	stopBroker: 15 * time.Second, stopCatalogue: 25 * time.Second, expireToken: 8 * time.Second,
	fillDisk: 10 * time.Second, readOnly: 15 * time.Second,
}

// drawFaults takes them at random, but each once before any comes again.
func drawFaults(r *rand.Rand, duration time.Duration, kinds []string) (list []mishap) {
	first := slices.Clone(kinds)
	r.Shuffle(len(first), func(i, j int) { first[i], first[j] = first[j], first[i] })
	free := map[string]time.Duration{}     // when it may happen again
	busy := make([]time.Duration, daemons) // until when a daemon has its fault
	between := func(low, high float64) time.Duration {
		return time.Duration((low + (high-low)*r.Float64()) * float64(time.Second))
	}
	for at := between(2, 5); at < duration; at += between(2, 5) {
		f := mishap{at: at, victim: r.IntN(daemons), which: r.IntN(8)}
		candidates := kinds
		if len(first) > 0 {
			candidates = first
		}
		candidates = slices.Clone(candidates)
		if len(first) == 0 {
			r.Shuffle(len(candidates), func(i, j int) { candidates[i], candidates[j] = candidates[j], candidates[i] })
		}
		i := slices.IndexFunc(candidates, func(k string) bool { return free[k] <= at })
		if i < 0 {
			continue
		}
		f.what = candidates[i]
		first = slices.DeleteFunc(first, func(k string) bool { return k == f.what })
		switch f.what {
		case killDaemon, termDaemon:
			f.length = between(0, 3)
		case stopBroker:
			f.length = between(0.5, 4)
		case stopCatalogue:
			f.length = 20 * time.Second
		case expireToken:
			f.length = between(2, 5)
		case freezeDaemon:
			f.length = between(7, 10)
		case fillDisk, readOnly:
			f.length = between(5, 9)
		}
		if onDaemon(f.what) {
			// Of the daemons that are well the one that comes next.
			for n := 0; n < daemons && busy[f.victim] > at; n++ {
				f.victim = (f.victim + 1) % daemons
			}
			busy[f.victim] = at + f.length + time.Second
		}
		free[f.what] = at + f.length + rest[f.what]
		list = append(list, f)
	}
	return list
}

// seedVariable repeats a run.
const seedVariable = "INGESTOR_CHAOS_SEED"

func chaosSeed(t *testing.T) uint64 {
	t.Helper()
	seed := uint64(time.Now().UnixNano()) % 1_000_000
	if text := os.Getenv(seedVariable); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("%s: %v", seedVariable, err)
		}
	}
	t.Logf("repeat this run with %s=%d", seedVariable, seed)
	return seed
}

// The same seed makes the same plan, and the plan is what the run promises.
func TestChaosPlan(t *testing.T) {
	for seed := range uint64(50) {
		p, same := newPlan(seed, time.Minute, 600, 6, sevenFaults), newPlan(seed, time.Minute, 600, 6, sevenFaults)
		if fmt.Sprint(p.faults) != fmt.Sprint(same.faults) {
			t.Fatalf("seed %d makes different faults", seed)
		}
		count := map[string]int{}
		for _, f := range p.faults {
			count[f.what]++
		}
		for _, k := range sevenFaults {
			if count[k] == 0 {
				t.Errorf("seed %d: never %s: %v", seed, k, p.faults)
			}
		}
		if !slices.IsSortedFunc(p.faults, func(a, b mishap) int { return cmp.Compare(a.at, b.at) }) {
			t.Errorf("seed %d: faults are not in order", seed)
		}
		bad, transient := 0, 0
		for i, m := range p.messages {
			if x := same.messages[i]; m.run != x.run || m.kind != x.kind || m.at != x.at || m.partition != x.partition || m.mood != x.mood {
				t.Fatalf("seed %d makes different messages", seed)
			}
			if m.bad() {
				bad++
			}
			if slices.Contains([]kind{late, open, crash, moody}, m.kind) {
				transient++
			}
		}
		if len(p.messages) != 600 || bad < 26 || bad > 30 || transient != 60 {
			t.Errorf("seed %d: %d messages, %d bad, %d transient", seed, len(p.messages), bad, transient)
		}
	}
}
