//go:build linux

package children

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/sirupsen/logrus"
)

// guardianScript reads "+ GROUP" and "- GROUP" lines. Their end is our own end,
// for nobody else has the pipe: then it kills the groups that are left. It
// starts nothing itself, ignores what is sent to whole sessions and units, and
// says whose it is ($1) only to be recognised in a list of processes.
const guardianScript = `trap '' HUP INT QUIT TERM PIPE ALRM USR1 USR2 TSTP
groups=' '
while read -r what group; do
	case $what in
	+) groups="$groups$group " ;;
	-) case $groups in *" $group "*) groups="${groups%%" $group "*} ${groups#*" $group "}" ;; esac ;;
	esac
done
for group in $groups; do kill -9 "-$group"; done
`

const (
	// guardianPause is how long after the start of a guardian another one is
	// started at the earliest; it doubles while they do not live that long.
	guardianPause        = time.Second
	guardianLongestPause = time.Minute
	// guardianPatience is how long a line may wait in the pipe's way, which holds
	// thousands, and how long a guardian may take to end.
	guardianPatience = time.Second
)

// guardian is a shell that outlives us for a moment, to kill the groups of
// children whose daemon was killed: the parent-death signal reaches the children
// only, not what they have started.
type guardian struct {
	shell string
	log   logrus.FieldLogger

	closing chan struct{}
	ended   chan struct{}

	mu      sync.Mutex
	groups  map[int]struct{}
	process *os.Process
	pipe    *os.File // nil while there is no guardian
}

func newGuardian(shell string, log logrus.FieldLogger) *guardian {
	return &guardian{
		shell: shell, log: log, groups: map[int]struct{}{},
		closing: make(chan struct{}), ended: make(chan struct{}),
	}
}

// start starts a guardian, and others after it until close. Without a shell it
// warns once and goes on trying.
func (g *guardian) start(ctx context.Context) {
	ctx = context.WithoutCancel(ctx) // its end is close
	cmd, err := g.begin(ctx)
	go g.renew(ctx, cmd, err)
}

// renew waits for the end of a guardian and starts the next.
func (g *guardian) renew(ctx context.Context, cmd *exec.Cmd, err error) {
	defer close(g.ended)
	pause, warned := guardianPause, false
	for {
		began := time.Now()
		if err == nil {
			err = fmt.Errorf("it ended: %v", wait(cmd)) //nolint:errorlint // nil is an end too
			g.lose()
		}
		select {
		case <-g.closing:
			return
		default:
		}
		lived := time.Since(began)
		if lived >= pause {
			pause, warned = guardianPause, false
		}
		if !warned {
			warned = true
			g.log.WithError(err).Warn("no guardian of the children: should this process be killed now, what they have started would go on; another one is started")
		}
		timer := time.NewTimer(pause - min(lived, pause))
		select {
		case <-timer.C:
		case <-g.closing:
			timer.Stop()
			return
		}
		pause = min(2*pause, guardianLongestPause)
		if cmd, err = g.begin(ctx); err == nil && warned {
			g.log.Info("the children have a guardian again")
		}
	}
}

// wait reaps a guardian and says how it ended.
func wait(cmd *exec.Cmd) string {
	_ = cmd.Wait() // the state says it
	return cmd.ProcessState.String()
}

// begin starts a guardian and tells it of the groups that live.
func (g *guardian) begin(ctx context.Context) (*exec.Cmd, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make its pipe: %w", err)
	}
	defer r.Close() //nolint:errcheck // the guardian has its own copy
	cmd := exec.CommandContext(ctx, g.shell, "-c", guardianScript, "ingestor-guardian", fmt.Sprint(os.Getpid()))
	cmd.Stdin, cmd.Env, cmd.Dir = r, []string{}, "/"
	// A session of its own: what ends ours must not end it. And no parent-death
	// signal, of course.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.closing:
		_ = w.Close() // nothing was written
		return nil, os.ErrClosed
	default:
	}
	if err := cmd.Start(); err != nil {
		_ = w.Close() // nothing was written
		return nil, err
	}
	g.process, g.pipe = cmd.Process, w
	for group := range g.groups {
		g.tell('+', group)
	}
	return cmd, nil
}

// lose forgets a guardian that has ended.
func (g *guardian) lose() {
	g.mu.Lock()
	defer g.mu.Unlock()
	_ = g.pipe.Close() // nobody reads it any more
	g.pipe = nil
}

// add puts a group in its care.
func (g *guardian) add(group int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.groups[group] = struct{}{}
	g.tell('+', group)
}

// remove takes a group out of its care. It is called while the leader is not
// reaped: until then the number is ours.
func (g *guardian) remove(group int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, known := g.groups[group]; known {
		delete(g.groups, group)
		g.tell('-', group)
	}
}

// tell writes a line, in one piece or not at all. A guardian that takes none (it
// was stopped) is replaced.
func (g *guardian) tell(what rune, group int) {
	if g.pipe == nil {
		return
	}
	_ = g.pipe.SetWriteDeadline(time.Now().Add(guardianPatience)) // fails on a closed file only
	if _, err := fmt.Fprintf(g.pipe, "%c %d\n", what, group); err != nil {
		_ = g.process.Kill() // fails when it has ended
	}
}

// close ends the guardian. Groups that are still in its care, which are those
// that could not be killed, it kills once more.
func (g *guardian) close() {
	g.mu.Lock()
	close(g.closing)
	process := g.process
	if g.pipe != nil {
		_ = g.pipe.Close() // each line was written at once
	}
	g.mu.Unlock()
	timer := time.NewTimer(guardianPatience)
	defer timer.Stop()
	select {
	case <-g.ended:
		return
	case <-timer.C:
		if process != nil {
			_ = process.Kill() // it hangs
		}
	}
	<-g.ended
}
