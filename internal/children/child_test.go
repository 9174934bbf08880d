//go:build linux

package children

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"ingestor/internal/outcome"
)

func TestTimeLimitEndsTheWholeGroup(t *testing.T) {
	r := running(t, Options{KillDelay: short})
	t.Run("with TERM where that is heard", func(t *testing.T) {
		c := self("sleep")
		c.Timeout = short
		if got := start(t, r, c).Result(); !got.TimedOut || got.Signal != syscall.SIGTERM {
			t.Errorf("%+v", got)
		}
	})
	t.Run("with KILL where it is not", func(t *testing.T) {
		c := self("stubborn")
		c.Timeout = time.Second // time enough to begin to ignore TERM
		child, _ := startReady(t, r, c)
		if got := child.Result(); !got.TimedOut || got.Signal != syscall.SIGKILL {
			t.Errorf("%+v", got)
		}
	})
	t.Run("grandchildren included", func(t *testing.T) {
		c := self("parent")
		c.Timeout = time.Second
		child, grandchild := startReady(t, r, c)
		if got := child.Result(); !got.TimedOut {
			t.Errorf("%+v", got)
		}
		waitGone(t, grandchild, long)
	})
	t.Run("and not before", func(t *testing.T) {
		c := self("exit", "3")
		c.Timeout = long
		if got := start(t, r, c).Result(); got.TimedOut || got.ExitCode != 3 {
			t.Errorf("%+v", got)
		}
	})
}

func TestTerminateLetsAChildEndInItsWay(t *testing.T) {
	r := running(t, Options{KillDelay: long})
	child, _ := startReady(t, r, self("graceful"))
	child.Terminate()
	child.Terminate()
	if got := child.Result(); got.ExitCode != 75 || got.TimedOut {
		t.Errorf("%+v", got)
	}
}

func TestTerminateKillsAfterTheDelay(t *testing.T) {
	r := running(t, Options{KillDelay: short})
	child, _ := startReady(t, r, self("stubborn"))
	asked := time.Now()
	child.Terminate()
	if got := child.Result(); got.Signal != syscall.SIGKILL || got.Ended.Sub(asked) < short {
		t.Errorf("after %v: %+v", got.Ended.Sub(asked), got)
	}
}

func TestKillEndsTheGroupAtOnce(t *testing.T) {
	r := running(t, Options{KillDelay: long})
	child, grandchild := startReady(t, r, self("parent"))
	child.Kill()
	if got := child.Result(); got.Signal != syscall.SIGKILL {
		t.Errorf("%+v", got)
	}
	waitGone(t, grandchild, long)
}

func TestWhatALeaderLeavesBehindIsKilled(t *testing.T) {
	r := running(t, Options{KillDelay: long})
	child, grandchild := startReady(t, r, self("leaver"))
	if got := child.Result(); got.ExitCode != 0 || got.Signal != 0 {
		t.Errorf("%+v", got)
	}
	waitGone(t, grandchild, long)
}

func TestProcessThatLeftTheGroupDoesNotHoldUpTheEnd(t *testing.T) {
	r := running(t, Options{KillDelay: long})
	c := self("releaser")
	c.ResultFDVariable = outcome.ResultFD
	child, escaped := startReady(t, r, c)
	t.Cleanup(func() { _ = syscall.Kill(escaped, syscall.SIGKILL) })
	select {
	case <-child.Done():
	case <-time.After(long):
		t.Fatal("child is not done though it has ended")
	}
	if gone(t, escaped) {
		t.Error("the process that left is gone: nothing held the pipes, the test shows nothing")
	}
	if got := child.Result(); got.ExitCode != 0 || !bytes.HasPrefix(got.Stderr, []byte("ready ")) {
		t.Errorf("%+v", got)
	}
}

func TestEndOfALongStderrIsKept(t *testing.T) {
	r := running(t, Options{})
	const size = 1 << 20
	got := start(t, r, self("flood", fmt.Sprint(size))).Result()
	var want bytes.Buffer
	for i := range size / 16 {
		fmt.Fprintf(&want, "%015d\n", i)
	}
	if !bytes.Equal(got.Stderr, want.Bytes()[size-DefaultTailBytes:]) {
		t.Errorf("%d bytes kept, from %.16q to %.16q", len(got.Stderr), got.Stderr, got.Stderr[max(0, len(got.Stderr)-16):])
	}
}

func TestStdoutIsThrownAwayOrKept(t *testing.T) {
	r := running(t, Options{})
	c := self("stdout")
	if got := start(t, r, c).Result(); string(got.Stderr) != "on stderr\n" {
		t.Errorf("stderr %q", got.Stderr)
	}
	c.KeepStdout = true
	if got := start(t, r, c).Result(); string(got.Stderr) != "on stdout\non stderr\n" {
		t.Errorf("with stdout %q", got.Stderr)
	}
}

func TestResultRecordArrives(t *testing.T) {
	r := running(t, Options{})
	c := self("record")
	c.ResultFDVariable = outcome.ResultFD
	got := start(t, r, c).Result()
	record, err := outcome.Parse(got.Record)
	if err != nil || record.Outcome != outcome.Registered || record.File != "/x/y.hdf" {
		t.Errorf("record %+v, %v; stderr %s", record, err, got.Stderr)
	}
	c = self("exit", "1")
	c.ResultFDVariable = outcome.ResultFD
	if got := start(t, r, c).Result(); got.Record != nil || got.ExitCode != 1 {
		t.Errorf("a child without a record: %+v", got)
	}
}

