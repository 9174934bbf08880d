package main

import (
	"io"
	"os"

	"github.com/spf13/cobra"

	"ingestor/cmd/internal/program"
	"ingestor/configs"
	"ingestor/forwarder/control"
	"ingestor/internal/buildinfo"
	"ingestor/internal/telemetry"
)

const name = "frame-forwarder"

// newCommand makes the command; stdout gets what the helping commands print.
func newCommand(stdout io.Writer) *cobra.Command {
	var wait bool
	c := program.Command(&cobra.Command{
		Use:   name + " {--stream S --upstream-url U | -c config.yml [--name N]}",
		Short: "Forwards the frames of detectors to the workers of a dranspose system",
		Long: `Stands in a dranspose system where one or several of its ingesters stood. One stream needs no
file: its flags are those of the Rust ingester. The environment of the Python ingesters works too:
INGESTER_NAME INGESTER_STREAMS INGESTER_URL UPSTREAM_URL SERVICE_REDIS_DSN REDIS_URL DUMP_PATH
BUILD_META_FILE LOG_LEVEL. Flags win over the environment, which wins over the file.

A file may hold several ingesters: --name runs one of them, without it all run in this process.

SIGTERM or SIGINT: deletes its keys in Redis, completes the dump, ends. A second signal: at once.

Exit status: 0 after a requested stop; 2 wrong command line; 69 Redis is not there at the start
(with --wait it is waited for) or an address is in use; 70 a bug; 78 wrong configuration.`,
		Example: "  " + name + ` --stream eiger --upstream-url tcp://detector:9999 --ingester-url tcp://daq-1:10000 --redis-url redis://redis:6379/0
  ` + name + " -c /etc/ingestor/ingestor.yml --name eiger-ingester --wait",
		Args: program.NoArguments("streams are given by --stream or in a file by -c; frame-forwarder replay sends a dump again"),
		RunE: func(c *cobra.Command, _ []string) error { return start(c, wait) },
	})
	configs.BindFlags(c.Flags(), configs.Frames)
	c.Flags().BoolVar(&wait, "wait", false, "Wait at the start for a Redis that does not answer, instead of ending with 69.")
	c.Flags().SortFlags = false
	c.AddCommand(newDumpCommand(), newReplayCommand(), newCheck(stdout))
	return c
}

// start reads the configuration and runs the ingesters with their log.
func start(c *cobra.Command, wait bool) error {
	loaded, err := configs.LoadForwarder(c.Flags(), os.Environ(), checkStream)
	if err != nil {
		return program.Kind(err)
	}
	log, closeLog, err := program.ASCIILogger(name, loaded.Config.Logging)
	if err != nil {
		return err
	}
	defer program.CloseLog(closeLog, telemetry.Impatient(os.Stderr))
	control.RedirectLibraryLog(log)
	log.WithField("version", buildinfo.Version()).Info("Starting the frame forwarder")
	for _, w := range loaded.Warnings {
		log.Warn(w)
	}
	if err := serve(c.Context(), loaded.Config.Forwarder, wait, log); err != nil {
		log.Error(err.Error())
		return &program.Said{Err: err}
	}
	return nil
}
