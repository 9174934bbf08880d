package main_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"ingestor/schemas/filewriter"
)

// withGrandchild is a wrapper that runs its program without exec, as scripts
// around schedulers do, and both do not end by themselves.
const withGrandchild = `sleep 600 &
echo $! >> "$dir/grand"
echo $$ >> "$dir/wrappers"
wait`

// kill -9 of the daemon ends its children and what they have started.
func killedDaemonTakesGrandchildrenAlong(t *testing.T, b *broker, size scale) {
	s := newSite(t, b, 1)
	in := s.standIn(withGrandchild)
	s.send(1, s.calledAll(numbered("run", 6)...)...)
	d := s.start()
	await(t, "four wrappers at work", func() bool { return len(in.lines("wrappers")) >= 4 || d.ended() }, d)
	family := append(in.pids("grand"), in.pids("wrappers")...)
	if len(family) != 8 {
		t.Fatalf("%d processes, not 8\n%s", len(family), d)
	}
	began := time.Now()
	d.signal(syscall.SIGKILL)
	d.exit()
	awaitFor(t, size.within(3*time.Second), "end of children and grandchildren", func() bool { return !anyLives(family) }, d)
	t.Logf("gone after %s", time.Since(began).Truncate(time.Millisecond))
}

// The time limit of a child ends its whole group, also members that do not
// listen to SIGTERM.
func timeLimitEndsTheWholeGroup(t *testing.T, b *broker, size scale) {
	s := newSite(t, b, 1)
	s.settings["ingestion.child_timeout"] = "1s"
	s.settings["ingestion.max_attempts"] = 1
	in := s.standIn("trap '' TERM\n" + withGrandchild)
	s.send(1, s.called("run"))
	d := s.start()
	await(t, "the grandchild", func() bool { return len(in.lines("wrappers")) > 0 || d.ended() }, d)
	family := append(in.pids("grand"), in.pids("wrappers")...)
	await(t, "the end of the file", func() bool { return d.outcomes("dead_lettered") == 1 || d.ended() }, d)
	awaitFor(t, size.within(time.Second), "end of the group", func() bool { return !anyLives(family) }, d)
	if !d.says("exceeded the time limit of a child") {
		t.Errorf("the reason is not told\n%s", d)
	}
	s.finish(d)
}

// Never more than max_offline_ingestors run, also when all messages have one job
// id, and each of them is dealt with.
func neverMoreThanMaxChildren(t *testing.T, b *broker, _ scale) {
	s := newSite(t, b, 2)
	in := s.standIn("sleep 0.2")
	names := numbered("run", 24)
	values := make([][]byte, len(names))
	for i, name := range names {
		values[i] = filewriter.WritingDone{ServiceID: "fw", JobID: "one job for all", FileName: s.dir + "/odin/raw/" + name}.Encode()
	}
	s.send(2, values...)
	d := s.start()
	running := countChildren(t, d.cmd.Process.Pid)
	await(t, "all files", func() bool { return d.outcomes("registered") == len(names) || d.ended() }, d)
	s.finish(d)
	if most := running.highest(); most > 4 || most < 3 {
		t.Errorf("%d children at once; at most 4 are allowed, and fewer than 3 are too few", most)
	}
	for _, name := range names {
		if n := in.starts()[name]; n != 1 {
			t.Errorf("%s was started %d times", name, n)
		}
	}
}

// A child that has ended is reaped and told of within a second, also when no
// further message comes.
func reapedWithinASecond(t *testing.T, b *broker, size scale) {
	s := newSite(t, b, 1)
	in := s.standIn(`[ "$name" = bad ] && exit 65; :`)
	d := s.start()
	d.awaitReady()
	for i, name := range []string{"good", "bad"} {
		s.send(1, s.called(name))
		await(t, "the start", func() bool { return in.starts()[name] > 0 || d.ended() }, d)
		awaitFor(t, size.within(time.Second), "its reaping", func() bool { return len(d.children()) == 0 }, d)
		awaitFor(t, size.within(time.Second), "its outcome", func() bool { return d.outcomes("") == i+1 }, d)
	}
	s.finish(d)
}

