package replay

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// zmtp is a bound PUSH or PUB that speaks ZMTP 3.0 without security (RFC 23).
// A PUSH gives each message to the next peer, a PUB to all that subscribed. It
// waits for a peer that is slow, and for one when there is none.
type zmtp struct {
	kind     Protocol
	wanted   int // peers before the first message
	listener net.Listener
	done     sync.WaitGroup

	mu      sync.Mutex
	peers   []*peer
	next    int
	changed chan struct{} // closed and made anew with each change of the peers
	started bool
	closing bool
}

// peer is a receiver that has shaken hands.
type peer struct {
	conn   net.Conn
	ready  bool     // a PULL, or a SUB with a topic
	topics [][]byte // of a SUB
	head   []byte
	gone   chan struct{} // closed when it has closed
}

func newZMTP(ctx context.Context, kind Protocol, address string, peers int) (*zmtp, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	z := &zmtp{kind: kind, wanted: max(1, peers), listener: l, changed: make(chan struct{})}
	z.done.Go(z.accept)
	return z, nil
}

func (z *zmtp) accept() {
	for {
		conn, err := z.listener.Accept()
		if err != nil {
			return // closed
		}
		z.done.Go(func() { z.serve(conn) })
	}
}

// serve shakes hands and then reads what the peer says until it goes.
func (z *zmtp) serve(conn net.Conn) {
	defer conn.Close()
	// Whoever connects and says nothing holds nobody up for longer.
	if err := conn.SetDeadline(time.Now().Add(2 * time.Second)); err != nil {
		return
	}
	if err := z.shake(conn); err != nil {
		return
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return
	}
	p := &peer{conn: conn, ready: z.kind == Push, gone: make(chan struct{})}
	defer close(p.gone)
	if !z.update(func() { z.peers = append(z.peers, p) }) {
		return
	}
	for {
		flags, body, err := readFrame(conn)
		if err != nil {
			z.remove(p)
			return
		}
		if flags&flagCommand == 0 && z.kind == Pub && len(body) > 0 {
			z.update(func() { p.subscribe(body) })
		}
	}
}

// update changes the peers and tells the sender. False: there is none any more.
func (z *zmtp) update(change func()) bool {
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.closing {
		return false
	}
	change()
	close(z.changed)
	z.changed = make(chan struct{})
	return true
}

func (z *zmtp) remove(gone *peer) {
	z.update(func() {
		for i, p := range z.peers {
			if p == gone {
				z.peers = append(z.peers[:i:i], z.peers[i+1:]...)
				return
			}
		}
	})
}

// subscribe takes a message of a SUB: 1 and a topic, or 0 and one to forget.
func (p *peer) subscribe(body []byte) {
	topic := body[1:]
	switch body[0] {
	case 1:
		p.topics = append(p.topics, topic)
	case 0:
		for i, t := range p.topics {
			if bytes.Equal(t, topic) {
				p.topics = append(p.topics[:i:i], p.topics[i+1:]...)
				break
			}
		}
	}
	p.ready = len(p.topics) > 0
}

func (p *peer) wants(message []byte) bool {
	for _, t := range p.topics {
		if bytes.HasPrefix(message, t) {
			return true
		}
	}
	return false
}

