//go:build linux

package children

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ingestor/internal/fault"
)

// short is a time limit or delay in tests that wait for it to pass; long is one
// that must never be needed.
const (
	short = 100 * time.Millisecond
	long  = time.Minute
)

func TestExitStatusAndSignalAreTold(t *testing.T) {
	r := running(t, Options{})
	tests := map[string]struct {
		command Command
		code    int
		signal  syscall.Signal
	}{
		"success":           {self("exit", "0"), 0, 0},
		"failure":           {self("exit", "75"), 75, 0},
		"greatest status":   {self("exit", "255"), 255, 0},
		"killed":            {self("signal", "9"), -1, syscall.SIGKILL},
		"segmentation":      {self("signal", "11"), 2, 0},                                                // Go turns it into a panic and exit 2
		"program from PATH": {Command{Argv: []string{"sh", "-c", "kill -USR1 $$"}}, -1, syscall.SIGUSR1}, // HUP is ignored under nohup
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			before := time.Now()
			child := start(t, r, tc.command)
			got := child.Result()
			if got.ExitCode != tc.code || got.Signal != tc.signal || got.TimedOut {
				t.Errorf("exit %d, signal %v, timed out %v, want exit %d, signal %v; stderr %s", got.ExitCode, got.Signal, got.TimedOut, tc.code, tc.signal, got.Stderr)
			}
			if got.Started.Before(before) || got.Ended.Before(got.Started) {
				t.Errorf("started %v, ended %v, asked for at %v", got.Started, got.Ended, before)
			}
			if got.MaxRSS <= 0 || got.CPU <= 0 {
				t.Errorf("MaxRSS %d, CPU %v", got.MaxRSS, got.CPU)
			}
			child.Terminate()
			child.Kill() // of a child that is no more: harmless
		})
	}
}

func TestChildGetsArgumentsDirectoryAndEnvironment(t *testing.T) {
	r := running(t, Options{})
	if got := start(t, r, self("say", "a b", "$HOME;'\"", "ü")).Result(); string(got.Stderr) != "a b\n$HOME;'\"\nü\n" {
		t.Errorf("arguments arrive as %q", got.Stderr)
	}
	c := self("where")
	c.Dir = t.TempDir()
	c.Env = append(c.Env, "COLOUR=green")
	if got := start(t, r, c).Result(); string(got.Stderr) != c.Dir+" green\n" {
		t.Errorf("directory and environment are %q", got.Stderr)
	}
}

func TestChildInheritsNoDescriptorButItsOwn(t *testing.T) {
	r := running(t, Options{})
	c := Command{Argv: []string{"sh", "-c", "ls /proc/$$/fd >&2"}, ResultFDVariable: "FD"}
	// Others run meanwhile, whose pipes could leak into the one looked at.
	for range 3 {
		defer start(t, r, self("sleep")).Kill()
	}
	got := strings.Fields(string(start(t, r, c).Result().Stderr))
	for _, fd := range got {
		if n, err := strconv.Atoi(fd); err != nil || n > resultFD && n < 10 { // shells keep own ones from 10 on
			t.Errorf("descriptors of the child: %v", got)
		}
	}
}

