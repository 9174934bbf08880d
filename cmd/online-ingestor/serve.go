package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"ingestor/cmd/internal/program"
	"ingestor/configs"
	"ingestor/internal/buildinfo"
	"ingestor/internal/children"
	"ingestor/internal/fault"
	"ingestor/internal/kafka"
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
	return c
}

// start reads the configuration and runs the daemon with its log.
func start(abort context.Context, c *cobra.Command, wait bool) error {
	loaded, err := configs.Load(configs.Online, c.Flags(), os.Environ())
	if err != nil {
		return program.Kind(err)
	}
	log, closeLog, err := program.Logger(name, loaded.Config.Logging)
	if err != nil {
		return err
	}
	defer program.CloseLog(closeLog, os.Stderr)
	log.WithField("version", buildinfo.Version()).Info("Starting the online ingestor")
	for _, w := range loaded.Warnings {
		log.Warn(w)
	}
	if err := serve(c.Context(), abort, loaded, wait, log); err != nil {
		log.Error(err.Error())
		return &program.Said{Err: err}
	}
	return nil
}

// serve runs until stop ends and everything is drained.
func serve(stop, abort context.Context, loaded *configs.Loaded, wait bool, log *logrus.Logger) error {
	cfg := loaded.Config
	if _, err := exec.LookPath(cfg.Ingestion.OfflineIngestorExecutable[0]); err != nil {
		return fault.Errorf(fault.BadConfiguration, "ingestion.offline_ingestor_executable: %w", err)
	}
	source, err := kafka.New(kafka.Options{Topics: cfg.Kafka.Topics, Properties: cfg.Kafka.Properties(), Log: log})
	if err != nil {
		return err
	}
	catalogue, err := program.Catalogue(name, cfg.SciCat, log)
	if err != nil {
		return err
	}
	if err := reach(stop, source, wait, log); err != nil {
		if stop.Err() != nil {
			return nil // asked to stop while waiting
		}
		return err
	}
	health, err := online.NewHealth(stop, online.HealthOptions{
		Address: net.JoinHostPort(cfg.HealthCheck.Host, strconv.Itoa(cfg.HealthCheck.Port)),
		Sources: source.Ready, Catalogue: catalogue.Health,
		DataDirectory: cfg.Ingestion.FileHandling.DataDirectory, Log: log,
	})
	if err != nil {
		return err
	}
	runner := children.New(children.Options{KillDelay: cfg.Ingestion.KillDelay})
	arguments, secrets := loaded.ChildArguments()
	teller, err := newTeller(log)
	if err != nil {
		return err
	}
	daemon, err := online.New(online.Options{
		Sources: []online.Source{source}, Children: runner,
		Executable: cfg.Ingestion.OfflineIngestorExecutable, ConfigFile: loaded.Path,
		Arguments: arguments, Environment: func() []string { return append(os.Environ(), secrets...) },
		MaxChildren: cfg.Ingestion.MaxOfflineIngestors, RecheckInterval: cfg.Ingestion.OfflineIngestorsWaitTime,
		ChildTimeout: cfg.Ingestion.ChildTimeout, DrainTimeout: cfg.Ingestion.DrainTimeout,
		MaxAttempts: cfg.Ingestion.MaxAttempts, RetryDelay: cfg.Ingestion.RetryDelay, RetryMaxDelay: cfg.Ingestion.RetryMaxDelay,
		DryRun: cfg.Ingestion.DryRun,
		MessageFile: online.MessageFile{
			Write:     cfg.Ingestion.FileHandling.MessageToFile,
			Directory: cfg.Ingestion.FileHandling.IngestorFilesDirectory,
			Extension: cfg.Ingestion.FileHandling.MessageFileExtension,
		},
		StorageDown: health.StorageDown, Log: log, Observe: teller.observe,
	})
	if err != nil {
		return err
	}

	// Children and the health check outlive the daemon's drain. A health check
	// that fails begins a stop like any other: it does not cut the children.
	rest, endRest := context.WithCancel(context.WithoutCancel(stop))
	defer endRest()
	intake, endIntake := context.WithCancel(stop)
	defer endIntake()
	var group errgroup.Group
	group.Go(func() error { return runner.Run(rest) })
	group.Go(func() error { defer endIntake(); return health.Run(rest) })
	err = daemon.Run(intake, abort)
	endRest()
	return errors.Join(err, group.Wait())
}

// reach makes sure that a broker answers, patiently when asked to.
func reach(stop context.Context, source *kafka.Source, wait bool, log logrus.FieldLogger) error {
	const again = 5 * time.Second
	for {
		err := source.Probe(stop)
		if err == nil || !wait || fault.KindOf(err) != fault.Unavailable {
			return err
		}
		log.WithError(err).Warn("Waiting for Kafka")
		timer := time.NewTimer(again)
		select {
		case <-stop.Done():
			timer.Stop()
			return fmt.Errorf("wait for Kafka: %w", stop.Err())
		case <-timer.C:
		}
	}
}
