package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"ingestor/cmd/internal/program"
	"ingestor/forwarder/dump"
	"ingestor/internal/fault"
)

// outlineOf is a stream whose first frame has a beginning and a size.
func outlineOf(head string, size int64) dump.OutlineStream {
	return dump.OutlineStream{Sizes: []int64{size}, Head: []byte(head)}
}

// TestReplay_ToAClientOfLines: the command sends, and says what it has sent.
func TestReplay_ToAClientOfLines(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 1)
	go func() {
		for t.Context().Err() == nil {
			conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
			if err != nil {
				time.Sleep(5 * time.Millisecond)
				continue
			}
			_, _ = conn.Write([]byte("\n"))
			b, _ := io.ReadAll(conn)
			_ = conn.Close()
			got <- string(b)
			return
		}
	}()
	exit, out, bad := runCommand(t, newReplayCommand(), nil, "--bind", "tcp://"+address, "--loop", "2", dumpOf("pcap_tcp"))
	if exit != 0 || bad != "" || !strings.HasPrefix(out, "sent 22 events, 22 messages, 704 bytes in ") {
		t.Errorf("exit %d: %s%s", exit, out, bad)
	}
	if s := <-got; !strings.HasPrefix(s, "OK\narm_time: ") || strings.Count(s, "END 5 Disarmed\n") != 2 {
		t.Errorf("got %q", s)
	}
}

func TestReplay_WrongUse(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
		exit int
	}{
		{[]string{dumpOf("stins")}, "stream stins needs an address, the upstream URL of the forwarder: --bind stins=URL", 2},
		{[]string{"--rate", "1", "--as-recorded", dumpOf("stins")}, "not both", 2},
		{[]string{"--rate", "-1", dumpOf("stins")}, "a rate of -1", 2},
		{[]string{"--protocol", "push", dumpOf("stins")}, "--protocol eiger=push", 2},
		{[]string{"--protocol", "stins=udp", dumpOf("stins")}, `"udp" is no protocol`, 2},
		{[]string{"--bind", "tcp://a:1", "--connect", "http://b:1", dumpOf("stins")}, "are for the same stream", 2},
		{[]string{"--bind", "stins=9999", dumpOf("stins")}, "it looks like tcp://", 2},
		{[]string{"--loop", "2", "-"}, "standard input can be sent once", 2},
		{[]string{"--bind", "tcp://192.0.2.1:1", dumpOf("stins")}, "assign", 69},
		{[]string{"--bind", "tcp://127.0.0.1:1", "none.cbors"}, "no such file", 65},
		{[]string{"--bind", "tcp://127.0.0.1:1", "replay.go"}, "replay.go: record 0 is not one of a dump", 65},
	} {
		exit, out, bad := runCommand(t, newReplayCommand(), nil, c.args...)
		if exit != c.exit || !strings.Contains(bad, c.want) || out != "" {
			t.Errorf("%q: exit %d, %q, %q; want %q", c.args, exit, out, bad, c.want)
		}
	}
}

// TestReplay_ASignalEndsIt while it waits for the forwarder.
func TestReplay_ASignalEndsIt(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	c := newReplayCommand()
	c.SetArgs([]string{"--bind", "tcp://127.0.0.1:0", dumpOf("stins")})
	var out, bad bytes.Buffer
	c.SetOut(&out)
	time.AfterFunc(50*time.Millisecond, func() { cancel(fault.Errorf(fault.Terminated, "stopped by terminated")) })
	if exit := program.Execute(ctx, c, &bad); exit != 143 || strings.Count(bad.String(), "\n") != 1 || !strings.Contains(bad.String(), "stopped by terminated") {
		t.Errorf("exit %d: %s%s", exit, &out, &bad)
	}
}
