//go:build linux

package children

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sirupsen/logrus/hooks/test"
)

// deathLimit is within what time all must be gone after our own kill -9.
const deathLimit = 3 * time.Second

func (g *guardian) pid() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.pipe == nil {
		return 0
	}
	return g.process.Pid
}

// awaitGuardian waits for a guardian that is not the one before.
func awaitGuardian(t *testing.T, g *guardian, before int) int {
	t.Helper()
	for end := time.Now().Add(long); ; time.Sleep(time.Millisecond) {
		if pid := g.pid(); pid != 0 && pid != before {
			return pid
		}
		if time.Now().After(end) {
			t.Fatal("there is no guardian")
		}
	}
}

// wrapper is what a site may put before a program: it does not exec it, and has
// a second process beside.
func wrapper() Command {
	c := self("stubborn")
	c.Argv = []string{"/bin/sh", "-c", `"$0" & "$0"; :`, os.Args[0]}
	return c
}

// guarded is a daemon with such children. It sends its first guardian a signal
// when it is told so, waits for the next, and says which processes there are.
func guarded(args []string) int {
	r := New(Options{})
	go func() { _ = r.Run(context.Background()) }()
	lines := make(chan string, 64)
	launch := func() {
		c := wrapper()
		c.Line = func(line string) { lines <- line }
		child, err := r.Start(context.Background(), c)
		if err != nil {
			panic(err)
		}
		fmt.Println(child.PID())
		for range 2 {
			fmt.Println(strings.TrimPrefix(<-lines, "ready "))
		}
	}
	launch()
	first := r.guardian.pid()
	if len(args) > 0 {
		n, err := strconv.Atoi(args[0])
		if err != nil {
			panic(err)
		}
		_ = syscall.Kill(first, syscall.Signal(n))
		// A guardian that was stopped shows when its pipe is full.
		for group := 1 << 29; r.guardian.pid() == first; group++ {
			r.guardian.add(group)
			r.guardian.remove(group)
		}
		for r.guardian.pid() == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	launch()
	fmt.Println(r.guardian.pid())
	fmt.Println("done")
	select {}
}

func TestGroupsOfChildrenDieWithUsHoweverWeDie(t *testing.T) {
	for name, tc := range map[string]struct {
		replaced string           // what the first guardian gets, which does not outlive it
		ignored  []syscall.Signal // what its guardian gets and does not mind
	}{
		"killed":                            {},
		"killed after its guardian":         {"9", nil},
		"killed after its guardian stopped": {"19", nil},
		"killed after its guardian was asked to end": {"", []syscall.Signal{
			syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGPIPE}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Args = append(cmd.Args, strings.Fields(tc.replaced)...)
			cmd.Env = append(os.Environ(), actVariable+"=guarded")
			cmd.Stderr = os.Stderr
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			var pids []int
			for sc := bufio.NewScanner(out); sc.Scan() && sc.Text() != "done"; {
				pid, err := strconv.Atoi(sc.Text())
				if err != nil {
					t.Fatal(err)
				}
				pids = append(pids, pid)
			}
			if len(pids) != 7 {
				t.Fatalf("processes %v", pids)
			}
			for _, pid := range pids {
				if gone(t, pid) {
					t.Fatalf("process %d of %v ended before its daemon", pid, pids)
				}
			}
			for _, s := range tc.ignored {
				if err := syscall.Kill(pids[6], s); err != nil {
					t.Fatal(err)
				}
			}
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait() // killed, as asked
			died := time.Now()
			for _, pid := range pids {
				waitGone(t, pid, deathLimit)
			}
			t.Logf("all were gone %s after the daemon", time.Since(died).Truncate(time.Millisecond))
		})
	}
}

