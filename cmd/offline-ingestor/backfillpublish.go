package main

import (
	"context"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/sirupsen/logrus"

	"ingestor/configs"
	"ingestor/internal/fault"
	"ingestor/internal/kafka"
	"ingestor/internal/ledger"
	"ingestor/offline/backfill"
	"ingestor/schemas/filewriter"
)

// publisher announces files to the daemons, as a file writer does.
type publisher struct {
	producer *kafka.Producer
	topic    string
}

var _ backfill.Publisher = (*publisher)(nil)

func newPublisher(cfg *configs.Config, topic string, log logrus.FieldLogger) (*publisher, error) {
	c := &cfg.Kafka.KafkaCluster
	producer, err := kafka.NewProducer(kafka.ProducerOptions{Properties: c.Properties(), PasswordFile: c.SASLPasswordFile, Log: log})
	if err != nil {
		return nil, err
	}
	return &publisher{producer, topic}, nil
}

// publishGrace is how long messages under way may take after we were told to
// end: what is sent and not known to be is sent again.
const publishGrace = 3 * time.Second

// Publish sends one message a file, and waits until the cluster has all.
func (p *publisher) Publish(ctx context.Context, files []ledger.File) error {
	records := make([]kafka.Record, len(files))
	for i, f := range files {
		records[i] = kafka.Record{Topic: p.topic, Key: []byte(f.Path), Value: announcement(f).Encode()}
	}
	patient, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(publishGrace, cancel) })()
	_, err := p.producer.ProduceAll(patient, records)
	if fault.KindOf(err) == fault.BadInput {
		err = fault.New(fault.BadConfiguration, err) // no such topic
	}
	return err
}

// announcement is the message of a file. The same content has the same job id.
func announcement(f ledger.File) filewriter.WritingDone {
	name := f.Path + "\x00" + strconv.FormatInt(f.ModTime.UnixNano(), 10)
	return filewriter.WritingDone{ServiceID: "backfill", JobID: uuid.NewSHA1(uuid.NameSpaceURL, []byte(name)).String(), FileName: f.Path}
}
