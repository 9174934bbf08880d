package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ingestor/forwarder/dump"
	"ingestor/internal/fault"
	"ingestor/internal/zmq"
)

// payload is frames in Go's memory.
type payload [][]byte

func (p payload) Parts() int        { return len(p) }
func (p payload) Part(i int) []byte { return p[i] }
func (p payload) Free()             {}
func (p payload) Size() (n int) {
	for _, b := range p {
		n += len(b)
	}
	return n
}

// write makes a dump: one stream, and an event for each number.
func write(t *testing.T, stream, typ string, size int, events ...uint64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), stream+".cbors")
	w, err := dump.NewWriter(dump.WriterOptions{Path: path, QueueBytes: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		frames := payload{fmt.Appendf(nil, `{"stream":%q,"n":%d}`, stream, e), make([]byte, size)}
		if !w.TryPut(e, time.Unix(1e9, int64(e)*20e6), []dump.Part{{Name: stream, Typ: typ, Message: frames}}) {
			t.Fatal("no room")
		}
	}
	done := make(chan error, 1)
	go func() { done <- w.Run(t.Context()) }()
	if err := errors.Join(w.Close(t.Context()), <-done); err != nil {
		t.Fatal(err)
	}
	return path
}

func count(n uint64) (all []uint64) {
	for i := range n {
		all = append(all, i)
	}
	return all
}

func headers(messages [][][]byte) (all []string) {
	for _, m := range messages {
		all = append(all, string(m[0]))
	}
	return all
}

func header(stream string, n uint64) string { return fmt.Sprintf(`{"stream":%q,"n":%d}`, stream, n) }

// TestPub_WaitsForASlowSubscriber: 200 MB through a subscriber that holds ten
// messages, none is dropped. A PUB of libzmq keeps 1000 and drops the others.
func TestPub_WaitsForASlowSubscriber(t *testing.T) {
	const n = 4000
	file, address := write(t, "s", typXspress, 50_000, count(n)...), freeAddress(t)
	c, err := zmq.NewContext(zmq.ContextOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Socket(zmq.Sub, zmq.SocketOptions{ReceiveTimeout: 20 * time.Second, ReceiveHWM: 10, ReceiveBuffer: 10_000, Subscribe: []string{""}})
	if err == nil {
		err = s.Connect("tcp://" + address)
	}
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		ended <- play(t, Options{Files: []string{file}, Addresses: map[string]string{"s": "tcp://" + address}})
	}()
	for i := range uint64(n) {
		m, err := s.ReceiveBytes()
		if err != nil || string(m[0]) != header("s", i) || len(m[1]) != 50_000 {
			t.Fatalf("message %d is %q, %v", i, headers([][][]byte{m}), err)
		}
		if i%500 == 0 {
			time.Sleep(5 * time.Millisecond)
		}
	}
	if err := errors.Join(<-ended, s.Close(), c.Close()); err != nil {
		t.Error(err)
	}
}

// TestPush_SharesAmongItsPeers: each has its part in order, and begins only when
// all are there.
func TestPush_SharesAmongItsPeers(t *testing.T) {
	file, address := write(t, "s", typStins, 10, count(100)...), freeAddress(t)
	first, second := receiver(t, zmq.Pull, address), receiver(t, zmq.Pull, address)
	if err := play(t, Options{Files: []string{file}, Addresses: map[string]string{"s": "tcp://" + address}, Peers: 2}); err != nil {
		t.Fatal(err)
	}
	a, b := headers(first()), headers(second())
	if len(a) != 50 || len(b) != 50 {
		t.Fatalf("%d and %d messages", len(a), len(b))
	}
	if a[0] != header("s", 0) {
		a, b = b, a
	}
	for i := range uint64(50) {
		if a[i] != header("s", 2*i) || b[i] != header("s", 2*i+1) {
			t.Fatalf("message %d: %s, %s", i, a[i], b[i])
		}
	}
}

// TestZMTP_WhoDoesNotFitGetsNothing and holds nobody up.
func TestZMTP_WhoDoesNotFitGetsNothing(t *testing.T) {
	file, address := write(t, "s", typXspress, 10, 0, 1, 2), freeAddress(t)
	strangers := []func() [][][]byte{
		receiver(t, zmq.Pull, address),               // not for a PUB
		receiver(t, zmq.Sub, address, "other topic"), // fits, and wants something else
	}
	go func() {
		for t.Context().Err() == nil {
			if conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address); err == nil {
				_, _ = conn.Write([]byte("GET / HTTP/1.1\r\n\r\n" + strings.Repeat("x", 100)))
				_ = conn.Close()
			}
			time.Sleep(time.Millisecond)
		}
	}()
	end := receiver(t, zmq.Sub, address, `{"stream":"s"`)
	if err := play(t, Options{Files: []string{file}, Addresses: map[string]string{"s": "tcp://" + address}, Peers: 2}); err != nil {
		t.Fatal(err)
	}
	if got := headers(end()); len(got) != 3 {
		t.Errorf("got %q", got)
	}
	for _, end := range strangers {
		if got := headers(end()); len(got) != 0 {
			t.Errorf("a stranger got %q", got)
		}
	}
}

