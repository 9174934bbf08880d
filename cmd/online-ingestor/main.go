// Command online-ingestor is the daemon: it waits for the file writer to say
// that a file is complete, and has it registered by an offline ingestor.
package main

import (
	"context"
	"os"

	"ingestor/cmd/internal/program"
	"ingestor/configs"
	"ingestor/internal/telemetry"
)

func main() { os.Exit(run(context.Background(), os.Args[1:])) }

func run(ctx context.Context, args []string) int {
	stop, abort, release := program.Signals(ctx)
	defer release()
	defer program.OutliveReaders()()
	c := newCommand(abort)
	c.SetArgs(configs.Arguments(c.Flags(), args))
	return program.Execute(stop, c, telemetry.Impatient(os.Stderr))
}
