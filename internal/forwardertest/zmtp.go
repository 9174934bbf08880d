package forwardertest

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// Flags of a frame, ZMTP 3.0 section "framing".
const (
	flagMore    = 1
	flagLong    = 2
	flagCommand = 4
)

// greeting is what both sides send first: signature, version 3.0, mechanism
// NULL, no server. With 3.0 subscriptions come as messages, as PUB expects here.
func greeting() []byte {
	g := make([]byte, 64)
	g[0], g[9], g[10] = 0xff, 0x7f, 3
	copy(g[12:], "NULL")
	return g
}

// conn is one ZMTP connection after its handshake. One goroutine may read while
// others write.
type conn struct {
	net.Conn
	r  *bufio.Reader
	mu sync.Mutex // one whole message at a time
}

// shake greets the other side as a socket of the given type.
func shake(c net.Conn, socketType string, identity []byte) (*conn, error) {
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return nil, err
	}
	if _, err := c.Write(greeting()); err != nil {
		return nil, err
	}
	z := &conn{Conn: c, r: bufio.NewReaderSize(c, 64<<10)}
	theirs := make([]byte, 64)
	if _, err := io.ReadFull(z.r, theirs); err != nil {
		return nil, fmt.Errorf("greeting: %w", err)
	}
	if theirs[0] != 0xff || theirs[10] < 3 {
		return nil, fmt.Errorf("greeting %x is not of ZMTP 3", theirs[:12])
	}
	ready := []byte("\x05READY")
	for _, p := range []struct{ name, value string }{{"Socket-Type", socketType}, {"Identity", string(identity)}} {
		ready = append(append(ready, byte(len(p.name))), p.name...)
		ready = append(binary.BigEndian.AppendUint32(ready, uint32(len(p.value))), p.value...)
	}
	if _, err := c.Write(append([]byte{flagCommand, byte(len(ready))}, ready...)); err != nil {
		return nil, err
	}
	if flags, _, err := z.frame(); err != nil || flags&flagCommand == 0 {
		return nil, fmt.Errorf("no READY (flags %d): %w", flags, err)
	}
	return z, c.SetDeadline(time.Time{})
}

// frame reads one frame.
func (z *conn) frame() (flags byte, body []byte, err error) {
	if flags, err = z.r.ReadByte(); err != nil {
		return 0, nil, err
	}
	var size uint64
	if flags&flagLong == 0 {
		b, err := z.r.ReadByte()
		if err != nil {
			return 0, nil, err
		}
		size = uint64(b)
	} else if err := binary.Read(z.r, binary.BigEndian, &size); err != nil {
		return 0, nil, err
	}
	if size > 1<<30 {
		return 0, nil, fmt.Errorf("a frame of %d bytes", size)
	}
	body = make([]byte, size)
	_, err = io.ReadFull(z.r, body)
	return flags, body, err
}

// receive reads one message; commands (heartbeats) are passed over.
func (z *conn) receive() ([][]byte, error) {
	var parts [][]byte
	for {
		flags, body, err := z.frame()
		if err != nil {
			return nil, err
		}
		if flags&flagCommand != 0 {
			continue
		}
		parts = append(parts, body)
		if flags&flagMore == 0 {
			return parts, nil
		}
	}
}

// send writes one message; it waits while the other side does not read.
func (z *conn) send(parts ...[]byte) error {
	if len(parts) == 0 {
		return errors.New("a message has a part")
	}
	var b net.Buffers
	for i, p := range parts {
		flags := byte(0)
		if i < len(parts)-1 {
			flags |= flagMore
		}
		if len(p) < 256 {
			b = append(b, []byte{flags, byte(len(p))}, p)
			continue
		}
		b = append(b, binary.BigEndian.AppendUint64([]byte{flags | flagLong}, uint64(len(p))), p)
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	_, err := b.WriteTo(z.Conn)
	return err
}
