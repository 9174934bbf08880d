package main_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// fleet is the daemons of one group. A machine runs one daemon after the other;
// what they log is kept in one journal.
type fleet struct {
	t        *testing.T
	mark     string // in the environment of everything that the fleet starts
	journal  *journal
	timeline *timeline
	machines []*machine
}

// machine is where one daemon runs.
type machine struct {
	name  string
	fleet *fleet
	site  *site

	// acting is held by whoever starts, stops or freezes the daemon.
	acting sync.Mutex
	lives  int
	life   *life // the present one; nil between two
}

// life is one daemon, from its start to its end.
type life struct {
	*daemon
	name string
	mark string
	// meant says that its end is our doing.
	meant sync.Once
	ours  chan struct{}
}

// lifeVariable marks a daemon and all that it starts.
const lifeVariable = "INGESTOR_CHAOS_LIFE"

func newFleet(t *testing.T, tl *timeline, topic string, onAttempt func(path string)) *fleet {
	t.Helper()
	return &fleet{
		t: t, mark: fmt.Sprintf("chaos-%d-%d-", os.Getpid(), time.Now().UnixNano()),
		timeline: tl, journal: newJournal(topic, onAttempt),
	}
}

// add makes a machine with the site's settings and some of its own.
func (f *fleet) add(s *site, own map[string]any) {
	f.t.Helper()
	mine := *s
	mine.dir = filepath.Join(s.dir, fmt.Sprintf("machine%d", len(f.machines)))
	if err := os.MkdirAll(mine.dir, 0o755); err != nil {
		f.t.Fatal(err)
	}
	mine.settings = maps.Clone(s.settings)
	maps.Copy(mine.settings, own)
	f.machines = append(f.machines, &machine{name: fmt.Sprintf("daemon %d", len(f.machines)), fleet: f, site: &mine})
}

// start starts the daemon, which waits for its broker as systemd's would.
func (m *machine) start() {
	m.lives++
	name := fmt.Sprintf("%s.%d", m.name, m.lives)
	l := &life{name: name, mark: m.fleet.mark + strings.ReplaceAll(name, " ", "-") + ".", ours: make(chan struct{})}
	l.daemon = startDaemon(m.fleet.t, m.site.dir, []string{lifeVariable + "=" + l.mark}, "-c", m.site.config(), "--wait")
	m.life = l
	m.fleet.journal.follow(l)
	m.fleet.timeline.add("%s starts as process %d", name, l.cmd.Process.Pid)
}

// mean says that we end it.
func (l *life) mean() { l.meant.Do(func() { close(l.ours) }) }

// endedItself says whether it ended though nobody asked.
func (l *life) endedItself() bool {
	select {
	case <-l.ours:
		return false
	default:
		return l.ended()
	}
}

// wait waits until it has ended and says how.
func (l *life) wait(most time.Duration) (syscall.WaitStatus, error) {
	select {
	case <-l.done:
		return l.cmd.ProcessState.Sys().(syscall.WaitStatus), nil
	case <-time.After(most):
		return 0, fmt.Errorf("%s has not ended within %s", l.name, most)
	}
}

// orphanTime is how long a child may outlive its daemon: 3 s, and three times as
// long on a machine as busy as a chaos run makes it.
const orphanTime = 3 * 3 * time.Second

// kill ends the daemon at once, and nothing that it started may live on.
func (m *machine) kill() error {
	l := m.life
	m.life = nil
	children := len(offspring(l.cmd.Process.Pid))
	l.mean()
	began := time.Now()
	l.signal(syscall.SIGKILL)
	if _, err := l.wait(10 * time.Second); err != nil {
		return err
	}
	left := awaitNone(l.mark, orphanTime-time.Since(began))
	m.fleet.timeline.add("%s is dead, its %d children within %s", l.name, children, time.Since(began).Round(time.Millisecond))
	return alive(l.name, "kill -9", left)
}

