package offsets

import (
	"maps"
	"slices"
	"testing"
)

// model is the rule told the slow way: it remembers every offset of an epoch,
// and looks through all of them for the mark.
type model struct {
	epochs  map[Key]*modelEpoch
	tickets []modelTicket
}

type modelEpoch struct {
	offsets map[int64]modelState
	next    int64 // the offset with which reading goes on
	mark    int64
	marked  bool
	// wentBack: an offset came that was not above all before it.
	wentBack  bool
	committed int64
	known     bool
}

type modelState struct {
	generation int
	finished   bool
}

type modelTicket struct {
	real       Ticket
	epoch      *modelEpoch
	offset     int64
	generation int
}

func newModel() *model { return &model{epochs: make(map[Key]*modelEpoch)} }

func (m *model) assign(k Key, at int64) {
	m.epochs[k] = &modelEpoch{offsets: make(map[int64]modelState), next: at}
}

func (m *model) track(k Key, offset int64, real Ticket) {
	e := m.epochs[k]
	t := modelTicket{real: real, epoch: e, offset: offset, generation: -1}
	if e != nil {
		e.wentBack = e.wentBack || offset < e.next
		e.next = max(e.next, offset+1)
		if !e.marked || offset >= e.mark {
			s, known := e.offsets[offset]
			if known && s.finished {
				s = modelState{generation: s.generation + 1}
			}
			e.offsets[offset] = s
			t.generation = s.generation
		}
	}
	m.tickets = append(m.tickets, t)
}

func (m *model) finish(i int) {
	t := m.tickets[i]
	live := false
	for _, e := range m.epochs {
		live = live || e == t.epoch
	}
	if !live || t.generation < 0 {
		return
	}
	if s := t.epoch.offsets[t.offset]; s.generation == t.generation {
		s.finished = true
		t.epoch.offsets[t.offset] = s
	}
}

func (e *modelEpoch) unfinished() (list []int64) {
	for offset, s := range e.offsets {
		if !s.finished {
			list = append(list, offset)
		}
	}
	slices.Sort(list)
	return list
}

// reach is one past the last offset before which all is finished.
func (e *modelEpoch) reach() (int64, bool) {
	mark, ok := int64(0), false
	for _, offset := range slices.Sorted(maps.Keys(e.offsets)) {
		if !e.offsets[offset].finished {
			break
		}
		mark, ok = offset+1, true
	}
	return mark, ok
}

// compare holds a Book against the model, and takes over the Book's marks.
func (m *model) compare(t *testing.T, b *Book, keys []Key) {
	t.Helper()
	marks := b.Marks()
	for _, k := range keys {
		e := m.epochs[k]
		mark, listed := marks[k]
		if e == nil {
			if _, ok := b.Oldest(k); listed || ok || b.Unfinished(k) != 0 {
				t.Fatalf("%v is not assigned, but mark %d, %v, %d unfinished", k, mark, listed, b.Unfinished(k))
			}
			continue
		}
		unfinished := e.unfinished()
		if got := b.Unfinished(k); got != len(unfinished) {
			t.Fatalf("%v: %d unfinished, want %d", k, got, len(unfinished))
		}
		oldest, ok := b.Oldest(k)
		if ok != (len(unfinished) > 0) || ok && oldest != unfinished[0] {
			t.Fatalf("%v: oldest %d, %v, want of %v", k, oldest, ok, unfinished)
		}
		if !listed {
			// Not listed: never moved, or the broker has just this mark.
			if want, moved := e.reach(); moved && (!e.known || want > e.committed) {
				t.Fatalf("%v: no mark, want %d (committed %d, %v)", k, want, e.committed, e.known)
			}
			continue
		}
		if len(unfinished) > 0 && mark > unfinished[0] {
			t.Fatalf("%v: mark %d passes the unfinished %d", k, mark, unfinished[0])
		}
		if e.marked && mark < e.mark {
			t.Fatalf("%v: mark goes back from %d to %d", k, e.mark, mark)
		}
		want, _ := e.reach()
		if mark < want || mark > e.next || !e.wentBack && mark != want {
			t.Fatalf("%v: mark %d, want %d (read up to %d, went back %v)", k, mark, want, e.next, e.wentBack)
		}
		e.mark, e.marked = mark, true
	}
	for k := range marks {
		if !slices.Contains(keys, k) {
			t.Fatalf("mark of %v, which nobody assigned", k)
		}
	}
}

// replay takes a script of two-byte steps (what, with what) through a Book and
// the model side by side.
func replay(t *testing.T, script []byte) {
	keys := []Key{{"a", 0}, {"a", 1}, {"b", 0}}
	b, m := New(), newModel()
	for len(script) >= 2 {
		step, arg := script[0], script[1]
		script = script[2:]
		k := keys[int(step>>4)%len(keys)]
		switch step % 8 {
		case 0: // perhaps at an earlier offset than before
			b.Assign(k)
			m.assign(k, int64(arg))
		case 1:
			b.Revoke(k)
			delete(m.epochs, k)
		case 2, 3: // forward, with gaps
			offset := int64(arg % 4)
			if e := m.epochs[k]; e != nil {
				offset += e.next
			}
			m.track(k, offset, b.Track(k, offset))
		case 4: // back
			offset := int64(0)
			if e := m.epochs[k]; e != nil {
				offset = max(0, e.next-int64(arg%16))
			}
			m.track(k, offset, b.Track(k, offset))
		case 5, 6: // any ticket, also one that is finished or of old
			if n := len(m.tickets); n > 0 {
				i := int(arg) % n
				m.tickets[i].real.Finish()
				m.finish(i)
			}
		case 7:
			mark, ok := b.Marks()[k]
			if !ok || arg%4 == 0 { // a late answer
				mark = int64(arg)
			}
			b.Committed(k, mark)
			if e := m.epochs[k]; e != nil {
				e.committed, e.known = mark, true
			}
		}
		m.compare(t, b, keys)
	}
}
