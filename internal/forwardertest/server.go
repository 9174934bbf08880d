package forwardertest

import (
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// Server is a redis-server of the test's own, on a free loopback port.
type Server struct {
	t    testing.TB
	dir  string
	port int
	p    *process
}

// NewServer starts a server that keeps nothing; it ends with the test.
func NewServer(t testing.TB) *Server {
	t.Helper()
	s := &Server{t: t, dir: t.TempDir(), port: FreePort(t)}
	t.Cleanup(func() {
		if s.p != nil {
			s.Freeze(false)
			s.Stop()
		}
	})
	s.Start()
	return s
}

// Addr is host:port.
func (s *Server) Addr() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }

// URL is what forwarders are given.
func (s *Server) URL() string { return "redis://" + s.Addr() + "/0" }

// Start starts the server, empty, on its port and waits until it answers.
func (s *Server) Start() {
	s.t.Helper()
	cmd := exec.Command("redis-server", "--port", fmt.Sprint(s.port), "--bind", "127.0.0.1", //nolint:noctx // Stop ends it
		"--save", "", "--appendonly", "no", "--dir", s.dir, "--loglevel", "warning")
	p, err := startProcess(cmd)
	if err != nil {
		s.t.Fatalf("redis-server: %v", err)
	}
	s.p = p
	c := NewRedis(s.Addr())
	defer c.Close()
	Await(s.t, Patience, "redis-server answers", func() bool {
		_, err := c.Do("PING")
		return err == nil
	})
}

// Stop ends the server at once.
func (s *Server) Stop() {
	s.t.Helper()
	if err := s.p.end(syscall.SIGKILL, 0); err != nil {
		s.t.Error(err)
	}
	s.p = nil
}

// Freeze stops the server in its tracks or lets it go on.
func (s *Server) Freeze(on bool) {
	s.t.Helper()
	sig := syscall.SIGCONT
	if on {
		sig = syscall.SIGSTOP
	}
	if err := s.p.signal(sig); err != nil {
		s.t.Error(err)
	}
}

// process is a child that dies with the test binary.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error // read it after done
}

// startProcess starts cmd. The parent-death signal is that of the thread which
// started the child, so one goroutine keeps its thread until the child's end.
func startProcess(cmd *exec.Cmd) (*process, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	p := &process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, <-started
}

func (p *process) signal(s syscall.Signal) error {
	select {
	case <-p.done:
		return nil
	default:
		return p.cmd.Process.Signal(s)
	}
}

// end signals and waits; after patience it kills.
func (p *process) end(s syscall.Signal, patience time.Duration) error {
	if err := p.signal(s); err != nil {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(patience):
	}
	if err := p.signal(syscall.SIGKILL); err != nil {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(10 * time.Second):
		return errors.New("does not end after SIGKILL")
	}
}
