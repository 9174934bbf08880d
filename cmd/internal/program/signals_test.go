package program

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"ingestor/internal/fault"
)

// raise sends a signal to this process.
func raise(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(os.Getpid(), s); err != nil {
		t.Fatal(err)
	}
}

func wantDone(t *testing.T, what string, ctx context.Context) { //nolint:revive // the test comes first
	t.Helper()
	select {
	case <-ctx.Done():
	case <-time.After(time.Minute):
		t.Fatalf("%s does not end", what)
	}
}

func TestTerminalSignals_ALostTerminalEndsInGoodOrder(t *testing.T) {
	// Whatever happens, none of these is to end the test.
	guard := make(chan os.Signal, 8)
	signal.Notify(guard, syscall.SIGHUP)
	defer signal.Stop(guard)
	stop, abort, release := TerminalSignals(t.Context())
	defer release()
	raise(t, syscall.SIGHUP)
	wantDone(t, "stop", stop)
	if kind := fault.KindOf(context.Cause(stop)); kind != fault.Terminated {
		t.Errorf("the cause is of kind %v", kind)
	}
	raise(t, syscall.SIGHUP)
	for range 2 {
		<-guard
	}
	if abort.Err() != nil {
		t.Error("a second hangup, of the shell or the kernel, aborts")
	}
	raise(t, syscall.SIGTERM)
	wantDone(t, "abort", abort)
}

func TestTerminalSignals_UnderNohupALostTerminalMeansNothing(t *testing.T) {
	signal.Ignore(syscall.SIGHUP)
	defer signal.Reset(syscall.SIGHUP)
	stop, _, release := TerminalSignals(t.Context())
	defer release()
	raise(t, syscall.SIGHUP)
	raise(t, syscall.SIGINT)
	wantDone(t, "stop", stop)
	if kind := fault.KindOf(context.Cause(stop)); kind != fault.Interrupted {
		t.Errorf("the cause is of kind %v", kind)
	}
}
