package directory

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func numbered(i int) file {
	return file{path: fmt.Sprintf("/f%d", i), size: 1, mtime: time.Unix(int64(i/2), 0)}
}

func TestQueue_GivesTheOldestFirstAndLetsTheYoungestGo(t *testing.T) {
	q := queue{most: 1000}
	dropped := map[string]bool{}
	for _, i := range rand.New(rand.NewPCG(1, 2)).Perm(3000) {
		for _, f := range q.put(numbered(i)) {
			dropped[f.path] = true
		}
	}
	if q.len() > 1250 || q.len()+len(dropped) != 3000 {
		t.Fatalf("%d wait, %d dropped", q.len(), len(dropped))
	}
	var last file
	for n := 0; q.len() > 0; n++ {
		f := q.take()
		if n > 0 && f.older(last) {
			t.Fatalf("%v after %v", f, last)
		}
		if n < 1000 && f.mtime.Unix() != int64(n/2) {
			t.Fatalf("the file taken as number %d is %v: an older one was dropped", n, f)
		}
		last = f
	}
}

func TestSettling_GivesFilesThatHaveRestedInTheirOrder(t *testing.T) {
	start := time.Unix(1000, 0)
	at := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
	s := newSettling(10*time.Second, 3)
	a, b, c := numbered(1), numbered(2), numbered(3)
	for i, f := range []file{a, b, c} {
		if !s.put(f, at(i)) {
			t.Fatal("no place")
		}
	}
	if s.put(numbered(4), at(3)) {
		t.Error("a place too many")
	}
	changed := a
	changed.size = 99
	if !s.put(changed, at(5)) || !s.touch(b.path, at(6)) || s.touch("/other", at(6)) {
		t.Error("those that wait are not known")
	}
	var got []string
	for second := 9; second <= 20; second++ {
		for {
			f, due := s.due(at(second))
			if !due {
				break
			}
			got = append(got, fmt.Sprintf("%s(%d)@%d", f.path, f.size, second))
		}
	}
	if want := []string{"/f3(1)@12", "/f1(99)@15", "/f2(1)@16"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if _, waits := s.next(); waits || len(s.files) > 0 {
		t.Error("something is left")
	}
}

func TestMemory_KnowsFilesAsTheyWereAndForgetsThoseThatAreGone(t *testing.T) {
	m := newMemory()
	m.begin()
	a, b, c := numbered(1), numbered(2), numbered(3)
	m.set(a, ended)
	m.set(b, underway)
	m.set(c, asked)
	changed := a
	changed.mtime = changed.mtime.Add(1)
	if s, known := m.get(a); !known || s != ended {
		t.Error("not known", s)
	}
	if _, known := m.get(changed); known {
		t.Error("a changed file is known")
	}
	for range 5 {
		m.begin()
		m.see(a.path)
		m.prune()
	}
	for f, want := range map[file]bool{a: true, b: true, c: false} {
		if _, known := m.get(f); known != want {
			t.Errorf("%s is known: %v", f.path, known)
		}
	}
	m.forget(changed)
	if _, known := m.get(a); !known {
		t.Error("forgotten as another")
	}
	m.forget(a)
	if _, known := m.get(a); known {
		t.Error("not forgotten")
	}
}
