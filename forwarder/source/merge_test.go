package source

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"ingestor/internal/zmq"
)

// script is one connection of a test: the messages that it has brought.
type script struct{ waiting []string }

func (s *script) SetReceiveHWM(int) error { return nil }

func (s *script) Receive(p *zmq.Pool, into []*zmq.Message) (int, error) {
	n := min(len(into), len(s.waiting))
	for i := range n {
		into[i] = p.Get()
		into[i].Append([]byte(s.waiting[i]))
	}
	s.waiting = s.waiting[n:]
	return n, nil
}

// merging is a merge of scripted connections, with a clock of its own.
type merging struct {
	up    *Upstream
	lanes []*script
	merge *merge
	clock time.Time
	t     *testing.T
}

func newMerging(t *testing.T, connections int) *merging {
	up := quiet()
	g := &merging{t: t, up: up, clock: time.Unix(0, 0)}
	s := machineOf(t, "zmqpull_eiger_legacy", up).(*series)
	var inputs []*input
	for range connections {
		lane := &script{}
		g.lanes = append(g.lanes, lane)
		inputs = append(inputs, &input{socket: lane, limit: firstLimit, share: up.QueueBytes})
	}
	g.merge = newMerge(inputs, up, s)
	t.Cleanup(g.merge.drop)
	return g
}

// eiger writes messages shortly: h, e, or the number of a frame.
func eiger(short string) string {
	switch short {
	case "h":
		return `{"htype":"dheader-1.0"}`
	case "e":
		return `{"htype":"dseries_end-1.0"}`
	}
	return `{"htype":"dimage-1.0","frame":` + short + `}`
}

func (g *merging) bring(lane int, messages string) {
	for _, m := range strings.Fields(messages) {
		g.lanes[lane].waiting = append(g.lanes[lane].waiting, eiger(m))
	}
}

// take gives what comes now, in the short form.
func (g *merging) take() string {
	g.t.Helper()
	var got []string
	for {
		m, err := g.merge.next(func() time.Time { return g.clock })
		if err != nil {
			g.t.Fatal(err)
		}
		if m == nil {
			return strings.Join(got, " ")
		}
		text := string(parts(g.up, m)[0])
		for _, short := range []string{"h", "e"} {
			if text == eiger(short) {
				text = short
			}
		}
		text = strings.TrimSuffix(strings.TrimPrefix(text, `{"htype":"dimage-1.0","frame":`), "}")
		got = append(got, text)
	}
}

func (g *merging) expect(want string) {
	g.t.Helper()
	if got := g.take(); got != want {
		g.t.Errorf("there comes %q, want %q", got, want)
	}
}

func TestMerge_FramesComeInTheOrderOfTheirNumbers(t *testing.T) {
	g := newMerging(t, 2)
	g.bring(1, "1 3")
	g.expect("")
	g.bring(0, "h 0 2 4 e")
	g.expect("h 0 1 2 3 4")
	g.clock = g.clock.Add(endPatience)
	g.expect("e")
	if g.up.Count.Gaps.Load() != 0 {
		t.Error("a gap")
	}
}

func TestMerge_AMissingFrameIsWaitedForAndItsAbsenceIsAGap(t *testing.T) {
	g := newMerging(t, 2)
	g.bring(0, "h 0 2 3")
	g.expect("h 0")
	g.clock = g.clock.Add(patience - 1)
	g.expect("")
	g.bring(1, "1")
	g.expect("1 2 3")
	g.bring(0, "5")
	g.bring(1, "6") // both have something later: 4 is lost for certain
	g.expect("5 6")
	if g.up.Count.Gaps.Load() != 1 || g.up.Count.Missing.Load() != 1 {
		t.Errorf("%d gaps", g.up.Count.Gaps.Load())
	}
	g.bring(0, "8 10 12")
	g.expect("")
	g.clock = g.clock.Add(patience)
	g.expect("8 10 12") // one patience for a connection that brings nothing, not one for each frame
	g.bring(1, "7 13")
	g.expect("7 13") // late, and sent all the same
	if g.up.Count.Repeats.Load() != 1 {
		t.Errorf("%d repeats", g.up.Count.Repeats.Load())
	}
}

