package main_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"ingestor/internal/offsets"
)

// busy starts a daemon whose four children all wait for an answer of the
// catalogue to such a request, with two more files behind them.
func (s *site) busy(method, path string, delay time.Duration) (*daemon, []run) {
	s.t.Helper()
	s.catalogue.ClearRequests()
	s.catalogue.delay(method, path+"$", delay)
	runs := s.measureAll(6)
	s.announce(runs...)
	d := s.start()
	await(s.t, "four children that wait for the catalogue", func() bool {
		return s.catalogue.count(method, path) >= 4 || d.ended()
	}, d)
	return d, runs
}

// SIGTERM while children run: they finish, what they did is committed, and the
// next daemon is at work at once.
func termWhileChildrenRun(t *testing.T, b *broker, size scale) {
	s := newSite(t, b, 1)
	d, runs := s.busy("POST", "/datasets", size.within(time.Second))
	children := d.children()
	if len(children) != 4 {
		t.Errorf("%d children run, not 4\n%s", len(children), d)
	}
	took := d.stop()
	t.Logf("drained in %s", took.Truncate(time.Millisecond))
	for _, c := range children {
		if c.lives() {
			t.Errorf("child %d outlives the daemon", c.pid)
		}
	}
	s.catalogue.checkOnce(runs[:4]...)
	if got, want := fmt.Sprint(s.committed()), fmt.Sprint(map[offsets.Key]int64{{Topic: s.topic}: 4}); got != want {
		t.Errorf("committed are %s, not %s", got, want)
	}
	if sums := d.sums(); sums["registered"] != 4 || sums["messages"]-sums["returned"] != 4 {
		t.Errorf("sums %v", sums)
	}

	s.catalogue.ClearFaults()
	next := s.start()
	fresh := s.measure()
	s.announce(fresh)
	await(t, "the new file", func() bool { return s.catalogue.registered(fresh) || next.ended() }, next)
	if took := time.Since(next.began); took > size.within(5*time.Second) {
		t.Errorf("the new message is handled %s after the start\n%s", took, next)
	} else {
		t.Logf("the new message is handled %s after the start", took.Truncate(time.Millisecond))
	}
	await(t, "the files that were not begun", func() bool { return s.catalogue.registered(runs...) }, next)
	s.finish(next)
	s.catalogue.checkOnce(append(runs, fresh)...)
}

// SIGTERM while there is nothing to do.
func termWhileIdle(t *testing.T, b *broker, size scale) {
	s := newSite(t, b, 2)
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		d := s.start()
		d.awaitReady()
		began := time.Now()
		d.signal(sig)
		if code := d.exit(); code != 0 {
			t.Errorf("status %d after %s\n%s", code, sig, d)
		}
		took := time.Since(began)
		t.Logf("%s: ended in %s", sig, took.Truncate(time.Millisecond))
		if limit := size.within(3 * time.Second); took > limit {
			t.Errorf("ended in %s, not within %s\n%s", took, limit, d)
		}
	}
	if n, err := b.admin.Members(t.Context(), s.group); err != nil || n != 0 {
		t.Errorf("the group still has %d members (%v)", n, err)
	}
}

// A second signal ends the drain: by an exit, not by the signal.
func secondTermEndsTheDrain(t *testing.T, b *broker, size scale) {
	s := newSite(t, b, 1)
	d, runs := s.busy("POST", "/datasets", time.Minute)
	children := d.children()
	d.signal(syscall.SIGTERM)
	d.awaitSays("Stopping: waiting for the children")
	if d.ended() {
		t.Fatalf("it does not wait for its children\n%s", d)
	}
	began := time.Now()
	d.signal(syscall.SIGTERM)
	code := d.exit()
	took := time.Since(began)
	t.Logf("ended with status %d in %s", code, took.Truncate(time.Millisecond))
	if code < 0 || took > size.within(3*time.Second) {
		t.Errorf("status %d (negative: by the signal) after %s\n%s", code, took, d)
	}
	for _, c := range children {
		if c.lives() {
			t.Errorf("child %d outlives the daemon", c.pid)
		}
	}
	if sums := d.sums(); sums["messages"] != sums["returned"] {
		t.Errorf("sums %v: what was interrupted must be delivered again", sums)
	}
	if got := s.committed(); len(got) != 0 {
		t.Errorf("committed are %v, though nothing is finished", got)
	}
	s.catalogue.ClearFaults()
	next := s.start()
	await(t, "all files", func() bool { return s.catalogue.registered(runs...) || next.ended() }, next)
	s.finish(next)
}

// kill -9 of the daemon with children at work: they end, and the next daemon
// finds nothing missing and makes nothing double.
func killedWhileChildrenRun(t *testing.T, b *broker, size scale) {
	s := newSite(t, b, 1)
	var all []run
	// Each round dies at another step of a registration. The catalogue carries
	// the request out although nobody waits for the answer any more.
	for _, step := range []string{"/datasets", "/origdatablocks"} {
		d, runs := s.busy("POST", step, size.within(time.Second))
		all = append(all, runs...)
		children := d.children()
		if len(children) != 4 {
			t.Errorf("%d children run, not 4\n%s", len(children), d)
		}
		began := time.Now()
		d.signal(syscall.SIGKILL)
		if code := d.exit(); code != -int(syscall.SIGKILL) {
			t.Errorf("it ends with %d, not by SIGKILL", code)
		}
		awaitFor(t, size.within(3*time.Second), "end of the children", func() bool {
			for _, c := range children {
				if c.lives() {
					return false
				}
			}
			return true
		}, d)
		t.Logf("killed at %s, the children are gone after %s", step, time.Since(began).Truncate(time.Millisecond))

		s.catalogue.ClearFaults()
		next := s.start()
		await(t, "all files", func() bool { return s.catalogue.registered(all...) || next.ended() }, next)
		t.Logf("all registered %s after the restart", time.Since(next.began).Truncate(time.Millisecond))
		s.finish(next)
		s.catalogue.checkOnce(all...)
	}
}

// A daemon that stands still for longer than its session, as on a machine that
// is suspended, while its children go on: another one gets the same messages at
// the same time. Nothing is double, and the first goes on as a new member.
func frozenWhileChildrenRun(t *testing.T, b *broker, _ scale) {
	s := newSite(t, b, 2)
	session := time.Duration(b.session) * time.Millisecond
	first, runs := s.busy("POST", "/origdatablocks", session+3*time.Second)
	s.catalogue.ClearFaults() // the four requests that wait already go on waiting
	first.awaitReady()
	first.signal(syscall.SIGSTOP)
	second := s.start()
	second.awaitReady()
	second.awaitSays("Command to be run", runs[0].path)
	first.signal(syscall.SIGCONT)
	await(t, "all files", func() bool { return s.catalogue.registered(runs...) || second.ended() }, first, second)
	await(t, "the first daemon as a new member", func() bool {
		return first.times("partitions assigned") >= 2 || first.ended()
	}, first)
	fresh := s.measureAll(6)
	values := make([][]byte, len(fresh))
	for i, r := range fresh {
		values[i] = r.written()
	}
	s.send(2, values...)
	await(t, "files for both", func() bool { return s.catalogue.registered(fresh...) }, first, second)
	s.finish(second)
	s.finish(first)
	s.catalogue.checkOnce(append(runs, fresh...)...)
}
