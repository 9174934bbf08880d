package forwardertest

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// Upstream is a PUSH or PUB socket, or a line server, that the forwarder
// connects to.
type Upstream struct {
	t        testing.TB
	kind     string
	listener net.Listener

	mu    sync.Mutex
	ready *sync.Cond
	conns []*conn
	lines []net.Conn
	ended bool
}

// Push listens as a PUSH socket, Publish as a PUB socket, Lines as the position
// recorder does (it answers "OK" to the first line).
func Push(t testing.TB) *Upstream { return listen(t, "PUSH", 0) }

// Publish listens as a PUB socket.
func Publish(t testing.TB) *Upstream { return listen(t, "PUB", 0) }

// Lines listens as the position recorder does: it answers "OK" to the first line.
func Lines(t testing.TB) *Upstream { return listen(t, "LINES", 0) }

// LinesAt is Lines on a port that was known before (FreePort).
func LinesAt(t testing.TB, port int) *Upstream { return listen(t, "LINES", port) }

func listen(t testing.TB, kind string, port int) *Upstream {
	t.Helper()
	if port == 0 {
		port = FreePort(t)
	}
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)) //nolint:noctx // listening does not wait
	if err != nil {
		t.Fatal(err)
	}
	u := &Upstream{t: t, kind: kind, listener: l}
	u.ready = sync.NewCond(&u.mu)
	var accepting sync.WaitGroup
	accepting.Add(1)
	go func() {
		defer accepting.Done()
		u.accept()
	}()
	t.Cleanup(func() {
		u.Close()
		accepting.Wait()
	})
	return u
}

// URL is where the forwarder connects.
func (u *Upstream) URL() string { return "tcp://" + u.listener.Addr().String() }

// Close cuts all connections.
func (u *Upstream) Close() {
	_ = u.listener.Close()
	u.mu.Lock()
	defer u.mu.Unlock()
	u.ended = true
	u.ready.Broadcast()
	u.cut()
}

// Cut ends the connections that there are; new ones are taken.
func (u *Upstream) Cut() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.cut()
}

func (u *Upstream) cut() {
	for _, c := range u.conns {
		_ = c.Close()
	}
	for _, c := range u.lines {
		_ = c.Close()
	}
	u.conns, u.lines = nil, nil
}

func (u *Upstream) accept() {
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		c, err := u.listener.Accept()
		if err != nil {
			return
		}
		wg.Add(1)
		go func() {
			defer wg.Done()
			if u.kind == "LINES" {
				u.serveLines(c)
			} else {
				u.serveZMTP(c)
			}
		}()
	}
}

func (u *Upstream) serveLines(c net.Conn) {
	r := bufio.NewReader(c)
	if line, err := r.ReadString('\n'); err != nil || line != "\n" {
		_ = c.Close()
		return
	}
	if _, err := io.WriteString(c, "OK\n"); err != nil {
		return
	}
	u.mu.Lock()
	u.lines = append(u.lines, c)
	u.mu.Unlock()
	u.ready.Broadcast()
	_, _ = io.Copy(io.Discard, r) // until it ends
	u.drop(nil, c)
}

func (u *Upstream) serveZMTP(c net.Conn) {
	z, err := shake(c, u.kind, nil)
	if err != nil {
		_ = c.Close()
		return
	}
	if u.kind == "PUB" {
		// What is sent before the subscription is lost; so it is waited for.
		if _, err := z.receive(); err != nil {
			_ = c.Close()
			return
		}
	}
	u.mu.Lock()
	u.conns = append(u.conns, z)
	u.mu.Unlock()
	u.ready.Broadcast()
	for {
		if _, err := z.receive(); err != nil {
			break
		}
	}
	u.drop(z, nil)
}

func (u *Upstream) drop(z *conn, c net.Conn) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for i, have := range u.conns {
		if have == z {
			u.conns = append(u.conns[:i:i], u.conns[i+1:]...)
			break
		}
	}
	for i, have := range u.lines {
		if have == c {
			u.lines = append(u.lines[:i:i], u.lines[i+1:]...)
			break
		}
	}
}

// Connected says how many connections (of PUB: subscriptions) there are.
func (u *Upstream) Connected() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.conns) + len(u.lines)
}

// first waits for a connection.
func (u *Upstream) first() (*conn, net.Conn, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for len(u.conns)+len(u.lines) == 0 && !u.ended {
		u.ready.Wait()
	}
	switch {
	case u.ended:
		return nil, nil, net.ErrClosed
	case len(u.conns) > 0:
		return u.conns[0], nil, nil
	}
	return nil, u.lines[0], nil
}

// Send waits for a connection and sends one message (of Lines: its bytes) to
// it; it waits while the forwarder does not read. With PUB all subscribers of
// the moment have it.
func (u *Upstream) Send(parts ...[]byte) error {
	z, c, err := u.first()
	if err != nil {
		return err
	}
	if c != nil {
		_, err := c.Write(bytes.Join(parts, nil))
		return err
	}
	if u.kind == "PUB" {
		u.mu.Lock()
		all := append([]*conn(nil), u.conns...)
		u.mu.Unlock()
		for _, z := range all {
			if err := z.send(parts...); err != nil {
				return err
			}
		}
		return nil
	}
	return z.send(parts...)
}

// Post sends a body as Sardana's recorder does and returns the status. It tries
// again while nobody listens.
func Post(t testing.TB, url, body string) int {
	t.Helper()
	client := http.Client{Timeout: 5 * time.Second}
	deadline := time.Now().Add(10 * time.Second)
	for {
		resp, err := client.Post(url, "application/json", bytes.NewReader([]byte(body))) //nolint:noctx // it has a timeout
		if err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			return resp.StatusCode
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		<-time.After(20 * time.Millisecond)
	}
}
