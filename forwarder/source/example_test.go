package source_test

import (
	"fmt"
	"time"

	"ingestor/forwarder/source"
	"ingestor/internal/zmq"
)

// ticker is a source of a site's own: a clock that begins a series when it is opened
// and gives a frame whenever its time has come.
type ticker struct {
	every time.Duration

	up    *source.Upstream
	ticks chan time.Time
	stop  chan struct{}
	begun bool
}

func (*ticker) Typ() string { return "TICKS" }

// Open returns at once: a goroutine does the waiting.
func (t *ticker) Open(up *source.Upstream) error {
	if t.stop != nil {
		return nil
	}
	t.up, t.begun = up, false
	t.ticks, t.stop = make(chan time.Time, 1), make(chan struct{})
	go func(ticks chan<- time.Time, stop <-chan struct{}) {
		clock := time.NewTicker(t.every)
		defer clock.Stop()
		for {
			select {
			case now := <-clock.C:
				select {
				case ticks <- now: // the bound: one frame waits, no more
					up.Wake()
				case <-stop:
					return
				}
			case <-stop:
				return
			}
		}
	}(t.ticks, t.stop)
	return nil
}

// Next gives the start, then the frames, each once.
func (t *ticker) Next() (*zmq.Message, error) {
	if !t.begun {
		t.begun = true
		return t.event("start"), nil
	}
	select {
	case <-t.ticks:
		return t.event("tick", "payload"), nil
	default:
		return nil, nil
	}
}

func (t *ticker) event(frames ...string) *zmq.Message {
	m := t.up.Pool.Get()
	for _, f := range frames {
		m.Append([]byte(f))
	}
	return m
}

func (t *ticker) Close() error {
	if t.stop != nil {
		close(t.stop)
		t.stop = nil
	}
	return nil
}

// What a site's own source looks like, and how the pump uses it.
func ExampleSource() {
	woken := make(chan struct{}, 1)
	up := &source.Upstream{Pool: &zmq.Pool{}, Wake: func() {
		select {
		case woken <- struct{}{}:
		default:
		}
	}}
	var s source.Source = &ticker{every: time.Millisecond}
	if err := s.Open(up); err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	for events := 0; events < 3; {
		m, err := s.Next()
		if err != nil {
			fmt.Println(err)
			return
		}
		if m == nil {
			<-woken
			continue
		}
		fmt.Println(s.Typ(), string(m.First()), m.Parts())
		up.Pool.Put(m)
		events++
	}
	// Output:
	// TICKS start 1
	// TICKS tick 2
	// TICKS tick 2
}
