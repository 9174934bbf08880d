package telemetry

import (
	"errors"
	"net"
	"time"
)

const (
	// redialPause keeps a place that is away from being asked for each record.
	redialPause = 5 * time.Second
	// sendLimit bounds one write to a socket.
	sendLimit = 2 * time.Second
)

var errAway = errors.New("not connected")

// lazyConn is a connection that is made when it is needed and made anew when it breaks.
type lazyConn struct {
	dial func() (net.Conn, error)
	conn net.Conn
	next time.Time // no dialling before
}

// send writes b whole. One that fails on a connection that was there before is tried
// again on a new one: the other side may just have been restarted.
func (c *lazyConn) send(b []byte) error {
	if c.conn != nil {
		if c.sendOnce(b) == nil {
			return nil
		}
		c.next = time.Time{}
	}
	if time.Now().Before(c.next) {
		return errAway
	}
	conn, err := c.dial()
	if err != nil {
		c.next = time.Now().Add(redialPause)
		return err
	}
	c.conn = conn
	err = c.sendOnce(b)
	if err != nil {
		c.next = time.Now().Add(redialPause)
	}
	return err
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