// TestPush_APeerThatGoesIsNotTheEnd: what comes next is for the one that is left.
func TestPush_APeerThatGoesIsNotTheEnd(t *testing.T) {
	z, err := newZMTP(t.Context(), Push, "127.0.0.1:0", 1)
	if err != nil {
		t.Fatal(err)
	}
	address := z.listener.Addr().String()
	goes := receiver(t, zmq.Pull, address)
	message := func(n uint64) [][]byte { return [][]byte{[]byte(header("s", n))} }
	if err := z.send(t.Context(), message(0)); err != nil {
		t.Fatal(err)
	}
	for goes(); ; time.Sleep(time.Millisecond) {
		z.mu.Lock()
		left := len(z.peers)
		z.mu.Unlock()
		if left == 0 {
			break
		}
	}
	stays := receiver(t, zmq.Pull, address)
	for i := range uint64(10) {
		if err := z.send(t.Context(), message(i+1)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.finish(t.Context()); err != nil {
		t.Error(err)
	}
	if got := headers(stays()); len(got) != 10 || got[0] != header("s", 1) {
		t.Errorf("got %q", got)
	}
}

// TestLines_TheNextClientGetsWhatTheLastDidNot, from the next event on.
func TestLines_TheNextClientGetsWhatTheLastDidNot(t *testing.T) {
	l, err := newLines(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dial := func(ask string) net.Conn {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", l.listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write([]byte(ask)); err != nil {
			t.Fatal(err)
		}
		return c
	}
	never := dial(strings.Repeat("no line ", 10)) // is shown the door
	defer never.Close()
	first := dial("\n")
	if err := l.send(t.Context(), [][]byte{[]byte("one\n")}); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 7)
	if _, err := io.ReadFull(first, b); err != nil || string(b) != "OK\none\n" {
		t.Fatalf("%q, %v", b, err)
	}
	_ = first.Close()
	second := dial("\n")
	got := make(chan string)
	go func() {
		b, _ := io.ReadAll(second)
		_ = second.Close()
		got <- string(b)
	}()
	for range 5 { // the first of them may still go to the one that left
		if err := l.send(t.Context(), [][]byte{[]byte("line\n")}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond)
	}
	if err := l.finish(t.Context()); err != nil {
		t.Error(err)
	}
	if s := <-got; !strings.HasPrefix(s, "OK\nline\nline\n") || !strings.HasSuffix(s, "\n") {
		t.Errorf("got %q", s)
	}
}

// TestPlayer_FilesOfOneScanGoTogether, in each round.
func TestPlayer_FilesOfOneScanGoTogether(t *testing.T) {
	address := freeAddress(t)
	a, b := write(t, "a", typStins, 1, 0, 2, 3), write(t, "b", typStins, 1, 0, 1, 3)
	end := receiver(t, zmq.Pull, address)
	p, err := New(Options{Files: []string{a, b}, Open: fileOpener, Rounds: 2, Pause: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	z, err := newZMTP(t.Context(), Push, address, 1)
	if err != nil {
		t.Fatal(err)
	}
	shared := &stream{unpack: newUnpacker(), to: z}
	p.streams = map[string]*stream{"a": shared, "b": shared}
	if err := p.rounds(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := z.finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	round := []string{header("a", 0), header("b", 0), header("b", 1), header("a", 2), header("a", 3), header("b", 3)}
	if got := headers(end()); !slices.Equal(got, append(round, round...)) {
		t.Errorf("got %q", got)
	}
	if events, messages, bytes := p.Sent(); events != 12 || messages != 12 || bytes < 200 {
		t.Errorf("%d events, %d messages, %d bytes", events, messages, bytes)
	}
}

func TestPlayer_ATornFileIsSentAsFarAsItIsWhole(t *testing.T) {
	file, address := write(t, "s", typStins, 100, count(10)...), freeAddress(t)
	if err := os.Truncate(file, 1000); err != nil {
		t.Fatal(err)
	}
	whole := uint64(0)
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for r := dump.NewReader(f); ; whole++ {
		if _, err := r.Next(); err != nil {
			break
		}
	}
	end := receiver(t, zmq.Pull, address)
	err = play(t, Options{Files: []string{file}, Addresses: map[string]string{"": "tcp://" + address}})
	if fault.KindOf(err) != fault.BadInput || !errors.Is(err, dump.ErrTorn) || !strings.Contains(err.Error(), file) {
		t.Error(err)
	}
	if got := end(); uint64(len(got)) != whole || whole < 3 {
		t.Errorf("%d messages, %d are whole", len(got), whole)
	}
}

// TestPlayer_EndsWhereverItWaits, with what ended it.
func TestPlayer_EndsWhereverItWaits(t *testing.T) {
	stopped := fault.Errorf(fault.Terminated, "stopped")
	push, lines, posts := write(t, "s", typStins, 1<<20, count(100)...), write(t, "s", typPCAPRaw, 1, 0), vector("sardana_http", "dump.cbors")
	deaf := func(t *testing.T, address string) { // takes the connection and reads nothing
		c, err := zmq.NewContext(zmq.ContextOptions{})
		if err != nil {
			t.Fatal(err)
		}
		s, err := c.Socket(zmq.Pull, zmq.SocketOptions{ReceiveHWM: 1})
		if err == nil {
			err = s.Connect("tcp://" + address)
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _, _ = s.Close(), c.Close() })
	}
	for _, c := range []struct {
		name string
		o    Options
		with func(*testing.T, string)
	}{
		{name: "for a PULL", o: Options{Files: []string{push}}},
		{name: "for a PULL that is deaf", o: Options{Files: []string{push}}, with: deaf},
		{name: "for a client of lines", o: Options{Files: []string{lines}}},
		{name: "for a server", o: Options{Files: []string{posts}}},
		{name: "for the next event", o: Options{Files: []string{push}, Rate: 0.001}, with: deaf},
	} {
		t.Run(c.name, func(t *testing.T) {
			address, scheme := freeAddress(t), "tcp://"
			if c.o.Files[0] == posts {
				scheme = "http://"
			}
			if c.with != nil {
				c.with(t, address)
			}
			c.o.Open, c.o.Rounds, c.o.Addresses = fileOpener, 1, map[string]string{"": scheme + address}
			p, err := New(c.o)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancelCause(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- p.Run(ctx) }()
			time.Sleep(100 * time.Millisecond)
			cancel(stopped)
			select {
			case err := <-ended:
				if !errors.Is(err, stopped) {
					t.Error(err)
				}
			case <-time.After(time.Minute):
				t.Fatal("it goes on")
			}
		})
	}
}

// TestPacer_NothingGoesOutBeforeItsTime.
func TestPacer_NothingGoesOutBeforeItsTime(t *testing.T) {
	file, address := write(t, "s", typStins, 1, count(6)...), freeAddress(t) // 20 ms apart
	for name, o := range map[string]Options{"at a rate": {Rate: 50}, "as recorded": {AsRecorded: true}} {
		end := receiver(t, zmq.Pull, address)
		o.Files, o.Addresses = []string{file}, map[string]string{"s": "tcp://" + address}
		start := time.Now()
		if err := play(t, o); err != nil {
			t.Fatal(name, err)
		}
		if took := time.Since(start); took < 100*time.Millisecond || len(end()) != 6 {
			t.Errorf("%s: took %v", name, took)
		}
	}
}

func TestPlayer_WrongUseSaysWhatToDo(t *testing.T) {
	vectorFile := vector("multi_stream", "dump.cbors")
	two := []string{write(t, "a", typStins, 1, 0), write(t, "b", typStins, 1, 0)}
	for _, c := range []struct {
		o    Options
		want string
		kind fault.Kind
	}{
		{Options{}, "no file", fault.Usage},
		{Options{Files: two, Rate: -1}, "rate of -1", fault.Usage},
		{Options{Files: two, Rate: 1, AsRecorded: true}, "not both", fault.Usage},
		{Options{Files: two, Peers: -1}, "negative", fault.Usage},
		{Options{Files: two, Protocols: map[string]Protocol{"a": "udp"}}, `"udp" is no protocol`, fault.Usage},
		{Options{Files: []string{vectorFile}, Streams: []string{"dummy"}}, `typ "JSON"`, fault.Usage},
		{Options{Files: two[:1]}, "--bind a=URL", fault.Usage},
		{Options{Files: []string{vector("sardana_http", "dump.cbors")}}, "--connect sardana=URL", fault.Usage},
		{Options{Files: two[:1], Addresses: map[string]string{"a": "http://127.0.0.1:1"}}, "tcp://127.0.0.1:9999", fault.Usage},
		{Options{Files: two[:1], Addresses: map[string]string{"a": "tcp://192.0.2.1:1"}}, "cannot assign", fault.Unavailable},
		{Options{Files: two[:1], Protocols: map[string]Protocol{"a": HTTP}, Addresses: map[string]string{"a": "http://127.0.0.1:1"}}, "none that is posted", fault.BadInput},
	} {
		c.o.Open, c.o.Rounds = fileOpener, 1
		p, err := New(c.o)
		if err == nil {
			err = p.Run(t.Context())
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || fault.KindOf(err) != c.kind {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}

func TestPlayer_TwoStreamsDoNotShareAnAddress(t *testing.T) {
	two := []string{write(t, "a", typStins, 1, 0), write(t, "b", typStins, 1, 1)}
	address := freeAddress(t)
	end := receiver(t, zmq.Pull, address)
	defer end()
	err := play(t, Options{Files: two, Addresses: map[string]string{"": "tcp://" + address}})
	if fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), "a and b can not share") {
		t.Error(err)
	}
}
