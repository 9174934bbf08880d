package main

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"ingestor/cmd/internal/program"
	"ingestor/cmd/internal/state"
	"ingestor/configs"
	"ingestor/internal/buildinfo"
	"ingestor/internal/children"
	"ingestor/internal/fault"
	"ingestor/internal/telemetry"
	"ingestor/online"
)

const name = "online-ingestor"

// newCommand makes the command; abort ends when the user asked to stop twice.
func newCommand(abort context.Context) *cobra.Command {
	var wait bool
	c := program.Command(&cobra.Command{
		Use:   name + " -c config.yml",
		Short: "Registers finished measurements in the SciCat catalogue as they are written",
		Long: `Consumes the file writer's messages from Kafka and runs an offline ingestor for each file.
A message is committed once its file, and every one before it, is dealt with.

SIGTERM or SIGINT: takes in nothing more, lets running ingestions end (at most
ingestion.drain_timeout), commits, leaves the consumer group. A second signal: at once.

Exit status: 0 after a requested stop; 2 wrong command line; 69 Kafka is not there at the
start (with --wait it is waited for); 70 a bug; 78 wrong configuration.`,
		Example: "  " + name + " -c /etc/ingestor/ingestor.yml --wait",
		Args:    program.NoArguments("the files come with the messages; offline-ingestor ingests one by hand"),
		RunE: func(c *cobra.Command, _ []string) error {
			return start(abort, c, wait)
		},
	})
	configs.BindFlags(c.Flags(), configs.Online)
	c.Flags().BoolVar(&wait, "wait", false, "Wait at the start for brokers that do not answer, instead of ending with 69.")
	c.Flags().SortFlags = false
	c.CompletionOptions.HiddenDefaultCmd = true
	c.AddCommand(newHold(), newResume())
	return c
}

// start reads the configuration and runs the daemon with its log.
func start(abort context.Context, c *cobra.Command, wait bool) error {
	loaded, err := configs.Load(configs.Online, c.Flags(), os.Environ())
	if err != nil {
		return program.Kind(err)
	}
	log, closeLog, err := program.ServiceLogger(name, loaded.Config.Logging)
	if err != nil {
		return err
	}
	defer program.CloseLog(closeLog, telemetry.Impatient(os.Stderr))
	log.WithField("version", buildinfo.Version()).Info("Starting the online ingestor")
	for _, w := range loaded.Warnings {
		log.Warn(w)
	}
	tell, err := newTeller(log)
	if err != nil {
		return err
	}
	// From here on SIGHUP does not end the program.
	again := newReloader(loaded, func() (*configs.Loaded, error) {
		return configs.Load(configs.Online, c.Flags(), os.Environ())
	}, tell.notifier, log)
	d := &deployment{loaded: loaded, wait: wait, tell: tell, reloader: again, log: log}
	if err := d.serve(c.Context(), abort); err != nil {
		log.Error(err.Error())
		return &program.Said{Err: err}
	}
	return nil
}

// deployment is one run of the daemon with a configuration.
type deployment struct {
	loaded   *configs.Loaded
	wait     bool
	tell     *teller
	reloader *reloader
	log      *logrus.Logger
}

