package main

import (
	"errors"

	"github.com/sirupsen/logrus"

	"ingestor/configs"
	"ingestor/forwarder"
	"ingestor/forwarder/dump"
	"ingestor/forwarder/source"
	"ingestor/internal/fault"
)

// checkStream says what is wrong with a stream, as far as its source can tell.
func checkStream(s configs.Stream) error {
	_, err := source.New(settings(s))
	return err
}

// settings are a stream's, as its source takes them.
func settings(s configs.Stream) source.Settings {
	o := source.Settings{
		Stream: s.Name, Source: s.Source, URL: s.UpstreamURL, Connections: s.UpstreamConnections,
	}
	if d := s.Declarative; d != nil {
		o.Declarative = &source.Declarative{
			Socket: d.Socket, Bind: d.Bind, Subscribe: d.Subscribe, Typ: d.Typ,
			Field: d.Field, Start: d.Start, Data: d.Data, End: d.End,
			Parts: d.Parts, MinParts: d.MinParts, MaxParts: d.MaxParts, FrameField: d.FrameField,
		}
	}
	if t := s.SoftwareTrigger; t != nil {
		o.Trigger = &source.Trigger{Typ: t.Typ, Frames: t.Frames}
	}
	return o
}

// newIngesters makes the ingesters; all faults are listed.
func newIngesters(f configs.Forwarder, log logrus.FieldLogger) ([]*forwarder.Ingester, error) {
	meta := buildMeta(f.BuildMetaFile, log)
	var all []*forwarder.Ingester
	var faults []error
	for _, c := range f.Ingesters {
		if c.DumpPath != "" {
			if err := dump.Check(c.DumpPath); err != nil {
				faults = append(faults, placed(c.Place("dump_path"), err))
				continue
			}
		}
		o := forwarder.Options{
			Name: c.Name, URL: c.URL, Bind: c.Bind, RedisURL: f.RedisDSN, BuildMeta: meta,
			DumpPath: c.DumpPath, QueueBytes: c.QueueBytes, WorkerHold: c.WorkerHold,
			IOThreads: c.IOThreads, CPUs: c.CPUAffinity, Log: log.WithField("ingester", c.Name),
		}
		for _, s := range c.Streams {
			o.Streams = append(o.Streams, settings(s))
		}
		i, err := forwarder.New(o)
		if err != nil {
			faults = append(faults, placed(c.Place(""), err))
			continue
		}
		all = append(all, i)
	}
	return all, errors.Join(faults...)
}

// placed puts the place in front that a person has to look at; the kind stays.
func placed(place string, err error) error {
	if place == "" {
		return err
	}
	return fault.Errorf(fault.KindOf(err), "%s: %w", place, err)
}
