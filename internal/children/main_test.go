//go:build linux

package children

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"ingestor/internal/outcome"
)

// actVariable makes the test binary act as a child instead of testing.
const actVariable = "INGESTOR_TEST_CHILD"

func TestMain(m *testing.M) {
	if act := os.Getenv(actVariable); act != "" {
		os.Exit(play(act, os.Args[1:]))
	}
	os.Exit(m.Run())
}

// play is what the child does; its result is the exit status.
func play(act string, args []string) int {
	say := func(a ...any) { fmt.Fprintln(os.Stderr, a...) }
	number := func() int {
		n, err := strconv.Atoi(args[0])
		if err != nil {
			panic(err)
		}
		return n
	}
	switch act {
	case "exit":
		return number()
	case "signal":
		_ = syscall.Kill(os.Getpid(), syscall.Signal(number()))
		sleep()
	case "say":
		say(strings.Join(args, "\n"))
	case "stdout":
		fmt.Println("on stdout")
		say("on stderr")
	case "flood": // lines whose numbers tell what is kept
		w := bufio.NewWriter(os.Stderr)
		for i := range number() / 16 {
			fmt.Fprintf(w, "%015d\n", i)
		}
		_ = w.Flush()
	case "record":
		fd, err := strconv.Atoi(os.Getenv(outcome.ResultFD))
		if err != nil {
			say("no result descriptor:", err)
			return 1
		}
		if err := (outcome.Record{Outcome: outcome.Registered, File: "/x/y.hdf"}).Write(os.NewFile(uintptr(fd), "result")); err != nil {
			say(err)
			return 1
		}
	case "where":
		dir, _ := os.Getwd()
		say(dir, os.Getenv("COLOUR"))
	case "sleep":
		say("ready", os.Getpid())
		sleep()
	case "stubborn":
		signal.Ignore(syscall.SIGTERM)
		say("ready", os.Getpid())
		sleep()
	case "graceful":
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		say("ready", os.Getpid())
		<-ctx.Done()
		return 75
	case "parent", "leaver": // starts a stubborn process; "leaver" does not stay with it
		spawn(false)
		if act == "parent" {
			sleep()
		}
	case "releaser": // starts a process outside its group, which holds the pipes
		spawn(true)
	case "daemon":
		return daemon()
	case "guarded":
		return guarded(args)
	default:
		say("unknown act", act)
		return 2
	}
	return 0
}

func sleep() {
	time.Sleep(10 * time.Minute) // an end, should all else fail
}

// spawn starts a stubborn grandchild and waits until it ignores TERM.
func spawn(ownSession bool) {
	r, w, err := os.Pipe()
	if err != nil {
		panic(err)
	}
	cmd := exec.CommandContext(context.Background(), os.Args[0])
	cmd.Env = append(os.Environ(), actVariable+"=stubborn")
	cmd.Stdout, cmd.Stderr = os.Stderr, w
	if ownSession {
		cmd.Stdin = nil
		cmd.ExtraFiles = []*os.File{os.Stderr} // held open
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	}
	if err := cmd.Start(); err != nil {
		panic(err)
	}
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		panic(err)
	}
	fmt.Fprint(os.Stderr, line)
}

// daemon runs a child, and ends a few of its own threads meanwhile: were the
// child tied to one of them, it would die with it.
func daemon() int {
	r := New(Options{})
	go func() { _ = r.Run(context.Background()) }()
	child, err := func() (c *Child, err error) {
		started := make(chan struct{})
		go func() { // its thread ends with it, since it stays locked
			runtime.LockOSThread()
			defer close(started)
			c, err = r.Start(context.Background(), self("stubborn"))
		}()
		<-started
		return c, err
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	for range 20 {
		ended := make(chan struct{})
		go func() { runtime.LockOSThread(); close(ended) }()
		<-ended
	}
	// The threads that have ended would have taken the child with them by now.
	select {
	case <-child.Done():
		fmt.Fprintln(os.Stderr, "child ended before us")
		return 1
	case <-time.After(300 * time.Millisecond):
	}
	fmt.Println(child.PID())
	<-child.Done()
	return 1
}

// self is a command that makes the test binary play an act.
func self(act string, args ...string) Command {
	return Command{
		Argv: append([]string{os.Args[0]}, args...),
		// The race detector would else make each child wait a second at its end.
		Env: append(os.Environ(), actVariable+"="+act, "GORACE=atexit_sleep_ms=0"),
	}
}

// running is a Runner that runs until the test ends, and is then held to what
// it promises: nothing is left.
func running(t *testing.T, o Options) *Runner {
	t.Helper()
	r := New(o)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	awaitGuardian(t, r.guardian, 0)
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		if n := r.Running(); n != 0 {
			t.Errorf("%d children after Run", n)
		}
	})
	return r
}

func start(t *testing.T, r *Runner, c Command) *Child {
	t.Helper()
	child, err := r.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return child
}

// startReady starts a child and waits for its line "ready PID"; the number is
// that of the process that said so.
func startReady(t *testing.T, r *Runner, c Command) (*Child, int) {
	t.Helper()
	ready := make(chan string, 16)
	c.Line = func(line string) { ready <- line }
	child := start(t, r, c)
	select {
	case line := <-ready:
		pid, err := strconv.Atoi(strings.TrimPrefix(line, "ready "))
		if err != nil {
			t.Fatalf("child says %q", line)
		}
		return child, pid
	case <-child.Done():
		t.Fatalf("child ended: %+v", child.Result())
		return nil, 0
	}
}

// gone tells whether a process has ended; one that is a zombie has, though its
// parent (who may be a container's careless first process) has not looked.
func gone(t *testing.T, pid int) bool {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	return bytes.HasPrefix(afterName(stat), []byte("Z"))
}

// afterName is what stands behind the program's name in a stat file: state,
// parent and so on.
func afterName(stat []byte) []byte {
	return bytes.TrimSpace(stat[bytes.LastIndexByte(stat, ')')+1:])
}

// waitGone waits for the end of a process that is not our child.
func waitGone(t *testing.T, pid int, limit time.Duration) {
	t.Helper()
	for end := time.Now().Add(limit); !gone(t, pid); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("process %d is still there", pid)
		}
	}
}

// zombies counts our children that nobody has reaped.
func zombies(t *testing.T) (n int) {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		stat, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue
		}
		if f := bytes.Fields(afterName(stat)); string(f[0]) == "Z" && string(f[1]) == strconv.Itoa(os.Getpid()) {
			n++
		}
	}
	return n
}
