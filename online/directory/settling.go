package directory

import (
	"container/list"
	"time"
)

// settling holds the files that may still change. All wait equally long, so the
// order in which they came is that in which they are due.
type settling struct {
	wait  time.Duration
	most  int
	files map[string]*list.Element // by path
	order *list.List               // of *settler, the next one due first
}

// settler is one that waits.
type settler struct {
	file file
	due  time.Time // of its place in order
	last time.Time // when it may be finished: due, or later when it was touched since
}

func newSettling(wait time.Duration, most int) *settling {
	return &settling{wait: wait, most: most, files: map[string]*list.Element{}, order: list.New()}
}

// put begins the wait of a file anew, unless it is as it was. False: too many wait.
func (s *settling) put(f file, now time.Time) bool {
	if e, waits := s.files[f.path]; waits {
		if one := e.Value.(*settler); !one.file.same(f) {
			one.file, one.last = f, now.Add(s.wait)
		}
		return true
	}
	if len(s.files) >= s.most {
		return false
	}
	due := now.Add(s.wait)
	s.files[f.path] = s.order.PushBack(&settler{file: f, due: due, last: due})
	return true
}

// touch prolongs the wait of a file that is being written; false when it does not wait.
func (s *settling) touch(path string, now time.Time) bool {
	e, waits := s.files[path]
	if waits {
		e.Value.(*settler).last = now.Add(s.wait)
	}
	return waits
}

// due takes out the next file whose wait is over.
func (s *settling) due(now time.Time) (file, bool) {
	for e := s.order.Front(); e != nil; e = s.order.Front() {
		one := e.Value.(*settler)
		if one.due.After(now) {
			break
		}
		if one.last.After(now) {
			one.due = one.last
			s.place(e, one)
			continue
		}
		s.order.Remove(e)
		delete(s.files, one.file.path)
		return one.file, true
	}
	return file{}, false
}

// place moves one that was touched to where it is due: near the end, where the
// latest are.
func (s *settling) place(e *list.Element, one *settler) {
	at := s.order.Back()
	for at != e && at.Value.(*settler).due.After(one.due) {
		at = at.Prev()
	}
	if at != e {
		s.order.MoveAfter(e, at)
	}
}

// next is when the next one is due; false when none waits.
func (s *settling) next() (time.Time, bool) {
	if e := s.order.Front(); e != nil {
		return e.Value.(*settler).due, true
	}
	return time.Time{}, false
}
