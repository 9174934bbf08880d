// Command offline-ingestor registers data files in the catalogue, by hand or
// as a child of the daemon.
package main

import (
	"context"
	"os"
	"slices"
	"strings"

	"ingestor/cmd/internal/program"
	"ingestor/configs"
	"ingestor/internal/fault"
)

func main() { os.Exit(run(context.Background(), os.Args[1:])) }

func run(ctx context.Context, args []string) int {
	stop, abort, release := program.TerminalSignals(ctx)
	defer release()
	// The second signal does not wait for anything: a storage that hangs may
	// hold what the first one began to end.
	defer context.AfterFunc(abort, func() { os.Exit(fault.ExitCode(context.Cause(stop))) })()
	c := newCommand(os.Stdout, os.Stderr)
	addCommands(c, args, os.Stdout, os.Stderr)
	if slices.Contains(args, "--nexus-file") && strings.HasPrefix(args[0], "-") {
		// As a child of the daemon, or called like the peer: no file stands alone.
		args = configs.Arguments(c.Flags(), args)
	}
	c.SetArgs(args)
	return program.Execute(stop, c, os.Stderr)
}
