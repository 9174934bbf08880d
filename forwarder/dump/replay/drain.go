package replay

import (
	"context"
	"fmt"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// drainEvery is how often it is asked whether the last bytes are gone.
const drainEvery = 5 * time.Millisecond

// drain tells the other side that no more comes, and waits until its machine has
// taken everything, it has gone, or ctx ends. It does not wait for the program
// there to close: some of the peers' never do.
func drain(ctx context.Context, conn net.Conn, gone <-chan struct{}) error {
	c, ok := conn.(*net.TCPConn)
	if !ok {
		return nil
	}
	if ctx.Err() == nil {
		_ = c.CloseWrite() // one that is gone already is none to wait for
	}
	tick := time.NewTicker(drainEvery)
	defer tick.Stop()
	for {
		left, err := unacknowledged(c)
		if err != nil || left == 0 {
			return nil // closed: it has gone
		}
		select {
		case <-tick.C:
		case <-gone:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("%d bytes were not taken: %w", left, ctx.Err())
		}
	}
}

// unacknowledged is how many bytes the kernel still holds for the other side.
func unacknowledged(c *net.TCPConn) (n int, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	var asked error
	err = raw.Control(func(fd uintptr) { n, asked = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) })
	if err == nil {
		err = asked
	}
	return n, err
}
