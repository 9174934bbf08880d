// Package program is what the programs share at their top: configuration into
// options, errors into exit codes.
package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"

	"ingestor/configs"
	"ingestor/internal/buildinfo"
	"ingestor/internal/fault"
	"ingestor/internal/telemetry"
)

// Kind marks errors of the configuration with what they mean to a process.
func Kind(err error) error {
	var usage *configs.UsageError
	var bad *configs.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &usage):
		return fault.New(fault.Usage, err)
	case errors.As(err, &bad):
		return fault.New(fault.BadConfiguration, err)
	}
	return err
}

// Command sets up what every command has: our own way to say errors, the
// nearest flag for a misspelt one, wrong arguments as wrong usage, and the
// version.
func Command(c *cobra.Command) *cobra.Command {
	c.SilenceErrors, c.SilenceUsage = true, true
	c.Version = buildinfo.String()
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return Kind(configs.FlagError(c.Flags(), err))
	})
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error { return fault.New(fault.Usage, check(c, args)) }
	}
	return c
}

// NoArguments refuses what is no flag, and says where it belongs.
func NoArguments(instead string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) > 0 {
			return fmt.Errorf("argument %q is not expected: %s", args[0], instead)
		}
		return nil
	}
}

// Execute runs a command to its end and returns the exit status. An error that
// was not said yet is said on w, one line for each problem.
func Execute(ctx context.Context, c *cobra.Command, w io.Writer) int {
	ran, err := c.ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	var said *Said
	if !errors.As(err, &said) {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			fmt.Fprintf(w, "%s: %s\n", c.Name(), line)
		}
		if fault.KindOf(err) == fault.Usage {
			fmt.Fprintf(w, "%s --help lists the flags\n", ran.CommandPath())
		}
	}
	return fault.ExitCode(err)
}

// Said wraps an error that the user has read already, in the log.
type Said struct{ Err error }

func (s *Said) Error() string { return s.Err.Error() }

// Unwrap gives the error itself.
func (s *Said) Unwrap() error { return s.Err }

// abortLimit is how long a program may take to end after the second signal.
const abortLimit = 2500 * time.Millisecond

// Signals returns a context that the first SIGINT or SIGTERM ends, with what it
// means as the cause, and one that the second ends: a program that has not released
// the signals 2.5 s later, because something hangs, ends then.
func Signals(parent context.Context) (stop, abort context.Context, release func()) {
	return signals(parent, syscall.SIGINT, syscall.SIGTERM)
}

// TerminalSignals is Signals for a program that runs for somebody: a connection that
// is lost, by SIGHUP, counts as SIGTERM, unless it is to be outlived (nohup).
func TerminalSignals(parent context.Context) (stop, abort context.Context, release func()) {
	if signal.Ignored(syscall.SIGHUP) {
		return Signals(parent)
	}
	return signals(parent, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
}

func signals(parent context.Context, which ...os.Signal) (stop, abort context.Context, release func()) {
	stop, cancelStop := context.WithCancelCause(parent)
	abort, cancelAbort := context.WithCancel(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, which...)
	go func() {
		var overdue <-chan time.Time
		for {
			select {
			case <-overdue: // whatever hangs; children end with us
				os.Exit(fault.ExitCode(context.Cause(stop)))
			case s, ok := <-signals:
				kind := fault.Terminated
				switch {
				case !ok:
					return
				case s == syscall.SIGHUP:
					// Whoever reads what we write goes as well, perhaps before us.
					_ = OutliveReaders()
					// Shell and kernel both send it, so the second means nothing.
				case stop.Err() != nil:
					if overdue == nil {
						overdue = time.After(abortLimit)
					}
					cancelAbort()
				case s == syscall.SIGINT:
					kind = fault.Interrupted
				}
				// Only the first one counts.
				cancelStop(fault.Errorf(kind, "stopped by %v", s))
			}
		}
	}()
	return stop, abort, func() {
		signal.Stop(signals)
		close(signals)
		cancelStop(nil)
		cancelAbort()
	}
}

// OutliveReaders lets a service go on when whoever reads its log has gone: Go ends
// a program by SIGPIPE for that. What it starts does not inherit this.
func OutliveReaders() (release func()) {
	ignored := make(chan os.Signal, 1)
	signal.Notify(ignored, syscall.SIGPIPE)
	return func() { signal.Stop(ignored) }
}

// Logger makes the program's logger. Close it at the end.
func Logger(name string, c configs.Logging) (*logrus.Logger, func() error, error) {
	return newLogger(logOptions(name, c))
}

// ServiceLogger is Logger for a daemon, which no reader of its log may hold up.
func ServiceLogger(name string, c configs.Logging) (*logrus.Logger, func() error, error) {
	o := logOptions(name, c)
	o.Queue = true
	return newLogger(o)
}

// ASCIILogger is ServiceLogger for a daemon whose lines are read by what knows nothing
// but ASCII.
func ASCIILogger(name string, c configs.Logging) (*logrus.Logger, func() error, error) {
	o := logOptions(name, c)
	o.ASCII, o.Queue = true, true
	return newLogger(o)
}

func logOptions(name string, c configs.Logging) telemetry.LogOptions {
	o := telemetry.LogOptions{
		Program: name, Level: c.LoggingLevel, Prefix: c.LogMessagePrefix, Verbose: c.Verbose,
	}
	if c.FileLog {
		o.File, o.FileTimestamp = c.FileLogBaseName, c.FileLogTimestamp
		o.FileMaxBytes, o.FileKeep = c.FileLogMaxSize, c.FileLogKeep
	}
	if c.SystemLog {
		o.Syslog, o.SyslogFacility = true, c.SystemLogFacility
	}
	if c.Graylog {
		o.GraylogHost, o.GraylogPort = c.GraylogHost, c.GraylogPort
		o.GraylogProtocol, o.GraylogFacility = c.GraylogProtocol, c.GraylogFacility
	}
	return o
}

func newLogger(o telemetry.LogOptions) (*logrus.Logger, func() error, error) {
	log, closeLog, err := telemetry.NewLogger(o)
	if err != nil {
		return nil, nil, fault.New(fault.BadConfiguration, err)
	}
	return log, closeLog, nil
}

// CloseLog flushes the log. A place that could not be written says so, but does
// not change how the program ends: what it did is done.
func CloseLog(closeLog func() error, w io.Writer) {
	if err := closeLog(); err != nil {
		fmt.Fprintf(w, "log: %s\n", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
}