func TestLongRecordIsCutAndDoesNotStopTheChild(t *testing.T) {
	r := running(t, Options{})
	c := Command{Argv: []string{"sh", "-c", "head -c 3000000 /dev/zero >&$FD"}, ResultFDVariable: "FD"}
	if got := start(t, r, c).Result(); got.ExitCode != 0 || len(got.Record) != recordLimit {
		t.Errorf("exit %d, record of %d bytes", got.ExitCode, len(got.Record))
	}
}

func TestLinesArriveInOrderBeforeDone(t *testing.T) {
	r := running(t, Options{})
	var got []string
	c := self("say", "one\r", "", "three")
	c.Line = func(line string) { got = append(got, line) }
	<-start(t, r, c).Done()
	if want := []string{"one", "", "three"}; !slices.Equal(got, want) {
		t.Errorf("lines %q, want %q", got, want)
	}
}

func TestStandardInputIsWhatIsGiven(t *testing.T) {
	r := running(t, Options{})
	long := strings.Repeat("0123456789abcde\n", 1<<16) // more than a pipe holds
	tests := map[string]struct {
		script, stdin, want string
	}{
		"nothing":         {"wc -c", "", "0\n"},
		"a line":          {"cat", "a\n", "a\n"},
		"a mebibyte":      {"wc -c", long, "1048576\n"},
		"never read":      {"echo done", long, "done\n"},
		"from the middle": {"read a; read b; echo $b", "one\ntwo\nthree\n", "two\n"},
	}
	before := descriptors(t)
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			c := Command{Argv: []string{"sh", "-c", tc.script}, Stdin: []byte(tc.stdin), KeepStdout: true}
			if got := start(t, r, c).Result(); string(got.Stderr) != tc.want || got.ExitCode != 0 {
				t.Errorf("exit %d, says %.80q, want %q", got.ExitCode, got.Stderr, tc.want)
			}
		})
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors, before %d", after, before)
	}
}

func TestRecordLinesArriveAsTheyAreWritten(t *testing.T) {
	r := running(t, Options{})
	var got []string
	first := make(chan struct{})
	c := Command{
		Argv:             []string{"sh", "-c", `echo one >&$FD; while [ ! -e "$GO" ]; do sleep 0.01; done; echo two >&$FD; printf three >&$FD; exit 3`},
		ResultFDVariable: "FD",
		Record: func(line []byte) {
			if got = append(got, string(line)); len(got) == 1 {
				close(first)
			}
		},
	}
	goOn := filepath.Join(t.TempDir(), "go")
	c.Env = append(os.Environ(), "GO="+goOn)
	child := start(t, r, c)
	<-first // while the child runs
	if err := os.WriteFile(goOn, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	end := child.Result()
	if want := []string{"one", "two", "three"}; !slices.Equal(got, want) || end.ExitCode != 3 {
		t.Errorf("lines %q, want %q; exit %d", got, want, end.ExitCode)
	}
	if string(end.Record) != "one\ntwo\nthree" {
		t.Errorf("kept: %q", end.Record)
	}
}

func TestLongRecordLinesComeWhole(t *testing.T) {
	r := running(t, Options{})
	var got []int
	c := Command{
		Argv:             []string{"sh", "-c", "head -c 100000 /dev/zero >&$FD; echo >&$FD; head -c 1500000 /dev/zero >&$FD"},
		ResultFDVariable: "FD", Record: func(line []byte) { got = append(got, len(line)) },
	}
	<-start(t, r, c).Done()
	if want := []int{100_000, recordLimit, 1_500_000 - recordLimit}; !slices.Equal(got, want) {
		t.Errorf("lines of %v bytes, want %v", got, want)
	}
}

func TestTailKeepsTheLastBytes(t *testing.T) {
	for limit := 1; limit < 9; limit++ {
		for _, chunk := range []int{1, 2, 3, 7, 8, 20} {
			whole := []byte("abcdefghijklmnopqrstuvwxyz")
			kept := &tail{limit: limit}
			for written := range slices.Chunk(whole, chunk) {
				if n, err := kept.Write(written); n != len(written) || err != nil {
					t.Fatalf("Write: %d, %v", n, err)
				}
			}
			if got, want := kept.bytes(), whole[len(whole)-limit:]; !bytes.Equal(got, want) {
				t.Errorf("limit %d, chunks of %d: %q, want %q", limit, chunk, got, want)
			}
		}
	}
	if got := (&tail{limit: 4}).bytes(); len(got) != 0 {
		t.Errorf("nothing written, %q kept", got)
	}
}

func TestLinesAreCut(t *testing.T) {
	long := strings.Repeat("x", maxLine)
	tests := map[string]struct {
		text string
		want []string
	}{
		"none":             {"", nil},
		"one":              {"a\n", []string{"a"}},
		"open end":         {"a\nb", []string{"a", "b"}},
		"empty ones":       {"\n\n", []string{"", ""}},
		"longest":          {long + "\nb\n", []string{long, "b"}},
		"one byte longer":  {long + "y\nb", []string{long, "y", "b"}},
		"three times that": {long + long + long, []string{long, long, long}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			for _, chunk := range []int{1, 7, 1 << 20} {
				var got []string
				l := &lines{limit: maxLine, emit: func(s []byte) { got = append(got, string(s)) }}
				for part := range slices.Chunk([]byte(tc.text), chunk) {
					if _, err := l.Write(part); err != nil {
						t.Fatal(err)
					}
				}
				l.flush()
				if !slices.Equal(got, tc.want) {
					t.Errorf("chunks of %d: %.40q, want %.40q", chunk, got, tc.want)
				}
			}
		})
	}
}
