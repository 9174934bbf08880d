package online

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sirupsen/logrus"

	"ingestor/internal/children"
	"ingestor/internal/fault"
	"ingestor/internal/outcome"
)

// Options configures the daemon.
type Options struct {
	// Sources deliver the messages; at least one.
	Sources []Source
	// Children starts the processes; required. The caller runs it for longer
	// than the daemon.
	Children *children.Runner
	// Executable is the argument list of the offline ingestor; required.
	Executable []string
	// ConfigFile is passed on with -c.
	ConfigFile string
	// Arguments are the daemon's own overrides (D39), added to each command.
	Arguments []string
	// Environment, if set, gives that of a child; it is called at each start.
	// Otherwise it is that of the daemon.
	Environment func() []string
	// MaxChildren is how many run at once; default 10.
	MaxChildren int
	// RecheckInterval is how often a full pool says that it waits; a slot
	// that becomes free is used at once. Default 10 s.
	RecheckInterval time.Duration
	// ChildTimeout ends a child; 0 is no limit.
	ChildTimeout time.Duration
	// DrainTimeout is how long children may go on after a stop; default 60 s.
	DrainTimeout time.Duration
	// MaxAttempts of one file that fails for its own passing reasons;
	// default 5.
	MaxAttempts int
	// RetryDelay and RetryMaxDelay are the first and the longest pause
	// between attempts; default 5 s and 5 min.
	RetryDelay, RetryMaxDelay time.Duration
	// DryRun logs the commands, starts nothing and finishes nothing.
	DryRun bool
	// MessageFile writes each message beside its data file.
	MessageFile MessageFile
	// Ledger, if set, gets a note of each message that is more than ignored.
	// While it takes none the intake is held.
	Ledger Ledger
	// Retention is how long notes of messages that ended well are kept; 0 is for
	// ever.
	Retention time.Duration
	// DeadLetters takes what can not be dealt with, by the name of its source;
	// "" is for the sources that are not named. Empty: the log and the ledger
	// only.
	DeadLetters map[string]DeadLetters
	// OperatorHold, if set, says that a person wants the intake held, and why.
	OperatorHold func() (bool, string)
	// Mended, if set, says that an outage may be over: a probe need not wait.
	Mended <-chan struct{}
	// Ready, if set, is what must be nil, besides the sources, for the daemon to
	// count as started.
	Ready func() error
	// StorageDown, if set, says why the data directory could not be listed
	// lately; nil when it could.
	StorageDown func() error
	// LookAtStorage, if set, finds that out now. It may take some seconds.
	LookAtStorage func(ctx context.Context) error
	// Log receives what happens; nil discards it.
	Log logrus.FieldLogger
	// Observe, if set, is called from the loop about once a second.
	Observe func(Status)
	// Attempted, if set, is called from the loop with the end of each child.
	Attempted func(Attempt)
}

// Attempt is one run of a child.
type Attempt struct {
	// OK says that the file is in the catalogue. Otherwise Class says how the
	// failure is dealt with.
	OK    bool
	Class fault.Class
	// Duration is from the start of the process to its end.
	Duration time.Duration
}

// Status is what the daemon is doing.
type Status struct {
	// Messages is how many were delivered.
	Messages int64
	// Returned is how many were left unfinished, to be delivered again.
	Returned int64
	// Outcomes counts how the others ended; the difference is under way.
	Outcomes map[outcome.Outcome]int64
	// Running children of MaxChildren, files that wait for one, files that wait
	// for their next attempt, and messages that are dealt with but for their
	// dead letter or their note in the ledger.
	Running, MaxChildren, Waiting, Postponed, Ending int
	// Ledger is why notes can not be taken at present; nil when they can.
	Ledger error
	// WithoutLedger says that none are taken at all.
	WithoutLedger bool
	// Holds is why the sources are paused, the oldest first.
	Holds []HeldSince
	// NotReady is why the daemon does not get messages; nil when it does.
	NotReady error
	// Stopping says that the daemon drains.
	Stopping bool
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = silent()
	}
	for d, def := range map[*time.Duration]time.Duration{
		&o.RecheckInterval: 10 * time.Second, &o.DrainTimeout: time.Minute,
		&o.RetryDelay: 5 * time.Second, &o.RetryMaxDelay: 5 * time.Minute,
	} {
		if *d <= 0 {
			*d = def
		}
	}
	if o.MaxChildren == 0 {
		o.MaxChildren = 10
	}
	if o.MaxAttempts == 0 {
		o.MaxAttempts = 5
	}
	return o
}

func (o Options) validate() error {
	var faults []error
	if len(o.Sources) == 0 {
		faults = append(faults, errors.New("no source"))
	}
	if o.Children == nil {
		faults = append(faults, errors.New("no runner of children"))
	}
	if len(o.Executable) == 0 {
		faults = append(faults, errors.New("no executable of the offline ingestor"))
	}
	if o.MaxChildren < 1 {
		faults = append(faults, fmt.Errorf("%d children at most: must be 1 or more", o.MaxChildren))
	}
	if o.MaxAttempts < 1 {
		faults = append(faults, fmt.Errorf("%d attempts at most: must be 1 or more", o.MaxAttempts))
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("options of the online ingestor: %w", err)
	}
	return nil
}

// silent is a logger that drops everything.
func silent() logrus.FieldLogger {
	l := logrus.New()
	l.SetOutput(io.Discard)
	return l
}
