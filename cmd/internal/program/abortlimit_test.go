package program

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// playedVariable makes this test binary the program that is signalled.
const playedVariable = "INGESTOR_TEST_PLAYED"

// played is a program that comes to nothing after the first signal, or gives the
// signals back after the second and has more to do.
func played(t *testing.T, how string) {
	stop, abort, release := Signals(t.Context())
	fmt.Println("ready")
	<-stop.Done()
	fmt.Println("stopping")
	if how == "hangs" {
		select {}
	}
	<-abort.Done()
	release()
	read, _ := os.Stdin.Read(make([]byte, 1)) // until the other side says so
	os.Exit(read)
}

func TestSignals_ProgramThatHangsEndsSoonAfterTheSecond(t *testing.T) {
	if how := os.Getenv(playedVariable); how != "" {
		played(t, how)
	}
	t.Parallel()
	for _, c := range []struct {
		how    string
		first  syscall.Signal
		status int
	}{
		{"hangs", syscall.SIGTERM, 143},
		{"hangs", syscall.SIGINT, 130},
		{"goes on", syscall.SIGTERM, 0},
	} {
		t.Run(fmt.Sprint(c.how, " ", c.first), func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.timeout=2m", "-test.run", "^TestSignals_ProgramThatHangsEndsSoonAfterTheSecond$") //nolint:gosec // this test
			cmd.Env = append(os.Environ(), playedVariable+"="+c.how)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			in, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(out)
			for _, want := range []string{"ready", "stopping"} {
				if !lines.Scan() || lines.Text() != want {
					t.Fatalf("it says %q, not %q", lines.Text(), want)
				}
				if err := cmd.Process.Signal(c.first); err != nil {
					t.Fatal(err)
				}
			}
			if c.how == "goes on" {
				time.Sleep(2 * abortLimit)
				if err := in.Close(); err != nil {
					t.Fatal(err)
				}
			}
			_ = cmd.Wait() // its state says all
			if got := cmd.ProcessState.ExitCode(); got != c.status {
				t.Errorf("it ends with %v, not with status %d", cmd.ProcessState, c.status)
			}
		})
	}
}
