package zmq

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"
)

func newContext(t testing.TB) *Context {
	t.Helper()
	c, err := NewContext(ContextOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// open gives a socket that waits up to five seconds.
func open(t testing.TB, c *Context, k Kind, o SocketOptions) *Socket {
	t.Helper()
	if o.ReceiveTimeout == 0 {
		o.ReceiveTimeout = 5 * time.Second
	}
	if o.SendTimeout == 0 {
		o.SendTimeout = 5 * time.Second
	}
	s, err := c.Socket(k, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func bind(t testing.TB, s *Socket) string {
	t.Helper()
	if err := s.Bind("tcp://127.0.0.1:*"); err != nil {
		t.Fatal(err)
	}
	return s.Endpoint()
}

func connect(t testing.TB, s *Socket, endpoint string) {
	t.Helper()
	if err := s.Connect(endpoint); err != nil {
		t.Fatal(err)
	}
}

func texts(parts [][]byte) string { return fmt.Sprintf("%q", parts) }

// receive waits for n messages.
func receive(t testing.TB, s *Socket, p *Pool, n int) []*Message {
	t.Helper()
	var all []*Message
	for end := time.Now().Add(time.Minute); len(all) < n; {
		into := make([]*Message, 64)
		k, err := s.Receive(p, into)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, into[:k]...)
		if time.Now().After(end) {
			t.Fatalf("%d of %d messages came", len(all), n)
		}
	}
	return all
}

func TestMessagePartsKeepTheirBytes(t *testing.T) {
	m, other := NewMessage(), NewMessage()
	defer m.Free()
	defer other.Free()
	var want [][]byte
	for i := range 50 { // small parts lie inside, large ones outside of the message
		b := bytes.Repeat([]byte{byte('a' + i%26)}, i*3)
		m.Append(b)
		want = append(want, b)
	}
	check := func(what string, m *Message) {
		t.Helper()
		if m.Parts() != len(want) {
			t.Fatalf("%s: %d parts", what, m.Parts())
		}
		size := 0
		for i, b := range want {
			size += len(b)
			if !bytes.Equal(m.Part(i), b) {
				t.Errorf("%s: part %d is %q", what, i, m.Part(i))
			}
		}
		if m.Size() != size || !bytes.Equal(m.First(), want[0]) {
			t.Errorf("%s: size %d, first %q", what, m.Size(), m.First())
		}
	}
	check("appended", m)
	other.CopyFrom(m)
	check("shared", other)
	check("still there", m)
	other.Clear()
	other.MoveFrom(m)
	check("moved", other)
	if m.Parts() != 0 || m.Size() != 0 || m.First() != nil {
		t.Errorf("after a move %d parts are left", m.Parts())
	}
}

func TestPullToRouterMovesWholeMessages(t *testing.T) {
	c := newContext(t)
	push, pull := open(t, c, Push, SocketOptions{}), open(t, c, Pull, SocketOptions{})
	connect(t, pull, bind(t, push))
	router := open(t, c, Router, SocketOptions{Mandatory: true, Handover: true})
	dealer := open(t, c, Dealer, SocketOptions{Identity: []byte("w1")})
	connect(t, dealer, bind(t, router))

	var pool Pool
	defer pool.Close()
	if err := dealer.SendBytes([]byte("ping")); err != nil {
		t.Fatal(err)
	}
	ping := receive(t, router, &pool, 1)[0]
	if ping.Parts() != 2 || string(ping.First()) != "w1" || string(ping.Part(1)) != "ping" {
		t.Fatalf("ping has %d parts, first %q", ping.Parts(), ping.First())
	}
	pool.Put(ping)

	big := bytes.Repeat([]byte("x"), 100_000)
	if err := push.SendBytes([]byte(`{"n":1}`), big, nil); err != nil {
		t.Fatal(err)
	}
	m := receive(t, pull, &pool, 1)[0]
	if err := router.SendTo(nil, []byte("nobody"), []byte("h"), m, false); !errors.Is(err, ErrHostUnreachable) {
		t.Fatalf("to nobody: %v", err)
	}
	if m.Parts() != 3 {
		t.Fatalf("a refused message has %d parts", m.Parts())
	}
	for _, keep := range []bool{true, false} {
		if err := router.SendTo(nil, []byte("w1"), []byte("header"), m, keep); err != nil {
			t.Fatal(err)
		}
		got, err := dealer.ReceiveBytes()
		if err != nil {
			t.Fatal(err)
		}
		if texts(got) != texts([][]byte{[]byte("header"), []byte(`{"n":1}`), big, {}}) {
			t.Errorf("keep %v: other parts came", keep)
		}
	}
	if m.Parts() != 0 {
		t.Errorf("a moved message has %d parts", m.Parts())
	}
	pool.Put(m)
}

func TestAFullPipeSaysTryAgainAndLeavesTheMessage(t *testing.T) {
	c := newContext(t)
	router := open(t, c, Router, SocketOptions{Mandatory: true, SendHWM: 4, SendBuffer: 4096})
	dealer := open(t, c, Dealer, SocketOptions{Identity: []byte("w"), ReceiveHWM: 4, ReceiveBuffer: 4096})
	connect(t, dealer, bind(t, router))
	var pool Pool
	defer pool.Close()
	if err := dealer.SendBytes([]byte("ping")); err != nil {
		t.Fatal(err)
	}
	pool.Put(receive(t, router, &pool, 1)[0])

	m := pool.Get()
	m.Append(bytes.Repeat([]byte("x"), 1<<20))
	sent := 0
	for {
		err := router.SendTo(nil, []byte("w"), []byte("h"), m, true)
		if errors.Is(err, ErrAgain) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if sent++; sent > 100 {
			t.Fatal("the pipe is never full")
		}
	}
	if m.Parts() != 1 || m.Size() != 1<<20 {
		t.Errorf("the refused message has %d parts", m.Parts())
	}
	// Room appears, and the descriptor tells.
	poller, err := NewPoller()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = poller.Close() }()
	poller.Add(router)
	for range sent {
		if _, err := dealer.ReceiveBytes(); err != nil {
			t.Fatal(err)
		}
	}
	for tries := 0; ; tries++ {
		if err := poller.Arm(); err != nil {
			t.Fatal(err)
		}
		if err := router.SendTo(nil, []byte("w"), []byte("h"), m, true); err == nil {
			break
		} else if !errors.Is(err, ErrAgain) || tries > 100 {
			t.Fatal(err)
		}
		if _, err := poller.Wait(100 * time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	pool.Put(m)
}

func TestALoweredReceiveLimitHoldsBackTheSender(t *testing.T) {
	c := newContext(t)
	push := open(t, c, Push, SocketOptions{SendHWM: 1, SendTimeout: 300 * time.Millisecond, SendBuffer: 4096})
	pull := open(t, c, Pull, SocketOptions{ReceiveBuffer: 4096})
	connect(t, pull, bind(t, push))
	var pool Pool
	defer pool.Close()
	block := bytes.Repeat([]byte("x"), 1<<20)
	if err := push.SendBytes(block); err != nil {
		t.Fatal(err)
	}
	pool.Put(receive(t, pull, &pool, 1)[0])
	if err := pull.SetReceiveHWM(3); err != nil {
		t.Fatal(err)
	}
	sent := 0
	for push.SendBytes(block) == nil {
		if sent++; sent > 50 {
			t.Fatal("nothing holds the sender back")
		}
	}
	for _, m := range receive(t, pull, &pool, sent) { // and nothing is stuck
		pool.Put(m)
	}
}

func TestAnOutletCountsWhatIsTakenAndWakes(t *testing.T) {
	c := newContext(t)
	router := open(t, c, Router, SocketOptions{Mandatory: true, SendBuffer: 4096})
	dealer := open(t, c, Dealer, SocketOptions{Identity: []byte("w"), ReceiveHWM: 2, ReceiveBuffer: 4096})
	connect(t, dealer, bind(t, router))
	var pool Pool
	defer pool.Close()
	if err := dealer.SendBytes([]byte("ping")); err != nil {
		t.Fatal(err)
	}
	pool.Put(receive(t, router, &pool, 1)[0])
	poller, err := NewPoller()
	if err != nil {
		t.Fatal(err)
	}
	o, err := c.NewOutlet(poller)
	if err != nil {
		t.Fatal(err)
	}
	m := pool.Get()
	m.Append(bytes.Repeat([]byte("x"), 1<<20))
	const n = 30
	for i := range n {
		header := []byte("h")
		if i%7 == 0 { // too long for a slab
			header = bytes.Repeat(header, 20_000)
		}
		if err := router.SendTo(o, []byte("w"), header, m, true); err != nil {
			t.Fatal(err)
		}
	}
	if o.Taken() >= n {
		t.Errorf("a peer that reads nothing has taken %d messages", o.Taken())
	}
	for got := 0; o.Taken() < n; {
		o.Want()
		for ; got < n && o.Taken() < n; got++ {
			if _, err := dealer.ReceiveBytes(); err != nil {
				t.Fatal(err)
			}
		}
		if o.Taken() == n {
			break
		}
		if told, err := poller.Wait(5 * time.Second); err != nil || !told {
			t.Fatalf("not woken (%v) with %d taken", err, o.Taken())
		}
	}
	pool.Put(m)
	t.Cleanup(func() { _ = poller.Close() }) // after the sockets
}

func TestWakeEndsAWait(t *testing.T) {
	p, err := NewPoller()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	go p.Wake()
	if told, err := p.Wait(-1); err != nil || !told {
		t.Fatal(told, err)
	}
	p.Wake()
	if told, err := p.WaitBriefly(time.Minute); err != nil || !told {
		t.Fatal(told, err)
	}
	if told, err := p.WaitBriefly(time.Microsecond); err != nil || told {
		t.Fatal(told, err)
	}
}

func TestMessagesForAPollerThatSleepsWakeIt(t *testing.T) {
	c := newContext(t)
	push, pull := open(t, c, Push, SocketOptions{}), open(t, c, Pull, SocketOptions{})
	connect(t, pull, bind(t, push))
	p, err := NewPoller()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	p.Add(pull)
	defer p.Remove(pull)
	const n = 2000
	go func() {
		for range n {
			if push.SendBytes([]byte("x")) != nil {
				return
			}
		}
	}()
	var pool Pool
	defer pool.Close()
	for got, armed := 0, false; got < n; {
		into := make([]*Message, 7)
		k, err := pull.Receive(&pool, into)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range into[:k] {
			pool.Put(m)
		}
		got += k
		switch {
		case k > 0:
			armed = false
		case !armed:
			if err := p.Arm(); err != nil {
				t.Fatal(err)
			}
			armed = true
		default:
			if _, err := p.Wait(5 * time.Second); err != nil {
				t.Fatal(err)
			}
			armed = false
		}
	}
}

func TestBytesMayBePartOfAnything(t *testing.T) {
	c := newContext(t)
	push, pull := open(t, c, Push, SocketOptions{}), open(t, c, Pull, SocketOptions{})
	connect(t, pull, bind(t, push))
	// C must not be refused bytes that lie beside pointers of Go.
	mixed := &struct {
		id    [16]byte
		other *int
	}{other: new(int)}
	if err := push.SendBytes(mixed.id[:]); err != nil {
		t.Fatal(err)
	}
	if got, err := pull.ReceiveBytes(); err != nil || len(got[0]) != 16 {
		t.Fatal(got, err)
	}
	m := NewMessage()
	defer m.Free()
	m.Append(mixed.id[:])
}

func TestErrorsNameTheEndpoint(t *testing.T) {
	c := newContext(t)
	s := open(t, c, Router, SocketOptions{})
	endpoint := bind(t, s)
	other := open(t, c, Router, SocketOptions{})
	if err := other.Bind(endpoint); err == nil || err.Error() != "zmq: bind "+endpoint+": address already in use" {
		t.Errorf("bound twice: %v", err)
	}
	if err := s.Connect("nonsense"); err == nil || err.Error() != "zmq: connect nonsense: invalid argument" {
		t.Errorf("connect: %v", err)
	}
}
