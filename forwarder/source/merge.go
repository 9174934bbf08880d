package source

import (
	"fmt"
	"time"

	"ingestor/internal/zmq"
)

// patience is how long a frame that one of several connections should bring is waited
// for, and endPatience how long the rest of a series is, once its end has come.
const (
	patience    = time.Second
	endPatience = 200 * time.Millisecond
)

// lookahead is how many messages of one connection are looked through at most.
const lookahead = 4 * ringSize

// farAhead is more than connections that share a series ever differ by.
const farAhead = 16 * lookahead

// merge restores the order of one series that comes by several connections. What one
// connection brings is in order; between them the frame number decides.
//
// A frame is passed when it is the expected one; or, as a gap, when every connection
// has something later in front, or patience has ended. The end is passed when nothing
// more comes. What a connection brings in front of a fall of its frame numbers, or of
// an end and further data, is left from an older series, as long as nothing of that
// connection has been passed in this one.
type merge struct {
	up     *Upstream
	lanes  []*lane
	series *series

	expected int64
	known    bool  // expected is
	place    int64 // of the last message that was passed, where it had one
	placed   bool
	since    time.Time // when the wait for a missing message began
	timer    *time.Timer
}

// lane is one connection: its messages, judged.
type lane struct {
	in     *input
	queue  []item
	bytes  int64
	synced bool // something of it has been passed in this series
	absent bool // it was waited for in vain, and is not again until it brings something
}

// full says whether no more may be looked through.
func (l *lane) full() bool {
	return len(l.queue) >= lookahead || len(l.queue) > 0 && l.bytes >= l.in.share
}

type item struct {
	m *zmq.Message
	v verdict
}

func newMerge(inputs []*input, up *Upstream, s *series) *merge {
	g := &merge{up: up, series: s}
	for _, in := range inputs {
		g.lanes = append(g.lanes, &lane{in: in})
	}
	return g
}

// restart begins a series with what has come already.
func (g *merge) restart() {
	g.known, g.placed = false, false
	g.calm()
	for _, l := range g.lanes {
		l.synced, l.absent = false, false
	}
}

// drop gives back what waits.
func (g *merge) drop() {
	g.calm()
	for _, l := range g.lanes {
		for _, i := range l.queue {
			g.up.Pool.Put(i.m)
		}
		l.queue, l.bytes = nil, 0
	}
}

// next passes the next message of the series that makes an event.
func (g *merge) next(now func() time.Time) (*zmq.Message, error) {
	for range atOnce {
		if err := g.fill(g.series.state != running); err != nil {
			return nil, err
		}
		var l *lane
		if g.series.state == running {
			l = g.choose(now)
		} else {
			l = g.begin()
		}
		if l == nil {
			return nil, nil
		}
		g.calm()
		if event := g.pass(l); event != nil {
			return event, nil
		}
	}
	g.up.Wake()
	return nil, nil
}

// fill reads what has come on lanes that have nothing, or (deep) on all, as far as it
// may be looked through. What is broken is dropped here, so that it holds nothing up.
func (g *merge) fill(deep bool) error {
	for _, l := range g.lanes {
		if !deep && len(l.queue) > 0 {
			continue
		}
		for !l.full() && (deep || len(l.queue) == 0 || l.in.head < l.in.tail) {
			m, err := l.in.take(g.up.Pool)
			if err != nil {
				return fmt.Errorf("one of %d connections: %w", len(g.lanes), err)
			}
			if m == nil {
				break
			}
			if v := g.series.judge.judge(m); v.kind == invalid || v.kind == other {
				g.series.step(m, v)
			} else {
				l.queue = append(l.queue, item{m, v})
				l.bytes += int64(m.Size())
				l.absent = false
			}
		}
	}
	return nil
}

// pass hands a lane's first message to the series.
func (g *merge) pass(l *lane) *zmq.Message {
	i := l.pop()
	g.place, g.placed = i.v.place, i.v.placed
	if g.series.state == running {
		l.synced = true
		if i.v.kind == data && i.v.numbered {
			// A late one changes nothing of what is to come.
			if next := i.v.frame + 1; !g.known || next > g.expected {
				g.expected, g.known = next, true
			}
		}
	}
	event := g.series.step(i.m, i.v)
	if event != nil && i.v.kind == start {
		l.synced = true
	}
	return event
}

func (l *lane) pop() item {
	i := l.queue[0]
	l.queue[0] = item{}
	l.queue = l.queue[1:]
	l.bytes -= int64(i.m.Size())
	return i
}

