//go:build linux

package children

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/sirupsen/logrus"
)

// guardianScript says its number and reads "+ GROUP" and "- GROUP" lines. Their
// end is our own end, for nobody else has the pipe: then it kills the groups
// that are left. It starts nothing itself, ignores what is sent to whole sessions
// and units, and says whose it is ($1) only to be recognised in a list of
// processes.
const guardianScript = `trap '' HUP INT QUIT TERM PIPE ALRM USR1 USR2 TSTP
echo $$
groups=' '
while read -r what group; do
	case $what in
	+) groups="$groups$group " ;;
	-) case $groups in *" $group "*) groups="${groups%%" $group "*} ${groups#*" $group "}" ;; esac ;;
	esac
done
for group in $groups; do kill -9 "-$group"; done
`

// guardianStart puts a guardian into the background and ends: so the guardian is
// no child of ours, and whoever counts our children counts those that ingest.
const guardianStart = `exec 3<&0
"$0" -c "$1" ingestor-guardian "$2" <&3 3<&- &
`

const (
	// guardianPause is how long after the start of a guardian another one is
	// started at the earliest; it doubles while they do not live that long.
	guardianPause        = time.Second
	guardianLongestPause = time.Minute
	// guardianPatience is how long a line may wait in the pipe's way, which holds
	// thousands, and how long a guardian may take to end.
	guardianPatience = time.Second
	// guardianBirth is how long its start may take, on a machine that is busy.
	guardianBirth = 10 * time.Second
)

// guardian is a shell that outlives us for a moment, to kill the groups of
// children whose daemon was killed: the parent-death signal reaches the children
// only, not what they have started.
type guardian struct {
	shell string
	log   logrus.FieldLogger

	closing chan struct{}
	ended   chan struct{}

	mu     sync.Mutex
	groups map[int]struct{}
	// process is the guardian, pipe how it hears of groups, and life ends with it;
	// pipe is nil while there is none.
	process    *os.Process
	pipe, life *os.File
}

func newGuardian(shell string, log logrus.FieldLogger) *guardian {
	return &guardian{
		shell: shell, log: log, groups: map[int]struct{}{},
		closing: make(chan struct{}), ended: make(chan struct{}),
	}
}

// start starts a guardian, and others after it until close. Without a shell it
// warns once and goes on trying. The first process of a container has none: with
// it all others end.
func (g *guardian) start(ctx context.Context) {
	if os.Getpid() == 1 {
		close(g.ended)
		return
	}
	ctx = context.WithoutCancel(ctx) // its end is close
	err := g.begin(ctx)
	go g.renew(ctx, err)
}

// renew waits for the end of a guardian and starts the next.
func (g *guardian) renew(ctx context.Context, err error) {
	defer close(g.ended)
	pause, warned := guardianPause, false
	for {
		began := time.Now()
		if err == nil {
			err = g.wait()
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
		if err = g.begin(ctx); err == nil && warned {
			g.log.Info("the children have a guardian again")
		}
	}
}

// errGuardianEnded is how the end of a guardian is told; why it ended nobody can
// know who is not its parent.
var errGuardianEnded = errors.New("it ended")

// wait waits for the end of the guardian and forgets it.
func (g *guardian) wait() error {
	_, _ = io.Copy(io.Discard, g.life) // its end is what counts
	g.mu.Lock()
	defer g.mu.Unlock()
	_ = errors.Join(g.life.Close(), g.pipe.Close(), g.process.Release()) // nobody is at the other end
	g.pipe = nil
	return errGuardianEnded
}

// begin starts a guardian and tells it of the groups that live.
func (g *guardian) begin(ctx context.Context) error {
	hears, pipe, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("make its pipe: %w", err)
	}
	defer hears.Close() //nolint:errcheck // the guardian has its own copy
	life, lives, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("make its pipe: %w", errors.Join(err, pipe.Close()))
	}
	process, err := g.launch(ctx, hears, lives, life)
	if err != nil {
		return errors.Join(err, pipe.Close(), life.Close())
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.closing:
		// It ends with its pipe, as it knows of no group.
		return errors.Join(os.ErrClosed, pipe.Close(), life.Close(), process.Release())
	default:
	}
	g.process, g.pipe, g.life = process, pipe, life
	for group := range g.groups {
		g.tell('+', group)
	}
	return nil
}

// launch starts a guardian and waits until it has said its number.
func (g *guardian) launch(ctx context.Context, hears, lives, life *os.File) (*os.Process, error) {
	cmd := exec.CommandContext(ctx, g.shell, "-c", guardianStart, g.shell, guardianScript, strconv.Itoa(os.Getpid()))
	cmd.Stdin, cmd.Stdout, cmd.Env, cmd.Dir = hears, lives, []string{}, "/"
	// A session of its own: what ends ours must not end it. And no parent-death
	// signal, of course.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := errors.Join(cmd.Run(), lives.Close()); err != nil {
		return nil, err
	}
	_ = life.SetReadDeadline(time.Now().Add(guardianBirth)) // fails on a closed file only
	word := make([]byte, 32)
	n, err := life.Read(word)
	if err != nil {
		return nil, fmt.Errorf("hear of it: %w", err)
	}
	_ = life.SetReadDeadline(time.Time{})
	pid, err := strconv.Atoi(strings.TrimSpace(string(word[:n])))
	if err != nil {
		return nil, fmt.Errorf("hear its number: %w", err)
	}
	// A handle: it stays this process, whatever becomes of the number.
	process, err := os.FindProcess(pid)
	if err != nil {
		return nil, fmt.Errorf("find it: %w", err)
	}
	return process, nil
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
	}
	g.mu.Lock()
	if g.pipe != nil {
		_ = g.process.Kill() // it hangs
	}
	g.mu.Unlock()
	<-g.ended
}
