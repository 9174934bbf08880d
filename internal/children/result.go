//go:build linux

package children

import (
	"bytes"
	"strings"
	"syscall"
	"time"
)

// Result is how a child ended.
type Result struct {
	// ExitCode is the exit status; -1 when a signal ended the child.
	ExitCode int
	// Signal is the signal that ended the child; 0 when it exited.
	Signal syscall.Signal
	// TimedOut says that the child outlived Command.Timeout, however it ended
	// then.
	TimedOut bool
	// Stderr is the last part of stderr, at most Options.TailBytes.
	Stderr []byte
	// Record is what the child wrote on its result descriptor, at most 1 MiB,
	// unchecked; nil when it wrote nothing.
	Record []byte
	// Started and Ended are when the child began and was reaped.
	Started, Ended time.Time
	// MaxRSS is the child's greatest resident memory in bytes. Linux counts
	// from before the program is loaded, so it is at least what we had at the
	// start ourselves.
	MaxRSS int64
	// CPU is the user and system time of the child, with what it has itself
	// reaped.
	CPU time.Duration
}

// LastLine is the last line that the child wrote on stderr, of which a reader gets
// 500 bytes; it says so where there is none.
func (r Result) LastLine() string {
	lines := bytes.Split(bytes.TrimSpace(r.Stderr), []byte("\n"))
	last := strings.TrimSpace(strings.ToValidUTF8(string(lines[len(lines)-1]), "?"))
	if last == "" {
		return "it wrote nothing on standard error"
	}
	const most = 500
	if len(last) > most {
		last = strings.ToValidUTF8(last[:most], "") + "…"
	}
	return last
}
