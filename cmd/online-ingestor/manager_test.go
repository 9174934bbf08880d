package main_test

import (
	"syscall"
	"testing"

	"ingestor/internal/telemetry/telemetrytest"
)

// The service manager hears READY once the daemon may get messages and not
// before, then signs of life, a line of status, and that it stops.
func tellsTheServiceManager(t *testing.T, b *broker, _ scale) {
	s := newSite(t, b, 1)
	// A member that is frozen makes everybody who joins the group wait until
	// its session has ended.
	frozen := s.start()
	frozen.awaitReady()
	frozen.signal(syscall.SIGSTOP)

	m := telemetrytest.NewManager(t)
	d := s.startWith([]string{m.Environment(), "WATCHDOG_USEC=2000000"})
	await(t, "a status before it is ready", func() bool { return m.Times("STATUS=not ready: ") > 0 || d.ended() }, m, d)
	if m.Times("READY=1") > 0 || d.says("partitions assigned") {
		t.Errorf("ready without a partition\n%s\n%s", m, d)
	}
	await(t, "READY=1", func() bool { return m.Times("READY=1") > 0 || d.ended() }, m, d)
	await(t, "the assignment", func() bool { return d.says("partitions assigned") }, m, d)
	frozen.signal(syscall.SIGKILL)
	frozen.signal(syscall.SIGCONT)

	fed := m.Times("WATCHDOG=1")
	await(t, "signs of life", func() bool { return m.Times("WATCHDOG=1") >= fed+3 }, m, d)
	r := s.measure()
	s.announce(r)
	await(t, "a status with an outcome", func() bool { return m.Times("STATUS=0 running, 0 waiting, 0 postponed; 1 messages, 1 registered") > 0 }, m, d)
	s.finish(d)
	if m.Times("READY=1") != 1 || m.Times("STOPPING=1") != 1 || m.Times("STATUS=stopping") == 0 {
		t.Error(m)
	}
}
