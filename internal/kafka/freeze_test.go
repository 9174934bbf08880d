package kafka_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"ingestor/internal/intake"
	"ingestor/internal/kafka"
)

// childVariable makes the test binary run a source instead of the tests.
const childVariable = "INGESTOR_KAFKA_TEST_CHILD"

// child consumes until its stdin ends and writes what it gets.
func child(args string) int {
	f := strings.Split(args, " ")
	s, err := kafka.New(kafka.Options{Topics: f[2:], Properties: map[string]string{
		"bootstrap.servers": f[0], "group.id": f[1],
		"session.timeout.ms": "2000", "heartbeat.interval.ms": "300", "max.poll.interval.ms": "2500",
	}})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	if err := s.Run(ctx, func(m intake.Message, ack intake.Ack) {
		fmt.Printf("%s\n", m.Value)
		ack(nil)
	}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// thaws freezes a process longer than its session and its poll interval: the
// group goes on without it, and it comes back as a new member.
func thaws(t *testing.T, c *cluster) {
	topic, group := c.topic(t, 1), name(t, "group")
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+strings.Join([]string{c.address, group, topic}, " "))
	cmd.Stderr = t.Output()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 16)
	go func() {
		defer close(lines)
		for sc := bufio.NewScanner(stdout); sc.Scan(); {
			lines <- sc.Text()
		}
	}()
	expect := func(want string) {
		t.Helper()
		select {
		case got := <-lines:
			if got != want {
				t.Fatalf("delivered %q, not %q", got, want)
			}
		case <-time.After(patience):
			t.Fatalf("%q is not delivered", want)
		}
	}
	c.fill(t, topic, 1, 0, 1)
	expect("0")
	c.awaitCommitted(t, group, map[int32]int64{0: 1})
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	await(t, "an empty group", func() bool {
		n, err := c.admin.Members(t.Context(), group)
		if err != nil {
			t.Fatal(err)
		}
		return n == 0
	})
	if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	c.fill(t, topic, 1, 1, 1)
	expect("1")
	c.awaitCommitted(t, group, map[int32]int64{0: 2})
	if err := stdin.Close(); err != nil {
		t.Fatal(err)
	}
	for range lines { //nolint:revive // nothing more is expected; its end is awaited
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the source's process: %v", err)
	}
}
