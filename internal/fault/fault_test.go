package fault

import (
	"context"
	"errors"
	"fmt"
	"testing"
)

func TestKinds_HaveTheExitStatusAndClassThatTheDocumentationSays(t *testing.T) {
	for _, c := range []struct {
		kind  Kind
		exit  int
		class Class
	}{
		{Usage, 2, ClassPermanent}, {BadInput, 65, ClassPermanent}, {Unavailable, 69, ClassSystemic}, {Bug, 70, ClassBug},
		{Busy, 75, ClassTransient}, {NotPermitted, 77, ClassSystemic}, {BadConfiguration, 78, ClassSystemic},
		{Interrupted, 130, ClassInterrupted}, {Terminated, 143, ClassInterrupted},
	} {
		if c.kind.ExitCode() != c.exit || c.kind.Class() != c.class {
			t.Errorf("%s: exit %d, class %s; want %d, %s", c.kind, c.kind.ExitCode(), c.kind.Class(), c.exit, c.class)
		}
		back, failed := OfExit(c.exit)
		if !failed || back != c.kind {
			t.Errorf("exit %d is read as %s, want %s", c.exit, back, c.kind)
		}
	}
	if _, failed := OfExit(0); failed {
		t.Error("0 is read as a failure")
	}
	if SomeFailed.ExitCode() != 1 || SomeFailed.Class() != ClassPermanent {
		t.Errorf("some files failed: exit %d, %s", SomeFailed.ExitCode(), SomeFailed.Class())
	}
	if kind, failed := OfExit(1); !failed || kind != Bug {
		t.Errorf("the 1 of other programs is read as %s", kind)
	}
}

func TestKindOf_IsThatOfTheOutermostMark(t *testing.T) {
	cause := errors.New("cause")
	for _, c := range []struct {
		name string
		err  error
		want Kind
	}{
		{"an error that nobody marked is a bug", cause, Bug},
		{"a mark is found below wrapping", fmt.Errorf("a: %w", New(Busy, cause)), Busy},
		{"the outermost mark counts", New(Unavailable, fmt.Errorf("a: %w", New(BadInput, cause))), Unavailable},
		{"an ended context is an interruption", fmt.Errorf("a: %w", context.Canceled), Interrupted},
		{"unless it is marked", New(Terminated, context.Canceled), Terminated},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := KindOf(c.err); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if ExitCode(c.err) != c.want.ExitCode() {
				t.Errorf("exit %d", ExitCode(c.err))
			}
		})
	}
}

func TestNew_KeepsNilAndTheCause(t *testing.T) {
	if New(Bug, nil) != nil || ExitCode(nil) != 0 {
		t.Error("nil does not stay nil")
	}
	cause := errors.New("cause")
	if err := Errorf(BadInput, "what: %w", cause); !errors.Is(err, cause) || err.Error() != "what: cause" {
		t.Errorf("got %v", err)
	}
}
