package source

import (
	"errors"
	"fmt"
	"time"

	"ingestor/internal/zmq"
)

// machine makes events of messages. It owns what it is fed.
type machine interface {
	// feed takes a message and gives an event, if that completes one.
	feed(m *zmq.Message) *zmq.Message
	// more gives what one message holds beyond its first event.
	more() *zmq.Message
	// restart drops what is incomplete and waits for a start.
	restart()
}

// atOnce bounds the messages that one Next looks at: behind a flood of junk there are
// other streams to serve.
const atOnce = 1024

// upstream is a source that reads ZeroMQ messages; its machine is the protocol.
type upstream struct {
	typ       string
	kind      zmq.Kind
	url       string
	bind      bool
	subscribe []string
	sockets   int
	build     func(*reporter, *Upstream) machine

	up      *Upstream
	report  *reporter
	open    []*zmq.Socket
	inputs  []*input // of the sockets
	machine machine
	merge   *merge // nil with one socket
}

// pulling is an upstream that keeps its connection from one mapping to the next: what
// a PUSH socket has sent is nobody else's.
type pulling struct{ *upstream }

// Restart looks through what has arrived for the next start.
func (p pulling) Restart() {
	if p.machine == nil {
		return
	}
	p.report.flush()
	p.machine.restart()
	if p.merge != nil {
		p.merge.restart()
	}
}

// Typ names the protocol.
func (u *upstream) Typ() string { return u.typ }

// Open connects. Upstream may come later than that.
func (u *upstream) Open(up *Upstream) error {
	if u.machine != nil {
		return nil
	}
	u.up = up
	u.report = &reporter{log: up.Log, count: up.Count, sub: u.kind == zmq.Sub}
	for range u.sockets {
		socket, err := up.Context.Socket(u.kind, zmq.SocketOptions{Subscribe: u.subscribe, ReceiveHWM: firstLimit})
		if err != nil {
			return errors.Join(fmt.Errorf("open the socket for %s: %w", u.url, err), u.Close())
		}
		// Of several sockets' share, the lanes of merge hold half.
		share := up.QueueBytes / int64(u.sockets) / int64(min(2, u.sockets))
		u.open = append(u.open, socket)
		u.inputs = append(u.inputs, &input{
			socket: socket, limit: firstLimit, share: share,
			fixed: u.bind, // each of several senders has its own count
		})
		up.Watch(socket)
		if u.bind {
			err = socket.Bind(u.url)
		} else {
			err = socket.Connect(u.url)
		}
		if err != nil {
			return errors.Join(fmt.Errorf("upstream %s: %w", u.url, err), u.Close())
		}
	}
	u.machine = u.build(u.report, up)
	if u.sockets > 1 {
		u.merge = newMerge(u.inputs, up, u.machine.(*series))
	}
	return nil
}

// Next looks at what has come until it makes an event.
func (u *upstream) Next() (*zmq.Message, error) {
	if u.machine == nil {
		return nil, nil
	}
	if u.merge != nil {
		return u.merge.next(time.Now)
	}
	if m := u.machine.more(); m != nil {
		return m, nil
	}
	in := u.inputs[0]
	for range atOnce {
		m, err := in.take(u.up.Pool)
		if err != nil {
			return nil, fmt.Errorf("upstream %s: %w", u.url, err)
		}
		if m == nil {
			return nil, nil
		}
		if event := u.machine.feed(m); event != nil {
			return event, nil
		}
	}
	u.up.Wake()
	return nil, nil
}

// LookAhead reads a first batch before anything is assigned, so that the socket's
// limit is right in time.
func (u *upstream) LookAhead() {
	for _, in := range u.inputs {
		// An error is one that Next meets again.
		_, _ = in.peek(u.up.Pool)
	}
}

// Close drops what has come and disconnects.
func (u *upstream) Close() error {
	if u.machine != nil {
		u.machine.restart()
		u.report.flush()
	}
	if u.merge != nil {
		u.merge.drop()
	}
	u.machine, u.merge = nil, nil
	var errs []error
	for _, in := range u.inputs {
		in.drop(u.up.Pool)
	}
	for _, socket := range u.open {
		u.up.Unwatch(socket)
		errs = append(errs, socket.Close())
	}
	u.inputs, u.open = nil, nil
	return errors.Join(errs...)
}

// endpoint is where the socket of a protocol connects.
func endpoint(s Settings) (string, error) {
	if _, err := checkURL(s, "tcp", "ipc", "inproc"); err != nil {
		return "", err
	}
	return s.URL, nil
}

// newPull makes a source that pulls and forwards messages as they are.
func newPull(s Settings, typ string, j func() judge) (Source, error) {
	url, err := endpoint(s)
	if err != nil {
		return nil, err
	}
	return pulling{&upstream{typ: typ, kind: zmq.Pull, url: url, sockets: s.Connections, build: verbatim(j)}}, nil
}

// newSub makes a source that subscribes to everything.
func newSub(s Settings, typ string, build func(*reporter, *Upstream) machine) (Source, error) {
	url, err := endpoint(s)
	if err != nil {
		return nil, err
	}
	if err := single(s); err != nil {
		return nil, err
	}
	return &upstream{typ: typ, kind: zmq.Sub, url: url, subscribe: []string{""}, sockets: 1, build: build}, nil
}
