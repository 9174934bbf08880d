// Command frame-forwarder takes frames from detectors and hands them to the workers
// of a dranspose system, in the place of one or several of its ingesters.
package main

import (
	"context"
	"io"
	"os"

	"ingestor/cmd/internal/program"
	"ingestor/internal/fault"
	"ingestor/internal/telemetry"
)

func main() { os.Exit(run(context.Background(), os.Args[1:])) }

func run(ctx context.Context, args []string) int {
	stop, abort, release := program.Signals(ctx)
	defer release()
	defer program.OutliveReaders()()
	// The second signal waits for nothing: a disk or a worker that hangs may hold
	// what the first one began to end.
	defer context.AfterFunc(abort, func() { os.Exit(fault.ExitCode(context.Cause(stop))) })()
	c := newCommand(os.Stdout)
	c.SetArgs(args)
	return program.Execute(stop, c, asciiWriter{telemetry.Impatient(os.Stderr)})
}

// asciiWriter writes what is not ASCII as escapes, as the log does.
type asciiWriter struct{ io.Writer }

func (a asciiWriter) Write(text []byte) (int, error) {
	if _, err := a.Writer.Write(telemetry.ASCII(text)); err != nil {
		return 0, err
	}
	return len(text), nil
}
