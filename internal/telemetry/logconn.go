package telemetry

import (
	"errors"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// sendLimit bounds one write to a socket, and one attempt to connect.
	sendLimit = 2 * time.Second
	// unansweredLimit is how long bytes may stay unacknowledged by the other machine.
	unansweredLimit = 10 * time.Second
)

// lazyConn is a connection that is made when it is needed and made anew when it breaks.
type lazyConn struct {
	dial func() (net.Conn, error)
	// renew is how often it is made anew in any case: where nobody answers, nobody
	// says either that the other side has moved. 0 = never.
	renew time.Duration
	conn  net.Conn
	made  time.Time
}

// send writes b whole. One that fails on a connection that was there before is tried
// again on a new one: the other side may just have been restarted.
func (c *lazyConn) send(b []byte) error {
	if c.conn != nil && !c.stale() && c.sendOnce(b) == nil {
		return nil
	}
	if err := c.close(); err != nil {
		return err
	}
	conn, err := c.dial()
	if err != nil {
		return err
	}
	c.conn, c.made = conn, time.Now()
	return c.sendOnce(b)
}

// stale says that the connection is to be left. A write to one that the other side
// has closed would succeed, and be lost.
func (c *lazyConn) stale() bool {
	return c.renew > 0 && time.Since(c.made) > c.renew || closedByPeer(c.conn)
}

func closedByPeer(conn net.Conn) (closed bool) {
	stream, is := conn.(*net.TCPConn)
	if !is {
		return false
	}
	raw, err := stream.SyscallConn()
	if err != nil {
		return true
	}
	err = raw.Control(func(fd uintptr) {
		var some [512]byte
		// What it says, if anything, is of no interest.
		n, _, err := unix.Recvfrom(int(fd), some[:], unix.MSG_DONTWAIT)
		closed = n == 0 && err == nil || err != nil && !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR)
	})
	return closed || err != nil
}

// impatient makes a connection fail when the other machine is silent for long,
// instead of the quarter of an hour that is the system's.
func impatient(_, _ string, raw syscall.RawConn) error {
	var failed error
	err := raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(unansweredLimit.Milliseconds()))
	})
	return errors.Join(err, failed)
}

// sendOnce leaves no connection behind when it fails.
func (c *lazyConn) sendOnce(b []byte) error {
	err := c.conn.SetWriteDeadline(time.Now().Add(sendLimit))
	if err == nil {
		_, err = c.conn.Write(b)
	}
	if err != nil {
		err = errors.Join(err, c.close())
	}
	return err
}

func (c *lazyConn) close() error {
	if c.conn == nil {
		return nil
	}
	err := c.conn.Close()
	c.conn = nil
	return err
}