// term asks the daemon to end, which must be in order and in time.
func (m *machine) term(within time.Duration) error {
	l := m.life
	m.life = nil
	m.fleet.journal.awaitWord(l)
	l.mean()
	began := time.Now()
	l.signal(syscall.SIGTERM)
	status, err := l.wait(within)
	if err != nil {
		l.signal(syscall.SIGQUIT) // where it hangs
		_, _ = l.wait(10 * time.Second)
		return err
	}
	took := time.Since(began).Round(time.Millisecond)
	m.fleet.timeline.add("%s has ended %s after SIGTERM: status %d", l.name, took, status.ExitStatus())
	m.fleet.journal.absorb()
	if !status.Exited() || status.ExitStatus() != 0 {
		return fmt.Errorf("%s ends with status %d (signal %v) after SIGTERM", l.name, status.ExitStatus(), status.Signal())
	}
	return errors.Join(m.fleet.journal.checkSums(l), alive(l.name, "SIGTERM", awaitNone(l.mark, orphanTime)))
}

func alive(name, after string, left []process) error {
	var list []string
	for _, p := range left {
		list = append(list, fmt.Sprintf("%d: %s", p.pid, strings.ReplaceAll(p.commandLine(), "\n", " ")))
	}
	if len(list) == 0 {
		return nil
	}
	return fmt.Errorf("%s after the %s of %s there still run:\n  %s", orphanTime, after, name, strings.Join(list, "\n  "))
}

// offspring are the children of a daemon that ingest.
func offspring(pid int) (list []process) {
	for _, p := range childrenOf(pid) {
		if strings.Contains(p.commandLine(), "--nexus-file") {
			list = append(list, p)
		}
	}
	return list
}

// awaitNone waits until no process with the mark lives, and gives those that
// still do.
func awaitNone(mark string, most time.Duration) []process {
	for deadline := time.Now().Add(most); ; time.Sleep(50 * time.Millisecond) {
		left := marked(mark)
		if len(left) == 0 || time.Now().After(deadline) {
			return left
		}
	}
}

// marked lists the living processes whose environment holds the mark.
func marked(mark string) (list []process) {
	all, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		return nil
	}
	for _, path := range all {
		text, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(text), lifeVariable+"="+mark) {
			continue
		}
		var pid int
		if _, err := fmt.Sscanf(path, "/proc/%d/", &pid); err != nil {
			continue
		}
		if _, _, start, ok := stat(fmt.Sprint(pid)); ok {
			if p := (process{pid, start}); p.lives() {
				list = append(list, p)
			}
		}
	}
	return list
}

// deadLettered is what the ledger of a machine tells of messages given up.
func (m *machine) deadLettered() (list []position, err error) {
	cmd := exec.CommandContext(m.fleet.t.Context(), offlineProgram, "retry", "-c", m.site.config(), "--all", "--list", "--json")
	cmd.Env = []string{"HOME=" + m.site.dir}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%v: %w\n%s", cmd.Args, err, stderr.String())
	}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var e struct {
			Topic     string
			Partition int32
			Offset    int64
			Kept      bool
		}
		switch err := d.Decode(&e); {
		case errors.Is(err, io.EOF):
			return list, nil
		case err != nil:
			return nil, fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
		case e.Topic != m.site.topic || !e.Kept:
			return nil, fmt.Errorf("%v tells of %+v, which can not be replayed", cmd.Args, e)
		}
		list = append(list, position{e.Partition, e.Offset})
	}
}

// checkLedgers: the ledgers tell of every file that was given up, and of no other.
func (c *chaos) checkLedgers(positions map[position]*message) {
	told := map[position]bool{}
	for _, m := range c.fleet.machines[1:] { // the first two share one
		list, err := m.deadLettered()
		if err != nil {
			c.timeline.fail("%s: %v", m.name, err)
			return
		}
		for _, p := range list {
			told[p] = true
		}
	}
	for p, m := range positions {
		if m != nil && told[p] != slices.Contains(m.wants(), "dead_lettered") {
			c.timeline.fail("message %d (%s): that a ledger tells it as dead-lettered is %v", m.number, m.kind, told[p])
			c.offend(m)
		}
	}
}
