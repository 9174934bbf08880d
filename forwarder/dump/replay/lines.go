package replay

import (
	"bufio"
	"context"
	"io"
	"net"
	"time"
)

// lines is a server of lines: a client asks with an empty one, is told OK, and
// then gets everything. There is one client at a time; when it goes, the next
// message waits for another.
type lines struct {
	listener net.Listener
	conn     net.Conn
}

func newLines(ctx context.Context, address string) (*lines, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &lines{listener: l}, nil
}

func (l *lines) send(ctx context.Context, parts [][]byte) error {
	for {
		if err := l.connected(ctx); err != nil {
			return err
		}
		stop := l.until(ctx)
		buffers := append(net.Buffers{}, parts...)
		_, err := buffers.WriteTo(l.conn)
		stop()
		if err == nil || ctx.Err() != nil {
			return ctx.Err()
		}
		_ = l.conn.Close() // gone: the line is for the next one
		l.conn = nil
	}
}

// connected waits for a client that asks.
func (l *lines) connected(ctx context.Context) error {
	for l.conn == nil {
		stop := context.AfterFunc(ctx, func() { _ = l.listener.Close() })
		conn, err := l.listener.Accept()
		stop()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return err
		}
		l.conn = conn
		_ = conn.SetReadDeadline(time.Now().Add(2 * time.Second))
		stop = l.until(ctx)
		_, err = bufio.NewReaderSize(conn, 16).ReadSlice('\n')
		if err == nil {
			_, err = conn.Write([]byte("OK\n"))
		}
		stop()
		if err == nil {
			err = conn.SetReadDeadline(time.Time{})
		}
		if err != nil {
			_ = conn.Close() // it did not ask: another one will
			l.conn = nil
		}
	}
	return nil
}

// until ends what waits at the connection when ctx ends.
func (l *lines) until(ctx context.Context) func() bool {
	conn := l.conn
	return context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
}

// finish waits until the client's machine has taken everything.
func (l *lines) finish(ctx context.Context) error {
	_ = l.listener.Close() // the end of a context may have closed it
	if l.conn == nil {
		return nil
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_, _ = io.Copy(io.Discard, l.conn) // unread bytes would turn our end into an abort
	}()
	err := drain(ctx, l.conn, gone)
	_ = l.conn.Close()
	<-gone
	return err
}