func TestGuardianIsSmallAndLeavesNoZombie(t *testing.T) {
	log, hook := test.NewNullLogger()
	r := New(Options{Log: log})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- r.Run(ctx) }()
	first := awaitGuardian(t, r.guardian, 0)
	child, grandchild := startReady(t, r, self("parent"))
	if got := ours(t); len(got) != 1 || got[0] != child.PID() {
		t.Errorf("our children are %v, not only %d: the guardian (%d) must not be counted", got, child.PID(), first)
	}
	t.Logf("%s", memory(t, first))
	if rss := number(t, memory(t, first), "Rss:"); rss > 8<<10 {
		t.Errorf("a guardian of %d kB", rss)
	}
	if err := syscall.Kill(first, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	second := awaitGuardian(t, r.guardian, first)
	if gone(t, grandchild) || gone(t, child.PID()) {
		t.Error("the child did not outlive the guardian")
	}
	if n := zombies(t); n != 0 {
		t.Errorf("%d zombies", n)
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	waitGone(t, second, long)
	if n := zombies(t); n != 0 {
		t.Errorf("%d zombies after Run", n)
	}
	var told []string
	for _, e := range hook.AllEntries() {
		told = append(told, e.Message+": "+fmt.Sprint(e.Data["error"]))
	}
	if len(told) != 2 || !strings.Contains(told[0], "it ended") || !strings.Contains(told[1], "guardian again") {
		t.Errorf("log: %q", told)
	}
}

func TestWithoutAShellOneWarningAndChildrenAllTheSame(t *testing.T) {
	log, hook := test.NewNullLogger()
	r := New(Options{Log: log})
	r.guardian.shell = "/no/such/shell"
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- r.Run(ctx) }()
	if got := start(t, r, self("exit", "3")).Result(); got.ExitCode != 3 {
		t.Errorf("%+v", got)
	}
	for end := time.Now().Add(long); len(hook.AllEntries()) == 0 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if n := len(hook.AllEntries()); n != 1 || !strings.Contains(fmt.Sprint(hook.LastEntry().Data["error"]), "/no/such/shell") {
		t.Errorf("%d lines, the last %v", n, hook.LastEntry())
	}
}

// The script is asked which groups it would kill.
func TestGuardianScriptKillsTheGroupsThatAreLeft(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var many bytes.Buffer
	var left []int
	for range 5000 {
		if n := random.IntN(300); slices.Contains(left, n) {
			left = slices.DeleteFunc(left, func(m int) bool { return m == n })
			fmt.Fprintf(&many, "- %d\n", n)
		} else {
			left = append(left, n)
			fmt.Fprintf(&many, "+ %d\n", n)
		}
	}
	for name, tc := range map[string]struct {
		lines string
		want  []int
	}{
		"none":                   {"", nil},
		"one":                    {"+ 12\n", []int{12}},
		"one that ended":         {"+ 12\n- 12\n", nil},
		"the middle one ended":   {"+ 1\n+ 12\n+ 2\n- 12\n", []int{1, 2}},
		"neither prefix nor end": {"+ 12\n+ 1\n+ 2\n+ 112\n- 1\n- 2\n", []int{12, 112}},
		"one that it never knew": {"+ 12\n- 2\n", []int{12}},
		"thousands":              {many.String(), left},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			script := strings.Replace(guardianScript, "echo $$", "", 1)
			cmd := exec.CommandContext(t.Context(), shell, "-c", `kill() { echo "$*"; }`+"\n"+script)
			cmd.Stdin = strings.NewReader(tc.lines)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatal(err)
			}
			var want strings.Builder
			for _, n := range tc.want {
				fmt.Fprintf(&want, "-9 -%d\n", n)
			}
			if string(out) != want.String() {
				t.Errorf("kills %q, not %q", out, want.String())
			}
		})
	}
}

// ours lists our children.
func ours(t *testing.T) (pids []int) {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range stats {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		if f := bytes.Fields(afterName(stat)); string(f[1]) == strconv.Itoa(os.Getpid()) {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, pid)
		}
	}
	return pids
}

func memory(t *testing.T, pid int) string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func number(t *testing.T, text, key string) int {
	t.Helper()
	_, rest, _ := strings.Cut(text, key)
	n, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return n
}
