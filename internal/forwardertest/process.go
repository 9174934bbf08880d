package forwardertest

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

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
		err := p.cmd.Process.Signal(s)
		if errors.Is(err, os.ErrProcessDone) {
			return nil
		}
		return err
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
