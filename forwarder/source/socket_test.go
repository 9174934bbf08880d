package source

import (
	"fmt"
	"testing"
	"time"

	"ingestor/internal/zmq"
)

// connected is an upstream with a context of its own.
func connected(t testing.TB) *Upstream {
	t.Helper()
	c, err := zmq.NewContext(zmq.ContextOptions{})
	if err != nil {
		t.Fatal(err)
	}
	up := quiet()
	up.Context = c
	t.Cleanup(func() {
		up.Pool.Close()
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return up
}

// sending is a bound socket of the detector's side, and the upstream of its context.
func sending(t testing.TB, k zmq.Kind, url string) (*Upstream, *zmq.Socket) {
	t.Helper()
	up := connected(t)
	s, err := up.Context.Socket(k, zmq.SocketOptions{SendTimeout: 5 * time.Second, Linger: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Bind(url); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return up, s
}

func pushing(t testing.TB, url string) (*Upstream, *zmq.Socket) {
	t.Helper()
	return sending(t, zmq.Push, url)
}

// open makes and opens a source; the test closes it.
func open(t testing.TB, up *Upstream, settings Settings) Source {
	t.Helper()
	settings.Stream = "s"
	s, err := New(settings)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Open(up); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// event waits for the next event.
func event(t testing.TB, s Source) *zmq.Message {
	t.Helper()
	for limit := time.Now().Add(time.Minute); time.Now().Before(limit); time.Sleep(time.Millisecond) {
		m, err := s.Next()
		if err != nil {
			t.Fatal(err)
		}
		if m != nil {
			return m
		}
	}
	t.Fatal("no event within a minute")
	return nil
}

// expect waits for events, each its parts joined by |.
func expect(t testing.TB, up *Upstream, s Source, want ...string) {
	t.Helper()
	for n, w := range want {
		got := ""
		for i, p := range parts(up, event(t, s)) {
			if i > 0 {
				got += "|"
			}
			got += string(p)
		}
		if got != w {
			t.Fatalf("event %d is %q, want %q", n, got, w)
		}
	}
}

// silence sees to it that nothing more comes.
func silence(t testing.TB, s Source) {
	t.Helper()
	for range 30 {
		m, err := s.Next()
		if m != nil || err != nil {
			t.Fatalf("there is more: %v, %v", m, err)
		}
		time.Sleep(time.Millisecond)
	}
}

func send(t testing.TB, s *zmq.Socket, parts ...string) {
	t.Helper()
	var b [][]byte
	for _, p := range parts {
		b = append(b, []byte(p))
	}
	if err := s.SendBytes(b...); err != nil {
		t.Fatal(err)
	}
}

func stinsHeader(n int) string {
	return fmt.Sprintf(`{"htype": "header", "filename": "f", "msg_number": %d}`, n)
}

func stinsImage(frame, n int) string {
	return fmt.Sprintf(`{"htype": "image", "frame": %d, "shape": [1], "type": "u1", "compression": "none", "msg_number": %d}`, frame, n)
}

func stinsEnd(n int) string { return fmt.Sprintf(`{"htype": "series_end", "msg_number": %d}`, n) }