func TestMerge_WhatIsLeftFromAnOlderSeriesIsDropped(t *testing.T) {
	for name, c := range map[string]struct{ left, right, want string }{
		"in front of the start":           {"7 9 e h 0 2", "8 10 1 3", "h 0 1 2 3"},
		"an end on the other connection":  {"7 9 h 0 2", "8 e 1 3", "h 0 1 2 3"},
		"several series":                  {"7 e 5 h 0 2", "8 e 6 1 3", "h 0 1 2 3"},
		"the series ends while it begins": {"h 0 2 e", "1 3", "h 0 1 2 3 e"},
		"a series of one frame":           {"h e", "0", "h 0 e"},
		"a series without frames":         {"h", "e", "h e"},
		"first number is not 0":           {"h 5 7", "6 8", "h 5 6 7 8"},
	} {
		t.Run(name, func(t *testing.T) {
			g := newMerging(t, 2)
			g.bring(0, c.left)
			g.bring(1, c.right)
			got := g.take()
			g.clock = g.clock.Add(patience)
			if more := g.take(); more != "" {
				got += " " + more
			}
			if got != c.want {
				t.Errorf("there comes %q, want %q", got, c.want)
			}
		})
	}
}

func TestMerge_TheNextSeriesStaysForTheNextMapping(t *testing.T) {
	g := newMerging(t, 2)
	g.bring(0, "h 0 2 h 1")
	g.bring(1, "1 e 0 2 e")
	got := g.take()
	g.clock = g.clock.Add(patience)
	for range 3 { // the pump asks no further than the end
		if strings.HasSuffix(got, "e") {
			break
		}
		m, err := g.merge.next(func() time.Time { return g.clock })
		if err != nil || m == nil {
			t.Fatal(m, err)
		}
		got += " e"
		g.up.Pool.Put(m)
	}
	if got != "h 0 1 2 e" {
		t.Fatalf("there comes %q", got)
	}
	g.merge.series.restart()
	g.merge.restart()
	got = g.take()
	g.clock = g.clock.Add(patience)
	if got += " " + g.take(); got != "h 0 1 2 e" {
		t.Errorf("then comes %q", got)
	}
}

func TestMerge_MuchThatIsOldIsDroppedToFindTheStart(t *testing.T) {
	g := newMerging(t, 2)
	var old []string
	for n := range 3000 {
		old = append(old, fmt.Sprint(100000+n))
	}
	g.bring(0, strings.Join(old, " ")+" h 0 2")
	g.bring(1, strings.Join(old, " ")+" 1 3")
	got := ""
	for range 20 { // each looks at a bounded number of messages
		got += g.take()
	}
	if got != "h 0 1 2 3" {
		t.Errorf("there comes %.100q", got)
	}
}

// A push socket deals its messages out in turn; how fast they come is left to chance.
func TestMerge_AnyTimingGivesTheSeriesWhole(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		connections := 2 + r.IntN(3)
		g := newMerging(t, connections)
		messages := []string{"h"}
		for n := range 50 + r.IntN(300) {
			messages = append(messages, fmt.Sprint(n))
		}
		messages = append(messages, "e")
		queues := make([][]string, connections)
		for n, m := range messages {
			queues[(n+int(seed))%connections] = append(queues[(n+int(seed))%connections], m)
		}
		var got []string
		for idle := 0; idle < 3; {
			lane := r.IntN(connections)
			n := min(r.IntN(20), len(queues[lane]))
			g.bring(lane, strings.Join(queues[lane][:n], " "))
			queues[lane] = queues[lane][n:]
			if text := g.take(); text != "" {
				got = append(got, text)
			}
			left := 0
			for _, q := range queues {
				left += len(q)
			}
			if left == 0 {
				idle++
				g.clock = g.clock.Add(patience)
			}
		}
		if text := strings.Join(got, " "); text != strings.Join(messages, " ") {
			t.Fatalf("seed %d, %d connections: there comes\n%s\nwant\n%s", seed, connections, text, messages)
		}
		if c := g.up.Count; c.Gaps.Load()+c.Repeats.Load() != 0 {
			t.Fatalf("seed %d: %d gaps", seed, c.Gaps.Load())
		}
	}
}

func TestMerge_OverRealSocketsTheOrderIsRestored(t *testing.T) {
	up, push := pushing(t, "tcp://127.0.0.1:*")
	s := open(t, up, Settings{Source: "zmqpull_single", URL: push.Endpoint(), Connections: 3})
	time.Sleep(300 * time.Millisecond)
	for scan := range 2 {
		want := []string{stinsHeader(0)}
		for n := range 500 {
			want = append(want, stinsImage(n, n+1))
		}
		want = append(want, stinsEnd(501))
		for _, m := range want {
			send(t, push, m)
		}
		begun := time.Now()
		expect(t, up, s, want...)
		if scan > 0 && up.Count.Gaps.Load() != 0 {
			t.Error("a gap")
		}
		t.Logf("%d messages in %s", len(want), time.Since(begun))
		s.(Restarter).Restart()
	}
	for in, lane := range s.(pulling).inputs {
		if lane.most == 0 {
			t.Errorf("connection %d has brought nothing", in)
		}
	}
}