// serve runs until stop ends and everything is drained.
func (d *deployment) serve(stop, abort context.Context) (err error) {
	cfg := &d.loaded.Config
	if _, err := exec.LookPath(cfg.Ingestion.OfflineIngestorExecutable[0]); err != nil {
		return fault.Errorf(fault.BadConfiguration, "ingestion.offline_ingestor_executable: %w", err)
	}
	credentials, err := program.NewCredentials(name, cfg.SciCat, d.log)
	if err != nil {
		return err
	}
	catalogue, err := credentials.Catalogue()
	if err != nil {
		return err
	}
	notes, err := openNotebook(stop, cfg.Ingestion.StateDirectory, state.Deployment(cfg), d.log)
	if err != nil {
		return err
	}
	if notes != nil {
		defer func() { err = errors.Join(err, notes.Close()) }()
	}
	in, err := newInputs(cfg, notes, d.log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.close()) }()
	if err := in.reach(stop, d.wait, d.tell.waiting, d.log); err != nil {
		if stop.Err() != nil {
			return nil // asked to stop while waiting
		}
		return err
	}
	health, err := online.NewHealth(stop, online.HealthOptions{
		Address: net.JoinHostPort(cfg.HealthCheck.Host, strconv.Itoa(cfg.HealthCheck.Port)),
		Sources: in.brokers, Catalogue: catalogue.Health,
		DataDirectory: cfg.Ingestion.FileHandling.DataDirectory, Log: d.log,
	})
	if err != nil {
		return err
	}
	measured, err := newMetrics(in.sources)
	if err != nil {
		return err
	}
	var server *telemetry.Server
	if cfg.HealthCheck.MetricsAddress != "" {
		server, err = telemetry.NewServer(stop, telemetry.ServerOptions{
			Address: cfg.HealthCheck.MetricsAddress, AnyPort: !cfg.HealthCheck.MetricsFixed,
			Setting: "health_check.metrics_address", Handlers: measured.handlers(), Log: d.log,
		})
		if err != nil {
			return err
		}
	}
	runner := children.New(children.Options{KillDelay: cfg.Ingestion.KillDelay, Log: d.log})
	options := d.options(in, runner, credentials)
	options.StorageDown, options.LookAtStorage, options.Ready = health.StorageDown, health.LookAtStorage, health.Probed
	options.Observe = func(s online.Status) { d.tell.observe(s); measured.observe(s) }
	options.Attempted = measured.attempt
	if notes != nil {
		options.Ledger = notes
	}
	daemon, err := online.New(options)
	if err != nil {
		return err
	}
	credentials.Prepare(stop)

	// Children and what watches outlive the daemon's drain. If one of these fails
	// that begins a stop like any other: it does not cut the children.
	rest, endRest := context.WithCancel(context.WithoutCancel(stop))
	defer endRest()
	intake, endIntake := context.WithCancel(stop)
	defer endIntake()
	var group errgroup.Group
	for _, run := range []func(context.Context) error{runner.Run, health.Run, credentials.Run, d.reloader.Run} {
		group.Go(func() error { defer endIntake(); return run(rest) })
	}
	if server != nil {
		group.Go(func() error { defer endIntake(); return server.Run(rest) })
	}
	err = daemon.Run(intake, abort)
	endRest()
	return errors.Join(err, group.Wait())
}

// options are those of the daemon that the configuration decides.
func (d *deployment) options(in *inputs, runner *children.Runner, credentials *program.Credentials) online.Options {
	i := &d.loaded.Config.Ingestion
	arguments, secrets := d.loaded.ChildArguments()
	return online.Options{
		Sources: in.sources, DeadLetters: in.letters, Children: runner,
		Executable: i.OfflineIngestorExecutable, ConfigFile: d.loaded.Path, Arguments: arguments,
		Environment: func() []string { return slices.Concat(os.Environ(), secrets, credentials.Environment()) },
		MaxChildren: i.MaxOfflineIngestors, RecheckInterval: i.OfflineIngestorsWaitTime,
		ChildTimeout: i.ChildTimeout, DrainTimeout: i.DrainTimeout,
		MaxAttempts: i.MaxAttempts, RetryDelay: i.RetryDelay, RetryMaxDelay: i.RetryMaxDelay,
		DryRun: i.DryRun,
		MessageFile: online.MessageFile{
			Write:     i.FileHandling.MessageToFile,
			Directory: i.FileHandling.IngestorFilesDirectory,
			Extension: i.FileHandling.MessageFileExtension,
		},
		Retention: i.MessageRetention, OperatorHold: operatorHold(i.StateDirectory), Mended: credentials.Changed(), Log: d.log,
	}
}