// A drain ends within drain_timeout, kill_delay and 5 s, whatever the children
// do; what was finished is committed and the group is left.
func drainIsBounded(t *testing.T, b *broker, size scale) {
	s := newSite(t, b, 1)
	s.settings["ingestion.drain_timeout"] = "1s" // and a kill_delay of 1 s
	in := s.standIn(`[ "$name" = quick ] && exit 0
trap '' TERM
` + withGrandchild)
	s.send(1, s.calledAll(append([]string{"quick"}, numbered("stubborn", 6)...)...)...)
	d := s.start()
	await(t, "the quick one, and four that do not end", func() bool {
		return d.outcomes("registered") == 1 && len(in.lines("wrappers")) >= 4 || d.ended()
	}, d)
	family := append(in.pids("grand"), in.pids("wrappers")...)
	took := d.stop()
	t.Logf("drained in %s", took.Truncate(time.Millisecond))
	if took > size.within(7*time.Second) || took < time.Second {
		t.Errorf("drained in %s", took)
	}
	if anyLives(family) {
		t.Error("children outlive the daemon")
	}
	if got := s.committedOffset(); got != 1 {
		t.Errorf("committed is %d, not 1", got)
	}
	if n, err := b.admin.Members(t.Context(), s.group); err != nil || n != 0 {
		t.Errorf("the group still has %d members (%v)", n, err)
	}
	if sums := d.sums(); sums["registered"] != 1 || sums["messages"]-sums["returned"] != 1 {
		t.Errorf("sums %v", sums)
	}
}

// A second signal ends the daemon within 3 s by an exit, also with children that
// do not listen.
func secondSignalEndsStubbornChildren(t *testing.T, b *broker, size scale) {
	s := newSite(t, b, 1)
	in := s.standIn("trap '' TERM INT\n" + withGrandchild)
	s.send(1, s.calledAll(numbered("run", 4)...)...)
	d := s.start()
	await(t, "four children", func() bool { return len(in.lines("wrappers")) >= 4 || d.ended() }, d)
	family := append(in.pids("grand"), in.pids("wrappers")...)
	d.signal(syscall.SIGINT)
	d.awaitSays("Stopping: waiting for the children")
	began := time.Now()
	d.signal(syscall.SIGTERM)
	code := d.exit()
	if took := time.Since(began); code < 0 || took > size.within(3*time.Second) {
		t.Errorf("status %d (negative: by the signal) after %s\n%s", code, took, d)
	}
	if anyLives(family) {
		t.Error("children outlive the daemon")
	}
	if got := s.committedOffset(); got != 0 {
		t.Errorf("committed is %d", got)
	}
}

// memoryPeak is the most memory that a process has had, in bytes.
func (p process) memoryPeak() int64 {
	var kilobytes int64
	for line := range strings.Lines(p.read("status")) {
		if n, err := fmt.Sscanf(line, "VmHWM: %d kB", &kilobytes); err == nil && n == 1 {
			break
		}
	}
	return kilobytes * 1024
}

// self is the daemon's own process.
func (d *daemon) self() process {
	pid := d.cmd.Process.Pid
	_, _, start, _ := stat(strconv.Itoa(pid))
	return process{pid, start}
}

// Whoever reads the log may go away: the daemon goes on, and ends in order.
func logReaderMayGo(t *testing.T, b *broker, _ scale) {
	s := newSite(t, b, 1)
	log, stderr, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(onlineProgram, "-c", s.config()) //nolint:noctx // its end is a matter of the test
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "TMPDIR=" + os.TempDir()}
	cmd.Stderr = stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	if err := stderr.Close(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(log).ReadString('\n')
	if err != nil || line == "" {
		t.Fatalf("%q %v", line, err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	runs := s.measureAll(3)
	s.announce(runs...)
	await(t, "the files, or the end of the daemon", func() bool { return s.catalogue.registered(runs...) || len(ended) > 0 })
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatalf("the daemon has ended: %v", <-ended)
	}
	if err := <-ended; err != nil {
		t.Errorf("the daemon ends with %v", err)
	}
	s.catalogue.checkOnce(runs...)
}
