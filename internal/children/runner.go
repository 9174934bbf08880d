//go:build linux

package children

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"
	"time"
)

// unkillableGrace is how long Run waits for a child after its KILL. A process
// that hangs inside the kernel, as on storage that is gone, can not be killed;
// our own end must not wait for it.
const unkillableGrace = 3 * time.Second

// shell runs the guardian.
const shell = "/bin/sh"

// Runner starts children and owns them until they are reaped.
type Runner struct {
	opt      Options
	requests chan request
	stopped  chan struct{} // closed when Run takes no more requests
	guardian *guardian

	mu       sync.Mutex
	ran      bool
	children map[*Child]struct{}
}

type request struct {
	ctx     context.Context
	command Command
	answer  chan<- answer
}

type answer struct {
	child *Child
	err   error
}

// New makes a Runner. Nothing can be started until Run runs.
func New(o Options) *Runner {
	o = o.withDefaults()
	return &Runner{
		opt: o, guardian: newGuardian(shell, o.Log), requests: make(chan request), stopped: make(chan struct{}),
		children: make(map[*Child]struct{}),
	}
}

// Run starts the children that Start asks for until ctx ends. Then it starts no
// more, ends those that run (TERM, after KillDelay KILL) and returns when all
// are reaped. A drain, in which running children may finish, comes before the
// end of ctx and is the caller's.
//
// The end of ctx is no error. An error says that Run was called twice, or names
// children that could not even be killed.
func (r *Runner) Run(ctx context.Context) error {
	r.mu.Lock()
	again := r.ran
	r.ran = true
	r.mu.Unlock()
	if again {
		return errRunning
	}
	r.guardian.start(ctx)
	runtime.LockOSThread()
	r.serve(ctx)
	close(r.stopped)
	left := r.endAll()
	r.guardian.close()
	if len(left) > 0 {
		// The thread stays locked and so ends with this goroutine, which only
		// repeats the KILL.
		return fmt.Errorf("end children: processes %v do not end, though killed %v ago", left, unkillableGrace)
	}
	runtime.UnlockOSThread()
	return nil
}

// serve answers requests until ctx ends.
func (r *Runner) serve(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case q := <-r.requests:
			if ctx.Err() != nil {
				q.answer <- answer{err: ErrStopped}
				return
			}
			child, err := r.launch(q.ctx, q.command)
			if err == nil {
				r.adopt(child)
			}
			q.answer <- answer{child, err}
		}
	}
}

// adopt watches a child and forgets it when it is done.
func (r *Runner) adopt(c *Child) {
	r.mu.Lock()
	r.children[c] = struct{}{}
	r.mu.Unlock()
	go func() {
		c.watch()
		r.mu.Lock()
		delete(r.children, c)
		r.mu.Unlock()
		close(c.done)
	}()
}

// endAll ends the children that run, and returns those that will not.
func (r *Runner) endAll() (left []int) {
	r.mu.Lock()
	running := slices.Collect(maps.Keys(r.children))
	r.mu.Unlock()
	for _, c := range running {
		c.Terminate()
	}
	limit := time.NewTimer(r.opt.KillDelay + unkillableGrace)
	defer limit.Stop()
	for i, c := range running {
		select {
		case <-c.Done():
		case <-limit.C:
			for _, c := range running[i:] {
				select {
				case <-c.Done():
				default:
					left = append(left, c.PID())
				}
			}
			return left
		}
	}
	return nil
}

// Start starts a child and returns once its program runs. The end of ctx gives
// up the waiting for the start and does not touch a child that was started. The
// error is a *StartError with its kind of fault, ErrStopped, or that of ctx.
func (r *Runner) Start(ctx context.Context, c Command) (*Child, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("start child: %w", err)
	}
	answers := make(chan answer, 1)
	select {
	case r.requests <- request{ctx, c, answers}:
	case <-r.stopped:
		return nil, ErrStopped
	case <-ctx.Done():
		return nil, fmt.Errorf("start child: %w", ctx.Err())
	}
	// Taken: whoever started a child must learn of it, so ctx is not looked at.
	a := <-answers
	return a.child, a.err
}

// Running is the number of children that are not done.
func (r *Runner) Running() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.children)
}
