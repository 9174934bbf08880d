// Package redistest runs a real redis-server for one test: on a free port of
// the loopback, in a directory of its own, ended with the test.
//
// Invariant: nothing of a server outlives its test, and no server is shared.
// It is for tests only; it imitates nothing.
package redistest

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"ingestor/internal/fixture"
)

// Options changes what the server is started with.
type Options struct {
	// Password that clients have to give; empty for none.
	Password string
	// Args are further arguments, such as "--maxmemory", "10mb".
	Args []string
}

// Server is one redis-server. Its methods are for the goroutine of the test;
// what fails ends the test.
type Server struct {
	t    testing.TB
	o    Options
	dir  string
	port int
	p    *fixture.Process // nil when it does not run
}

// startWithin is how long a server may take until it answers; generous, as
// machines of tests are busy.
const startWithin = 20 * time.Second

// Start runs a server that keeps what is written to it (see Restart) and waits
// until it answers. Without redis-server on this machine the test is skipped.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("needs the program redis-server; `make test` installs it, or: apt-get install redis-server")
	}
	dir, err := os.MkdirTemp("", "redistest") //nolint:usetesting // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, o: o, dir: dir}
	t.Cleanup(func() {
		s.kill()
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("directory of redis-server: %v", err)
		}
	})
	// Another process may take the port between the look and the bind.
	for range 5 {
		s.port = freePort(t)
		if err = s.run(); err == nil || !strings.Contains(err.Error(), "Failed listening") {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Addr is "127.0.0.1:port"; it stays the same over Restart.
func (s *Server) Addr() string { return "127.0.0.1:" + strconv.Itoa(s.port) }

// URL is how clients reach database 0, password included.
func (s *Server) URL() string {
	u := url.URL{Scheme: "redis", Host: s.Addr(), Path: "/0"}
	if s.o.Password != "" {
		u.User = url.UserPassword("", s.o.Password)
	}
	return u.String()
}

// UnixURL is URL by the server's socket in the file system.
func (s *Server) UnixURL() string {
	u := url.URL{Scheme: "unix", Path: s.socket()}
	if s.o.Password != "" {
		u.User = url.UserPassword("", s.o.Password)
	}
	return u.String()
}

func (s *Server) socket() string { return filepath.Join(s.dir, "s") }

// Client is a client of database 0, closed with the test.
func (s *Server) Client() *redis.Client { return s.ClientOf(0) }

// ClientOf is a client of another of the 16 databases.
func (s *Server) ClientOf(db int) *redis.Client {
	s.t.Helper()
	o, err := redis.ParseURL(s.URL())
	if err != nil {
		s.t.Fatal(err)
	}
	o.DB = db
	o.Protocol = 2
	o.DisableIdentity = true
	c := redis.NewClient(o)
	s.t.Cleanup(func() { _ = c.Close() })
	return c
}

// Stop ends the server as an orderly shutdown does. What was written is on disk.
func (s *Server) Stop() {
	s.t.Helper()
	if s.p == nil {
		return
	}
	if err := s.p.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatalf("stopping redis-server: %v", err)
	}
	<-s.p.Done()
	s.p = nil
}

// Restart stops the server if it runs and starts it on the same address: with
// its data, or empty.
func (s *Server) Restart(keepData bool) {
	s.t.Helper()
	s.Stop()
	if !keepData {
		left, err := os.ReadDir(s.dir)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, e := range left {
			if err := os.RemoveAll(filepath.Join(s.dir, e.Name())); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	if err := s.run(); err != nil {
		s.t.Fatal(err)
	}
}

// Pause makes the server unresponsive: its connections stay open, nothing is
// answered.
func (s *Server) Pause() { s.signal(syscall.SIGSTOP) }

// Resume lets a paused server go on.
func (s *Server) Resume() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(sig syscall.Signal) {
	s.t.Helper()
	if s.p == nil {
		s.t.Fatal("redis-server does not run")
	}
	if err := s.p.Signal(sig); err != nil {
		s.t.Fatalf("%v to redis-server: %v", sig, err)
	}
}

// kill ends the server, paused or not.
func (s *Server) kill() {
	if s.p == nil {
		return
	}
	if err := s.p.End(syscall.SIGKILL, 0); err != nil {
		s.t.Errorf("redis-server %v", err)
	}
	s.p = nil
}

// run starts the process and waits until it answers.
func (s *Server) run() error {
	args := []string{
		"--bind", "127.0.0.1", "--port", strconv.Itoa(s.port), "--dir", s.dir,
		"--unixsocket", s.socket(), "--logfile", filepath.Join(s.dir, "log"),
		"--appendonly", "yes", "--save", "", "--databases", "16",
	}
	if s.o.Password != "" {
		args = append(args, "--requirepass", s.o.Password)
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), startWithin)
	defer cancel()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	// Not CommandContext: the server lives longer than its start.
	cmd := exec.Command("redis-server", append(args, s.o.Args...)...) //nolint:noctx // see above
	p, err := fixture.Start(cmd)
	if err != nil {
		return fmt.Errorf("redis-server: %w", err)
	}
	s.p = p
	for {
		if answers(ctx, s.Addr()) {
			return nil
		}
		select {
		case <-again.C:
		case <-p.Done(): // the log says why
			s.p = nil
			return fmt.Errorf("redis-server on %s has ended; its log:\n%s", s.Addr(), s.log())
		case <-ctx.Done():
			s.kill()
			return fmt.Errorf("redis-server on %s does not answer; its log:\n%s", s.Addr(), s.log())
		}
	}
}

func (s *Server) log() string {
	b, _ := os.ReadFile(filepath.Join(s.dir, "log"))
	return string(b)
}

// answers says whether a server there has finished loading; one that asks for
// a password has.
func answers(ctx context.Context, addr string) bool {
	c, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return false
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Second))
	if _, err := c.Write([]byte("PING\r\n")); err != nil {
		return false
	}
	b := make([]byte, 64)
	n, _ := c.Read(b)
	got := string(b[:n])
	return strings.HasPrefix(got, "+PONG") || strings.HasPrefix(got, "-NOAUTH")
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