// choose gives the peers that the next message goes to: one for a PUSH, the
// subscribers for a PUB. It waits until there are any, and at first as many as
// were wanted.
func (z *zmtp) choose(ctx context.Context) ([]*peer, error) {
	for {
		z.mu.Lock()
		var ready []*peer
		for _, p := range z.peers {
			if p.ready {
				ready = append(ready, p)
			}
		}
		changed := z.changed
		if len(ready) > 0 && (z.started || len(ready) >= z.wanted) {
			z.started = true
			if z.kind == Push {
				z.next++
				ready = ready[z.next%len(ready):][:1]
			}
			z.mu.Unlock()
			return ready, nil
		}
		z.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (z *zmtp) send(ctx context.Context, parts [][]byte) error {
	for {
		peers, err := z.choose(ctx)
		if err != nil {
			return err
		}
		taken := 0
		for _, p := range peers {
			if z.kind == Pub && !p.wants(parts[0]) {
				taken++
				continue
			}
			if err := p.write(ctx, parts); err == nil {
				taken++
				continue
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			// It went away. A half message is none for it, so another may have it.
			_ = p.conn.Close() // its reader ends, too
			z.remove(p)
		}
		if taken > 0 {
			return nil
		}
	}
}

// write sends a message in one call; the parts are not copied.
func (p *peer) write(ctx context.Context, parts [][]byte) error {
	// The views into head must not move while it grows.
	if need := len(parts) * 9; cap(p.head) < need {
		p.head = make([]byte, 0, need)
	}
	head := p.head[:0]
	buffers := make(net.Buffers, 0, 2*len(parts))
	for i, part := range parts {
		from := len(head)
		flags := byte(0)
		if i < len(parts)-1 {
			flags = flagMore
		}
		head = appendFrameHead(head, flags, len(part))
		buffers = append(buffers, head[from:], part)
	}
	defer context.AfterFunc(ctx, func() { _ = p.conn.SetWriteDeadline(time.Unix(1, 0)) })()
	_, err := buffers.WriteTo(p.conn)
	return err
}

// finish waits until each peer's machine has taken everything.
func (z *zmtp) finish(ctx context.Context) error {
	err := z.listener.Close()
	z.mu.Lock()
	z.closing = true
	peers := z.peers
	z.mu.Unlock()
	for _, p := range peers {
		err = errors.Join(err, drain(ctx, p.conn, p.gone))
		_ = p.conn.Close() // its reader ends
	}
	z.done.Wait()
	return err
}

// Of a frame's first byte, and bounds on what a receiver may say.
const (
	flagMore    = 1
	flagLong    = 2
	flagCommand = 4
	maxSaid     = 64 << 10
)

func appendFrameHead(b []byte, flags byte, n int) []byte {
	if n < 256 {
		return append(b, flags, byte(n))
	}
	return binary.BigEndian.AppendUint64(append(b, flags|flagLong), uint64(n))
}

func readFrame(r io.Reader) (flags byte, body []byte, err error) {
	var head [9]byte
	if _, err := io.ReadFull(r, head[:2]); err != nil {
		return 0, nil, err
	}
	n := uint64(head[1])
	if head[0]&flagLong != 0 {
		if _, err := io.ReadFull(r, head[2:]); err != nil {
			return 0, nil, err
		}
		n = binary.BigEndian.Uint64(head[1:])
	}
	if n > maxSaid {
		return 0, nil, fmt.Errorf("a receiver says %d bytes", n)
	}
	body = make([]byte, n)
	_, err = io.ReadFull(r, body)
	return head[0], body, err
}

// shake exchanges greetings and READY, and looks whether the peer fits.
func (z *zmtp) shake(conn net.Conn) error {
	// Signature, version 3.0, mechanism NULL, no server, filler.
	greeting := make([]byte, 64)
	greeting[0], greeting[9], greeting[10] = 0xff, 0x7f, 3
	copy(greeting[12:], "NULL")
	kind, fits := "PUSH", []string{"PULL"}
	if z.kind == Pub {
		kind, fits = "PUB", []string{"SUB", "XSUB"}
	}
	if _, err := conn.Write(greeting); err != nil {
		return err
	}
	theirs := make([]byte, 64)
	if _, err := io.ReadFull(conn, theirs); err != nil {
		return err
	}
	if theirs[0] != 0xff || theirs[9] != 0x7f || theirs[10] < 3 || !bytes.HasPrefix(theirs[12:], []byte("NULL\x00")) {
		return errors.New("no ZMTP 3 without security")
	}
	ready := append([]byte("\x05READY"), property("Socket-Type", kind)...)
	if _, err := conn.Write(append(appendFrameHead(nil, flagCommand, len(ready)), ready...)); err != nil {
		return err
	}
	flags, body, err := readFrame(conn)
	if err != nil {
		return err
	}
	for _, f := range fits {
		if flags&flagCommand != 0 && bytes.HasPrefix(body, []byte("\x05READY")) && bytes.Contains(body, property("Socket-Type", f)) {
			return nil
		}
	}
	return fmt.Errorf("a %s takes no such peer", kind)
}

func property(name, value string) []byte {
	b := append([]byte{byte(len(name))}, name...)
	return append(binary.BigEndian.AppendUint32(b, uint32(len(value))), value...)
}
