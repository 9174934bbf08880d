//go:build linux

package children

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// resultFD is the number of the first descriptor that a child inherits beyond
// the standard ones.
const resultFD = 3

// launch starts a child. It must be called on the runner's locked thread.
func (r *Runner) launch(ctx context.Context, c Command) (*Child, error) {
	if len(c.Argv) == 0 || c.Argv[0] == "" {
		return nil, startError("", errors.New("no program is given"))
	}
	program := c.Argv[0]
	child := &Child{
		killDelay: r.opt.KillDelay, guardian: r.guardian, timeout: c.Timeout, tail: &tail{limit: r.opt.TailBytes},
		terminate: make(chan struct{}), done: make(chan struct{}),
	}
	// The context ends the starting, never the child: that is done with TERM
	// first, and for the whole group.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), program, c.Argv[1:]...)
	child.cmd = cmd
	cmd.Dir = c.Dir
	cmd.Env = c.Env
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Setpgid: true,
		// KILL, because TERM may be ignored, and nobody is left to follow up.
		Pdeathsig: syscall.SIGKILL,
	}
	input, err := inlet(c.Stdin)
	if err != nil {
		return nil, startError(program, fmt.Errorf("keep its standard input: %w", err))
	}
	if input != nil {
		cmd.Stdin = input
		defer func() { _ = input.Close() }() // the child has its own copy
	}
	if child.stderr, err = newOutlet(); err != nil {
		return nil, startError(program, fmt.Errorf("make pipe for stderr: %w", err))
	}
	cmd.Stderr = child.stderr.write
	if c.KeepStdout {
		cmd.Stdout = child.stderr.write
	}
	if c.ResultFDVariable != "" {
		if child.result, err = newOutlet(); err != nil {
			child.stderr.abandon()
			return nil, startError(program, fmt.Errorf("make pipe for the result: %w", err))
		}
		child.record = &head{limit: recordLimit}
		cmd.ExtraFiles = []*os.File{child.result.write} // becomes resultFD
		cmd.Env = append(cmd.Environ(), fmt.Sprintf("%s=%d", c.ResultFDVariable, resultFD))
	}
	child.started = time.Now()
	if err := cmd.Start(); err != nil {
		child.stderr.abandon()
		if child.result != nil {
			child.result.abandon()
		}
		return nil, startError(program, explainMissing(cmd, err))
	}
	r.guardian.add(child.PID())
	child.listen(c)
	return child, nil
}

// explainMissing says what is missing when the system only says that something
// is: that need not be the program.
func explainMissing(cmd *exec.Cmd, err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if cmd.Dir != "" {
		if _, dirErr := os.Stat(cmd.Dir); dirErr != nil {
			return fmt.Errorf("enter working directory: %w", dirErr)
		}
	}
	if _, fileErr := os.Stat(cmd.Path); fileErr == nil {
		return fmt.Errorf("the file is there, but the interpreter or loader that it names is not: %w", syscall.ENOENT)
	}
	return err
}

// listen begins to read what the child writes.
func (c *Child) listen(to Command) {
	if to.Line == nil {
		c.stderr.started(c.tail, func() {})
	} else {
		l := &lines{limit: maxLine, emit: func(line []byte) { to.Line(string(line)) }}
		c.stderr.started(both{c.tail, l}, l.flush)
	}
	switch {
	case c.result == nil:
	case to.Record == nil:
		c.result.started(c.record, func() {})
	default:
		l := &lines{limit: recordLimit, emit: func(line []byte) { to.Record(bytes.Clone(line)) }}
		c.result.started(both{c.record, l}, l.flush)
	}
}

// both keeps what is written before it tells of it: a slow listener must not cost
// the end of stderr.
type both struct {
	kept  io.Writer
	lines *lines
}

// Write never fails.
func (b both) Write(p []byte) (int, error) {
	_, _ = b.kept.Write(p) // never fails
	return b.lines.Write(p)
}
