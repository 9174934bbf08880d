package forwardertest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Redis is a client of the few commands that the controller's part needs
// (RESP 2). It connects at the first command and again after an error. Its
// methods may be called from several goroutines.
type Redis struct {
	addr string
	mu   sync.Mutex
	conn net.Conn
	r    *bufio.Reader
}

// NewRedis makes a client of the server at host:port.
func NewRedis(addr string) *Redis { return &Redis{addr: addr} }

// Do sends one command and returns its reply: nil, string, int64 or []any.
func (c *Redis) Do(args ...string) (any, error) {
	replies, err := c.Pipeline(args)
	if err != nil {
		return nil, err
	}
	if err, ok := replies[0].(error); ok {
		return nil, err
	}
	return replies[0], nil
}

// Transaction sends commands that become visible at once (MULTI, EXEC).
func (c *Redis) Transaction(commands ...[]string) error {
	all := append([][]string{{"MULTI"}}, commands...)
	replies, err := c.Pipeline(append(all, []string{"EXEC"})...)
	if err != nil {
		return err
	}
	for _, r := range replies {
		if err, ok := r.(error); ok {
			return err
		}
	}
	return nil
}

// Pipeline sends commands in one piece; an error reply is a value of its place.
func (c *Redis) Pipeline(commands ...[]string) ([]any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	replies, err := c.talk(commands)
	if err != nil {
		c.close()
		return nil, fmt.Errorf("redis %s: %w", c.addr, err)
	}
	return replies, nil
}

// Close ends the connection; a later command opens another one.
func (c *Redis) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.close()
}

func (c *Redis) close() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}

func (c *Redis) talk(commands [][]string) ([]any, error) {
	if c.conn == nil {
		d := net.Dialer{Timeout: 2 * time.Second}
		conn, err := d.Dial("tcp", c.addr)
		if err != nil {
			return nil, err
		}
		c.conn, c.r = conn, bufio.NewReader(conn)
	}
	if err := c.conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return nil, err
	}
	var b strings.Builder
	for _, args := range commands {
		fmt.Fprintf(&b, "*%d\r\n", len(args))
		for _, a := range args {
			fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(a), a)
		}
	}
	if _, err := io.WriteString(c.conn, b.String()); err != nil {
		return nil, err
	}
	replies := make([]any, len(commands))
	for i := range replies {
		var err error
		if replies[i], err = c.reply(); err != nil {
			return nil, err
		}
	}
	return replies, nil
}

func (c *Redis) reply() (any, error) {
	line, err := c.r.ReadString('\n')
	if err != nil {
		return nil, err
	}
	line = strings.TrimSuffix(line, "\r\n")
	if line == "" {
		return nil, errors.New("an empty reply")
	}
	kind, rest := line[0], line[1:]
	switch kind {
	case '+':
		return rest, nil
	case '-':
		return errors.New(rest), nil
	case ':':
		return strconv.ParseInt(rest, 10, 64)
	case '$':
		n, err := strconv.Atoi(rest)
		if err != nil || n < 0 {
			return nil, err
		}
		b := make([]byte, n+2)
		_, err = io.ReadFull(c.r, b)
		return string(b[:n]), err
	case '*':
		n, err := strconv.Atoi(rest)
		if err != nil || n < 0 {
			return nil, err
		}
		list := make([]any, n)
		for i := range list {
			if list[i], err = c.reply(); err != nil {
				return nil, err
			}
		}
		return list, nil
	}
	return nil, fmt.Errorf("a reply %q", line)
}
