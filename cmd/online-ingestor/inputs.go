package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sirupsen/logrus"

	"ingestor/configs"
	"ingestor/internal/fault"
	"ingestor/internal/intake"
	"ingestor/internal/kafka"
	"ingestor/internal/ledger"
	"ingestor/online"
	"ingestor/online/directory"
	"ingestor/online/spool"
)

// inputs are the sources of a configuration, and where their dead letters go.
type inputs struct {
	sources []online.Source
	kafka   []*kafka.Source // those of them
	letters map[string]online.DeadLetters
	closers []func() error
}

// mainCluster is the name of the source of the section kafka.
const mainCluster = "kafka"

// newInputs makes everything that the configuration names; notes is nil without
// a ledger.
func newInputs(cfg *configs.Config, notes *notebook, log logrus.FieldLogger) (*inputs, error) {
	in := &inputs{letters: map[string]online.DeadLetters{}}
	if err := in.fill(cfg, notes, log); err != nil {
		return nil, errors.Join(err, in.close())
	}
	return in, nil
}

func (in *inputs) fill(cfg *configs.Config, notes *notebook, log logrus.FieldLogger) error {
	if len(cfg.Kafka.Topics) > 0 || cfg.Kafka.DeadLetterTopic != "" {
		if err := in.cluster(mainCluster, &cfg.Kafka.KafkaCluster, log); err != nil {
			return err
		}
		// Sources that have no topic of their own use the main one.
		in.letters[""] = in.letters[mainCluster]
	}
	for i := range cfg.Sources.Kafka {
		if err := in.cluster(cfg.Sources.Kafka[i].Name, &cfg.Sources.Kafka[i], log); err != nil {
			return err
		}
	}
	for _, d := range cfg.Sources.Directories {
		var done func(context.Context, intake.Message) (bool, error)
		if notes != nil {
			done = notes.ended
		}
		source, err := directory.New(directory.Options{
			Path: d.Path, Include: d.Include, Exclude: d.Exclude, Settle: d.Settle, ScanEvery: d.ScanEvery,
			Recursive: d.Recursive, Done: done, Log: log,
		})
		if err != nil {
			return err
		}
		in.sources = append(in.sources, source)
	}
	if notes != nil {
		source, err := spool.New(spool.Options{Ledger: notes, LockFile: ledger.RetryLockFile(notes.dir, notes.of), Log: log})
		if err != nil {
			return err
		}
		in.sources = append(in.sources, source)
	}
	return nil
}

// cluster adds a Kafka cluster: its topics, if it has any, and its dead letters.
func (in *inputs) cluster(name string, c *configs.KafkaCluster, log logrus.FieldLogger) error {
	if len(c.Topics) > 0 {
		source, err := kafka.New(kafka.Options{
			Name: name, Topics: c.Topics, Properties: c.Properties(), PasswordFile: c.SASLPasswordFile, Log: log,
		})
		if err != nil {
			return err
		}
		in.sources = append(in.sources, source)
		in.kafka = append(in.kafka, source)
	}
	if c.DeadLetterTopic == "" {
		return nil
	}
	letters, err := kafka.NewDeadLetters(kafka.DeadLetterOptions{
		Topic: c.DeadLetterTopic, Properties: c.Properties(), PasswordFile: c.SASLPasswordFile, Log: log,
	})
	if err != nil {
		return err
	}
	in.letters[name] = letters
	in.closers = append(in.closers, letters.Close)
	return nil
}

// brokers is nil when every Kafka source is a member of its group.
func (in *inputs) brokers() error {
	var faults []error
	for _, s := range in.kafka {
		faults = append(faults, s.Ready())
	}
	return errors.Join(faults...)
}

// reach makes sure that a broker of each cluster answers, patiently when asked to;
// waiting is told what is waited for.
func (in *inputs) reach(stop context.Context, wait bool, waiting func(string), log logrus.FieldLogger) error {
	const again = 5 * time.Second
	for _, s := range in.kafka {
		for {
			err := s.Probe(stop)
			if err == nil {
				break
			}
			if !wait || fault.KindOf(err) != fault.Unavailable {
				return err
			}
			log.WithError(err).Warn("Waiting for Kafka")
			waiting(err.Error())
			timer := time.NewTimer(again)
			select {
			case <-stop.Done():
				timer.Stop()
				return fmt.Errorf("wait for Kafka: %w", stop.Err())
			case <-timer.C:
			}
		}
	}
	return nil
}

func (in *inputs) close() error {
	var faults []error
	for _, c := range in.closers {
		faults = append(faults, c())
	}
	return errors.Join(faults...)
}
