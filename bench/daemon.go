package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// maxChildren is how many offline ingestors the daemon runs at once.
const maxChildren = 4

// daemon is a running online-ingestor.
type daemon struct {
	cmd        *exec.Cmd
	group, log string
	done       chan struct{}
}

// start starts the daemon for a topic, as a group of its own.
func (s *site) start(ctx context.Context, topic string) (*daemon, error) {
	d := &daemon{group: topic + ".group", log: filepath.Join(s.dir, topic+".log"), done: make(chan struct{})}
	config := filepath.Join(s.dir, topic+".yml")
	text := s.settings() + "kafka: {topics: [" + topic + "], group_id: " + d.group + ", bootstrap_servers: ['" + s.broker.address + "']}\n" +
		"health_check: {host: 127.0.0.1, port: 0}\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	log, err := os.Create(d.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	d.cmd = exec.CommandContext(ctx, s.online, "-c", config)
	d.cmd.Dir, d.cmd.Stdout, d.cmd.Stderr = s.dir, log, log
	if err := d.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = d.cmd.Wait() // its state says all
		close(d.done)
	}()
	return d, nil
}

// await waits until something is so; the error has the end of the log.
func (d *daemon) await(ctx context.Context, most time.Duration, what string, so func() (bool, error)) error {
	const often = 25 * time.Millisecond
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	again := time.NewTicker(often)
	defer again.Stop()
	for {
		yes, err := so()
		if err != nil || yes {
			return err
		}
		select {
		case <-again.C:
		case <-d.done:
			return fmt.Errorf("the daemon ended: %s\n%s", d.cmd.ProcessState, d.logEnd())
		case <-ctx.Done():
			return fmt.Errorf("waited %s in vain for the %s\n%s", most, what, d.logEnd())
		}
	}
}

// logEnd is the end of its log.
func (d *daemon) logEnd() string {
	const most = 4000
	text, err := os.ReadFile(d.log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-most):])
}

// stop asks it to end, which must be in order.
func (d *daemon) stop() error {
	const most = time.Minute
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-d.done:
	case <-timer.C:
		return errors.Join(fmt.Errorf("the daemon does not end"), d.cmd.Process.Kill())
	}
	if !d.cmd.ProcessState.Success() {
		return fmt.Errorf("the daemon: %s\n%s", d.cmd.ProcessState, d.logEnd())
	}
	return nil
}

// use is what a process has taken so far, in processor time and in memory.
type use struct {
	own, children time.Duration
	rss, peak     int64 // bytes; of the process alone
}

func (u use) since(before use) use {
	u.own -= before.own
	u.children -= before.children
	return u
}

// use reads the kernel's account of the daemon.
func (d *daemon) use() (u use, err error) {
	// The kernel counts in hundredths of a second here, on every platform.
	const tick = 10 * time.Millisecond
	folder := filepath.Join("/proc", strconv.Itoa(d.cmd.Process.Pid))
	text, err := os.ReadFile(filepath.Join(folder, "stat"))
	if err != nil {
		return u, err
	}
	// The name, in parentheses, may hold anything; utime is the 12th after it.
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 15 {
		return u, fmt.Errorf("%s: %q", folder, text)
	}
	for i, to := range map[int]*time.Duration{11: &u.own, 12: &u.own, 13: &u.children, 14: &u.children} {
		n, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return u, err
		}
		*to += time.Duration(n) * tick
	}
	status, err := os.ReadFile(filepath.Join(folder, "status"))
	if err != nil {
		return u, err
	}
	for line := range strings.Lines(string(status)) {
		for key, to := range map[string]*int64{"VmRSS:": &u.rss, "VmHWM:": &u.peak} {
			if f := strings.Fields(line); len(f) > 1 && f[0] == key {
				kilobytes, err := strconv.ParseInt(f[1], 10, 64)
				if err != nil {
					return u, err
				}
				*to = kilobytes * 1024
			}
		}
	}
	return u, nil
}

// ownUse is the processor time of this process: broker, catalogue, observer.
func ownUse() (time.Duration, error) {
	var r syscall.Rusage
	err := syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return time.Duration(r.Utime.Nano() + r.Stime.Nano()), err
}
