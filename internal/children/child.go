//go:build linux

package children

import (
	"errors"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// pipeGrace is how long the pipes of a child that has ended are still read. Its
// group is dead by then; only a process that left the group can hold them.
const pipeGrace = 2 * time.Second

// Child is a program that was started. All methods may be called from any
// goroutine, also after its end.
type Child struct {
	cmd       *exec.Cmd
	started   time.Time
	killDelay time.Duration
	timeout   time.Duration
	guardian  *guardian

	stderr *outlet
	tail   *tail
	result *outlet // nil without a result descriptor
	record *head

	// mu orders signals before the reaping: until then the numbers of the
	// process and of its group are ours, afterwards they may be anybody's.
	mu     sync.Mutex
	reaped bool

	terminate     chan struct{}
	terminateOnce sync.Once
	done          chan struct{}
	end           Result // complete once done is closed
}

// PID is the process id, which is also that of the child's group.
func (c *Child) PID() int { return c.cmd.Process.Pid }

// Done is closed when the child is reaped, its group is killed and its output
// is read.
func (c *Child) Done() <-chan struct{} { return c.done }

// Result is how the child ended; it waits for Done.
func (c *Child) Result() Result {
	<-c.done
	return c.end
}

// Terminate asks the child's group to end (TERM), and after the runner's
// KillDelay makes it (KILL). It does not wait; calling it again does nothing.
func (c *Child) Terminate() {
	c.terminateOnce.Do(func() { close(c.terminate) })
}

// Kill ends the child's group at once. It does not wait.
func (c *Child) Kill() { c.signal(unix.SIGKILL) }

// signal goes to the whole group, unless the child is reaped.
func (c *Child) signal(s syscall.Signal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.reaped {
		// The group exists as long as its leader is not reaped. What is left to
		// fail is a right: a member that runs as another user stays.
		_ = unix.Kill(-c.PID(), s)
	}
}

// watch follows the child until it is reaped and its output is read.
func (c *Child) watch() {
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		awaitExit(c.PID())
	}()
	timedOut := c.guide(exited)
	c.reap()
	c.end.TimedOut = timedOut
	c.end.Ended = time.Now()

	c.stderr.finish(pipeGrace)
	c.end.Stderr = c.tail.bytes()
	if c.result != nil {
		c.result.finish(pipeGrace)
		c.end.Record = c.record.kept
	}
}

// guide waits for the exit and sends the signals that fall due before it. It
// tells whether the time limit did.
func (c *Child) guide(exited <-chan struct{}) (timedOut bool) {
	var limit, kill <-chan time.Time
	if c.timeout > 0 {
		timer := time.NewTimer(c.timeout)
		defer timer.Stop()
		limit = timer.C
	}
	killTimer := time.NewTimer(c.killDelay)
	killTimer.Stop()
	defer killTimer.Stop()
	terminate := (<-chan struct{})(c.terminate)
	for {
		select {
		case <-exited:
			return timedOut
		case <-limit:
			timedOut, limit = true, nil
		case <-terminate:
			terminate = nil
		case <-kill:
			c.signal(unix.SIGKILL)
			continue
		}
		c.signal(unix.SIGTERM)
		if kill == nil { // the first TERM counts
			killTimer.Reset(c.killDelay)
			kill = killTimer.C
		}
	}
}

// reap collects the child, which has ended, and kills what is left of its group
// before: as long as the child is a zombie, nobody else can have its number.
func (c *Child) reap() {
	c.signal(unix.SIGKILL)
	c.guardian.remove(c.PID())
	c.mu.Lock()
	c.reaped = true
	c.mu.Unlock()
	// The error repeats what the state says: a status other than 0, or a signal.
	_ = c.cmd.Wait()
	c.end.Started = c.started
	c.end.ExitCode = -1
	state := c.cmd.ProcessState
	if state == nil {
		return
	}
	c.end.ExitCode = state.ExitCode()
	c.end.CPU = state.UserTime() + state.SystemTime()
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		c.end.Signal = status.Signal()
	}
	if usage, ok := state.SysUsage().(*syscall.Rusage); ok {
		const kilobyte = 1024 // the unit of Maxrss on Linux
		c.end.MaxRSS = usage.Maxrss * kilobyte
	}
}

// awaitExit blocks until a process has ended, and leaves it to be reaped.
func awaitExit(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}
