package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// process is one process of the system: a number alone may be somebody else's
// later.
type process struct {
	pid   int
	start string // when it was started, in the kernel's ticks
}

// stat is what the kernel says of a process: its state, its parent, its start.
func stat(pid string) (state, parent, start string, ok bool) {
	text, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
	if err != nil {
		return "", "", "", false
	}
	// The name, in parentheses, may hold anything.
	_, rest, found := strings.Cut(string(text), ") ")
	f := strings.Fields(rest)
	if !found || len(f) < 20 {
		return "", "", "", false
	}
	return f[0], f[1], f[19], true
}

// lives says whether the process is there and no zombie.
func (p process) lives() bool {
	state, _, start, ok := stat(strconv.Itoa(p.pid))
	return ok && start == p.start && state != "Z" && state != "X"
}

// commandLine and environment are what anybody, and its own user, can read.
func (p process) commandLine() string { return p.read("cmdline") }

func (p process) environment() string { return p.read("environ") }

func (p process) read(name string) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", p.pid, name))
	if err != nil {
		return ""
	}
	return strings.ReplaceAll(string(text), "\x00", "\n")
}

// childrenOf lists the children of a process, zombies included.
func childrenOf(pid int) (list []process) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	want := strconv.Itoa(pid)
	for _, e := range entries {
		n, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if _, parent, start, ok := stat(e.Name()); ok && parent == want {
			list = append(list, process{n, start})
		}
	}
	return list
}

// census counts the children of a process until the test ends or stop is called.
type census struct {
	mu   sync.Mutex
	most int
	seen map[process]bool
}

func countChildren(t *testing.T, pid int) *census {
	t.Helper()
	c := &census{seen: map[process]bool{}}
	end := make(chan struct{})
	var work sync.WaitGroup
	work.Go(func() {
		every := time.NewTicker(10 * time.Millisecond)
		defer every.Stop()
		for {
			c.take(childrenOf(pid))
			select {
			case <-end:
				return
			case <-every.C:
			}
		}
	})
	t.Cleanup(func() { close(end); work.Wait() })
	return c
}

func (c *census) take(now []process) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.most = max(c.most, len(now))
	for _, p := range now {
		c.seen[p] = true
	}
}

// highest is how many there were at once.
func (c *census) highest() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.most
}
