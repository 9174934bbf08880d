package telemetry

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// systemLog listens at path as the system log does.
func systemLog(t *testing.T, path string) *net.UnixConn {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// packet is the next datagram.
func packet(t *testing.T, conn net.Conn) []byte {
	t.Helper()
	b := make([]byte, 1<<16)
	if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	n, err := conn.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return b[:n]
}

func TestSyslog_RecordHasFacilitySeverityAndTag(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	conn := systemLog(t, path)
	log, _, _ := logger(t, LogOptions{Program: "p", Syslog: true, SyslogFacility: "mail", SyslogSocket: path, JobID: "j"})
	log.Warn("hello\nthere")
	want := regexp.MustCompile(`^<20>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d p\[\d+\]: hello\\nthere job_id=j$`) // mail 2, warning 4
	if got := packet(t, conn); !want.Match(got) {
		t.Errorf("got %q", got)
	}
	log.Info(strings.Repeat("x", 2*syslogMost))
	if got := packet(t, conn); len(got) > syslogMost+200 || !strings.HasSuffix(string(got), "...") {
		t.Errorf("a long record has %d bytes", len(got))
	}
}

func TestSyslog_AbsentIsOneWarning(t *testing.T) {
	log, end, stderr := logger(t, LogOptions{Syslog: true, SyslogSocket: filepath.Join(t.TempDir(), "none")})
	for range 5 {
		log.Info("work goes on")
	}
	if err := end(); err == nil {
		t.Error("the loss is not told at the end")
	}
	if got := stderr.String(); strings.Count(got, "WARNING") != 1 || !strings.Contains(got, "The system log does not take log lines") || strings.Count(got, "work goes on") != 5 {
		t.Errorf("got %s", got)
	}
}

func TestSyslog_UnknownFacilityIsUser(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	conn := systemLog(t, path)
	log, _, stderr := logger(t, LogOptions{Syslog: true, SyslogFacility: "males", SyslogSocket: path})
	log.Info("x")
	if got := packet(t, conn); !strings.HasPrefix(string(got), "<14>") { // user 1, info 6
		t.Errorf("got %q", got)
	}
	if !strings.Contains(stderr.String(), "facility=males") {
		t.Errorf("no warning: %s", stderr)
	}
}

func TestSyslog_LinesWaitForItsRestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	first, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	log, _, stderr := logger(t, LogOptions{Syslog: true, SyslogSocket: path})
	log.Info("before")
	if got := packet(t, first); !strings.HasSuffix(string(got), ": before") {
		t.Errorf("got %q", got)
	}
	if err := errors.Join(first.Close(), os.Remove(path)); err != nil {
		t.Fatal(err)
	}
	log.Info("meanwhile")
	for deadline := time.Now().Add(time.Minute); !strings.Contains(stderr.String(), "does not take log lines") && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	second := systemLog(t, path)
	if got := packet(t, second); !strings.HasSuffix(string(got), ": meanwhile") {
		t.Errorf("got %q", got)
	}
}
