package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal opens a pseudo-terminal: what is written to tty is read from there.
func terminal(t *testing.T) (there, tty *os.File) {
	t.Helper()
	there, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no terminal can be made here: ", err)
	}
	t.Cleanup(func() { _ = there.Close() })
	var n int
	if err := unix.IoctlSetPointerInt(int(there.Fd()), unix.TIOCSPTLCK, 0); err == nil {
		n, err = unix.IoctlGetInt(int(there.Fd()), unix.TIOCGPTN)
		if err != nil {
			t.Fatal(err)
		}
	}
	if tty, err = os.OpenFile(fmt.Sprint("/dev/pts/", n), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Skip("no terminal can be made here: ", err)
	}
	if err := unix.IoctlSetWinsize(int(tty.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 100}); err != nil {
		t.Fatal(err)
	}
	return there, tty
}

// TestProgress_OnATerminalOnly: a bar with rate and time left for a checksum
// that takes long; none in a pipe.
func TestProgress_OnATerminalOnly(t *testing.T) {
	start := func(t *testing.T) (*bench, []string) {
		b := newBench(t)
		// A sparse tail takes no space but long to read.
		if err := os.Truncate(b.path("raw/run.hdf"), 16<<30); err != nil {
			t.Fatal(err)
		}
		return b, []string{"-c", "config.yml", "-d", "raw/run.hdf"}
	}
	t.Run("terminal", func(t *testing.T) {
		t.Parallel()
		b, args := start(t)
		there, tty := terminal(t)
		run := b.command(args...)
		run.Stderr = tty
		if err := run.Start(); err != nil {
			t.Fatal(err)
		}
		if err := tty.Close(); err != nil {
			t.Fatal(err)
		}
		var shown bytes.Buffer
		wanted := func() bool {
			s := shown.String()
			return strings.Contains(s, "checksum") && strings.Contains(s, "B/s") && strings.Contains(s, "%") && strings.Contains(s, ":")
		}
		buf := make([]byte, 4096)
		for !wanted() {
			n, err := there.Read(buf)
			shown.Write(buf[:n])
			if err != nil {
				break // the program has ended
			}
		}
		if err := run.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		go func() { // else the program waits for a reader
			for {
				if _, err := there.Read(buf); err != nil {
					return
				}
			}
		}()
		if err := run.Wait(); run.ProcessState.ExitCode() != 143 {
			t.Error(err)
		}
		if !wanted() {
			t.Errorf("shown: %q", shown.String())
		}
	})
	t.Run("pipe", func(t *testing.T) {
		t.Parallel()
		b, args := start(t)
		run := b.command(args...)
		e := b.endAfter(run, func() {
			time.Sleep(time.Second) // a bar would be there ten times
			if err := run.Process.Signal(syscall.SIGTERM); err != nil {
				t.Error(err)
			}
		})
		if e.exit != 143 || strings.ContainsAny(e.stderr, "\r\x1b") || strings.Contains(e.stderr, "checksum") {
			t.Errorf("exit %d: %q", e.exit, e.stderr)
		}
	})
}
