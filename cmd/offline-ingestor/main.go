// Command offline-ingestor registers data files in the catalogue, by hand or
// as a child of the daemon.
package main

import (
	"context"
	"os"

	"ingestor/cmd/internal/program"
)

func main() { os.Exit(run(context.Background(), os.Args[1:])) }

func run(ctx context.Context, args []string) int {
	stop, _, release := program.Signals(ctx)
	defer release()
	c := newCommand(os.Stdout, os.Stderr)
	c.SetArgs(args)
	return program.Execute(stop, c, os.Stderr)
}