func TestStartFailureIsTypedAndKeepsNothing(t *testing.T) {
	r := running(t, Options{})
	folder := t.TempDir()
	plain := filepath.Join(folder, "plain")
	if err := os.WriteFile(plain, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	noProgram := filepath.Join(folder, "noprogram")
	if err := os.WriteFile(noProgram, []byte("text"), 0o700); err != nil {
		t.Fatal(err)
	}
	orphan := filepath.Join(folder, "orphan")
	if err := os.WriteFile(orphan, []byte("#!/no/such/interpreter\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	elsewhere := self("exit", "0")
	elsewhere.Dir = filepath.Join(folder, "absent")
	tests := map[string]struct {
		command Command
		kind    fault.Kind
		is      error
		text    string
	}{
		"missing":        {Command{Argv: []string{folder + "/absent"}}, fault.BadConfiguration, fs.ErrNotExist, "no such file or directory"},
		"not in PATH":    {Command{Argv: []string{"no-such-program-here"}}, fault.BadConfiguration, exec.ErrNotFound, "executable file not found"},
		"not executable": {Command{Argv: []string{plain}}, fault.BadConfiguration, fs.ErrPermission, "permission denied"},
		"no program":     {Command{Argv: []string{noProgram}}, fault.BadConfiguration, syscall.ENOEXEC, "exec format error"},
		"a folder":       {Command{Argv: []string{folder}}, fault.BadConfiguration, fs.ErrPermission, "permission denied"},
		"nothing":        {Command{}, fault.BadConfiguration, nil, "no program is given"},
		"no directory":   {elsewhere, fault.BadConfiguration, fs.ErrNotExist, "enter working directory"},
		"no interpreter": {Command{Argv: []string{orphan}}, fault.BadConfiguration, fs.ErrNotExist, "interpreter"},
		"NUL argument":   {self("say", "a\x00b"), fault.BadInput, syscall.EINVAL, "invalid argument"},
		"huge argument":  {self("say", strings.Repeat("a", 1<<20)), fault.BadInput, syscall.E2BIG, "argument list too long"},
	}
	before := descriptors(t)
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			tc.command.ResultFDVariable = "FD"
			_, err := r.Start(t.Context(), tc.command)
			var se *StartError
			if !errors.As(err, &se) || fault.KindOf(err) != tc.kind || tc.is != nil && !errors.Is(err, tc.is) {
				t.Fatalf("error %#v of kind %v", err, fault.KindOf(err))
			}
			if !strings.Contains(err.Error(), tc.text) || strings.Contains(err.Error(), "\n") || len(err.Error()) > 300 {
				t.Errorf("not one clear line: %v", err)
			}
		})
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors, before %d", after, before)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestManyChildrenLeaveNoZombieAndNoDescriptor(t *testing.T) {
	r := running(t, Options{})
	start(t, r, Command{Argv: []string{"true"}}).Result() // what the runtime opens once is open now
	before := descriptors(t)
	const many = 200
	var wg sync.WaitGroup
	for i := range many {
		wg.Go(func() {
			c := Command{Argv: []string{"sh", "-c", fmt.Sprintf("echo %d >&2; echo record %d >&$FD; exit %d", i, i, i%7)}, ResultFDVariable: "FD"}
			child, err := r.Start(t.Context(), c)
			if err != nil {
				t.Error(err)
				return
			}
			got := child.Result()
			if got.ExitCode != i%7 || string(got.Stderr) != fmt.Sprintln(i) || string(got.Record) != fmt.Sprintln("record", i) {
				t.Errorf("child %d: exit %d, stderr %q, record %q", i, got.ExitCode, got.Stderr, got.Record)
			}
		})
	}
	wg.Wait()
	if n := zombies(t); n != 0 {
		t.Errorf("%d zombies", n)
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors, before %d", after, before)
	}
	if n := r.Running(); n != 0 {
		t.Errorf("%d children, all are done", n)
	}
}

func TestRunEndsWhatRunsAndStartsNoMore(t *testing.T) {
	r := New(Options{KillDelay: short})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- r.Run(ctx) }()
	graceful, _ := startReady(t, r, self("graceful"))
	stubborn, _ := startReady(t, r, self("stubborn"))
	parent, grandchild := startReady(t, r, self("parent"))
	stop()
	if err := <-ended; err != nil {
		t.Fatalf("Run: %v", err)
	}
	for name, c := range map[string]*Child{"graceful": graceful, "stubborn": stubborn, "parent": parent} {
		select {
		case <-c.Done():
		default:
			t.Errorf("%s is not done after Run", name)
		}
	}
	if got := graceful.Result(); got.ExitCode != 75 {
		t.Errorf("graceful: %+v", got)
	}
	if got := stubborn.Result(); got.Signal != syscall.SIGKILL {
		t.Errorf("stubborn: %+v", got)
	}
	waitGone(t, grandchild, long)
	if _, err := r.Start(t.Context(), self("exit", "0")); !errors.Is(err, ErrStopped) {
		t.Errorf("Start after Run: %v", err)
	}
	if err := r.Run(t.Context()); !errors.Is(err, errRunning) {
		t.Errorf("second Run: %v", err)
	}
}

func TestStartGivesUpWithItsContext(t *testing.T) {
	r := New(Options{}) // does not run
	ctx, stop := context.WithTimeout(t.Context(), short)
	defer stop()
	if _, err := r.Start(ctx, self("exit", "0")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

func TestEndOfTheStartsContextDoesNotTouchTheChild(t *testing.T) {
	r := running(t, Options{})
	ctx, stop := context.WithCancel(t.Context())
	child, err := r.Start(ctx, self("graceful"))
	if err != nil {
		t.Fatal(err)
	}
	stop()
	select {
	case <-child.Done():
		t.Errorf("child ended: %+v", child.Result())
	case <-time.After(short):
	}
	child.Kill()
}

// The daemon of this test starts its child from a thread that ends, ends other
// threads too, and is then killed: only the last may end the child.
func TestChildrenDieWithUsHoweverWeDie(t *testing.T) {
	for range 2 {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), actVariable+"=daemon")
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			t.Fatalf("daemon says %q: %v", line, err)
		}
		child, err := strconv.Atoi(strings.TrimSpace(line))
		if err != nil {
			t.Fatal(err)
		}
		if gone(t, child) {
			t.Fatal("child ended before its daemon")
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // killed, as asked
		waitGone(t, child, 3*time.Second)
	}
}
