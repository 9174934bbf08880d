package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// daemon is the real online ingestor, as a process of its own.
type daemon struct {
	cmd   *exec.Cmd
	log   string
	ended chan error
}

// logLine is what the demo reads of the daemon's log: key=value pairs.
type logLine struct {
	Outcome, PID, Reason string
}

func (l logLine) reason() string {
	if l.Reason == "" {
		return "see daemon.log"
	}
	return l.Reason
}

// startDaemon writes the configuration, starts the daemon and waits until it is
// ready for messages.
func startDaemon(ctx context.Context, d *demo) (*daemon, error) {
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	config := filepath.Join(d.result, "ingestor.yml")
	if err := os.WriteFile(config, []byte(configuration(d, port)), 0o600); err != nil {
		return nil, fmt.Errorf("write the configuration: %w", err)
	}
	log, err := os.Create(filepath.Join(d.result, "daemon.log"))
	if err != nil {
		return nil, err
	}
	defer log.Close() // the process has its own copy
	cmd := exec.CommandContext(ctx, filepath.Join(d.bin, "online-ingestor"), "-c", config)
	cmd.Stdout, cmd.Stderr = log, log
	// A demo that is killed takes its daemon along.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the daemon: %w", err)
	}
	p := &daemon{cmd: cmd, log: log.Name(), ended: make(chan error, 1)}
	go func() { p.ended <- cmd.Wait() }()
	health := "http://127.0.0.1:" + strconv.Itoa(port) + "/health"
	err = p.poll(ctx, "the daemon to become ready", func() (bool, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, health, nil)
		if err != nil {
			return false, err
		}
		resp, err := (&http.Client{Timeout: time.Second}).Do(r)
		if err != nil {
			return false, nil //nolint:nilerr // not up yet
		}
		return resp.StatusCode == http.StatusOK, resp.Body.Close()
	})
	if err != nil {
		return nil, errors.Join(err, p.kill())
	}
	return p, nil
}

// configuration is a whole one, as a user would write it.
func configuration(d *demo, port int) string {
	q := func(s string) string { return strconv.Quote(s) } // a JSON text is a YAML text
	return `# The configuration of the demo.
id: demo
dataset:
  default_instrument_id: demo-instrument
  default_proposal_id: demo-proposal
  default_owner_group: demo
  default_access_groups: [demo]
ingestion:
  offline_ingestor_executable: [` + q(filepath.Join(d.bin, "offline-ingestor")) + `]
  max_offline_ingestors: 2
  schemas_directory: ` + q(d.schemas) + `
  state_directory: ` + q(filepath.Join(d.result, "state")) + `
  retry_delay: 200ms
  file_handling:
    ingestor_files_directory: ` + q(filepath.Join(d.result, "ingestor")) + `
    file_path_type: absolute
    data_file_open_max_tries: 0
kafka:
  topics: ` + topic + `
  group_id: demo
  bootstrap_servers: ` + d.broker.Address() + `
scicat:
  host: ` + d.catalogue.url() + `api/v3
  token: ` + token + `
health_check:
  host: 127.0.0.1
  port: ` + strconv.Itoa(port) + `
`
}

func freePort(ctx context.Context) (int, error) {
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	_, text, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return 0, err
	}
	port, err := strconv.Atoi(text)
	return port, errors.Join(err, l.Close())
}

func (p *daemon) pid() int { return p.cmd.Process.Pid }

// poll asks until ok, for as long as the daemon lives.
func (p *daemon) poll(ctx context.Context, what string, ok func() (bool, error)) error {
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		if done, err := ok(); done || err != nil {
			return err
		}
		select {
		case err := <-p.ended:
			p.ended <- err
			return fmt.Errorf("waiting for %s: the daemon ended: %w", what, err)
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", what, ctx.Err())
		case <-again.C:
		}
	}
}

// waitOutcomes waits until n messages have ended and gives the last one.
func (p *daemon) waitOutcomes(ctx context.Context, n int) (logLine, error) {
	var lines []logLine
	err := p.poll(ctx, fmt.Sprintf("outcome %d", n), func() (bool, error) {
		text, err := os.ReadFile(p.log)
		lines = lines[:0]
		for line := range strings.Lines(string(text)) {
			if strings.Contains(line, " outcome=") {
				lines = append(lines, logLine{field(line, "outcome"), field(line, "pid"), field(line, "reason")})
			}
		}
		return len(lines) >= n, err
	})
	if err != nil {
		return logLine{}, err
	}
	return lines[n-1], nil
}

// field is the value of key=value or key="quoted value" in a log line.
func field(line, key string) string {
	_, rest, found := strings.Cut(line, " "+key+"=")
	if !found {
		return ""
	}
	if quoted, err := strconv.QuotedPrefix(rest); err == nil {
		var s string
		if json.Unmarshal([]byte(quoted), &s) == nil {
			return s
		}
		return strings.Trim(quoted, `"`)
	}
	word, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	return word
}

// stop asks the daemon to end and gives its closing line.
func (p *daemon) stop(ctx context.Context) (string, error) {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return "", fmt.Errorf("stop the daemon: %w", err)
	}
	select {
	case err := <-p.ended:
		p.ended <- err
		if err != nil {
			return "", fmt.Errorf("the daemon ended badly: %w", err)
		}
	case <-ctx.Done():
		return "", fmt.Errorf("wait for the daemon's end: %w", ctx.Err())
	}
	text, err := os.ReadFile(p.log)
	if err != nil {
		return "", err
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	last := lines[len(lines)-1]
	if i := strings.Index(last, "Stopped"); i >= 0 {
		last = last[i:]
	}
	return last, nil
}

// kill ends a daemon that is still there.
func (p *daemon) kill() error {
	select {
	case err := <-p.ended:
		p.ended <- err
		return nil
	default:
	}
	if err := p.cmd.Process.Kill(); err != nil {
		return fmt.Errorf("end the daemon: %w", err)
	}
	err := <-p.ended
	p.ended <- err
	return nil
}

// daemonLog is the end of the daemon's log, for a step that failed.
func (d *demo) daemonLog() error {
	if d.daemon == nil {
		return nil
	}
	text, err := os.ReadFile(d.daemon.log)
	if err != nil {
		return err
	}
	const most = 4000
	return fmt.Errorf("the daemon's log ends with:\n%s", text[max(0, len(text)-most):])
}