// begin finds the lane whose first message goes next while no series runs: after the
// end any, which drops it; before the start the one that brings the start, which
// makes all in front of it in its lane old.
func (g *merge) begin() *lane {
	var found, full *lane
	depth := lookahead
	for _, l := range g.lanes {
		if len(l.queue) == 0 {
			continue
		}
		if g.series.state == ended {
			return l
		}
		for n, i := range l.queue[:min(depth, len(l.queue))] {
			if i.v.kind == start {
				found, depth = l, n
				break
			}
		}
		// No start, and no room to look for one: what waits here is old. Of several
		// such lanes the one with the highest number goes first, as frames of the
		// series that is to come have low ones.
		if l.full() && (full == nil || rank(l) > rank(full)) {
			full = l
		}
	}
	if found != nil {
		return found
	}
	return full
}

// rank orders lanes by the age of what they begin with.
func rank(l *lane) int64 {
	if v := l.queue[0].v; v.kind == data && v.numbered {
		return v.frame
	}
	return 1<<63 - 1
}

// choose finds the lane whose first message goes next in a running series, or nil
// when that has to be waited for.
func (g *merge) choose(now func() time.Time) *lane {
	var least, closing *lane
	empty, unsure := false, false
	for _, l := range g.lanes {
		if len(l.queue) == 0 {
			empty = empty || !l.absent
			continue
		}
		switch v := l.queue[0].v; {
		case v.kind != start && v.placed && g.placed && v.place == g.place+1:
			return l
		case v.kind == data && (!v.numbered || g.known && v.frame <= g.expected || !g.known && v.frame == 0):
			return l
		case v.kind == data:
			if least == nil || v.frame < least.queue[0].v.frame {
				least = l
			}
		default: // an end, or the start of what comes after it
			unsure = unsure || !l.synced
			if v.kind == end && (closing == nil || l.synced) {
				closing = l
			}
		}
	}
	if !empty && !unsure && least != nil {
		if g.clean() {
			return g.choose(now)
		}
		return least
	}
	if least == nil && closing == nil && !g.barred() {
		return nil // nothing at all has come
	}
	limit := patience
	if least == nil && closing != nil {
		limit = endPatience
	}
	if !g.waited(limit, now()) {
		return nil
	}
	for _, l := range g.lanes {
		l.absent = len(l.queue) == 0
	}
	if g.clean() {
		return g.choose(now)
	}
	switch {
	case least != nil:
		return least
	case closing != nil:
		return closing
	}
	for _, l := range g.lanes { // a second start, and no end: it is swallowed
		if len(l.queue) > 0 {
			return l
		}
	}
	return nil
}

// barred says whether all that has come is the start of another series.
func (g *merge) barred() bool {
	for _, l := range g.lanes {
		if len(l.queue) > 0 {
			return true
		}
	}
	return false
}

// clean drops what is left of an older series at the front of lanes that have brought
// nothing to this one, and says whether there was any.
func (g *merge) clean() bool {
	cleaned := false
	if g.fill(true) != nil {
		return false // Next meets the error again
	}
	for _, l := range g.lanes {
		if l.synced || len(l.queue) == 0 {
			continue
		}
		n := old(l.queue)
		// A lane full of frames that are far ahead of a series that has just begun: the
		// place where they end is out of sight.
		if v := l.queue[0].v; n == 0 && l.full() && g.known && v.kind == data && v.numbered && v.frame-g.expected > farAhead {
			n = len(l.queue)
		}
		if n > 0 {
			for range n {
				g.series.drop(l.pop().m, NoStart, "it is left from an older series")
			}
			cleaned = true
		}
	}
	return cleaned && g.fill(true) == nil // there may be more of it behind
}

// old counts the messages in front of the last place where a series must have
// changed: a fall of the frame number, or data after an end.
func old(queue []item) int {
	n := 0
	for k := 1; k < len(queue); k++ {
		before, v := queue[k-1].v, queue[k].v
		if v.kind == data && (before.kind == end || before.kind == data && v.numbered && before.numbered && v.frame < before.frame) {
			n = k
		}
	}
	return n
}

// waited says whether a wait has lasted long enough, and sees to it that Next is
// called again when it has.
func (g *merge) waited(limit time.Duration, now time.Time) bool {
	if g.since.IsZero() {
		g.since = now
	}
	if left := limit - now.Sub(g.since); left > 0 {
		if g.timer == nil {
			g.timer = time.AfterFunc(left, g.up.Wake)
		}
		return false
	}
	return true
}

// calm ends a wait.
func (g *merge) calm() {
	g.since = time.Time{}
	if g.timer != nil {
		g.timer.Stop()
		g.timer = nil
	}
}
