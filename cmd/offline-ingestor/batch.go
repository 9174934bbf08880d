package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"

	"ingestor/cmd/internal/program"
	"ingestor/configs"
	"ingestor/internal/fault"
	"ingestor/offline"
)

// newBatch is the worker of a backfill: it ingests the files that standard input
// names, and tells of each on the result descriptor, or else on stdout.
func newBatch(stdout io.Writer) *cobra.Command {
	c := program.Command(&cobra.Command{
		Use: "batch -c config.yml", Short: "Registers the files that standard input names, for backfill", Hidden: true,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			out := stdout
			if pipe := resultPipe(); pipe != nil {
				out = pipe
			}
			err := batch(c, c.InOrStdin(), out)
			if err != nil && c.Context().Err() == nil {
				// Whether the parent still listens changes nothing.
				_ = batchLine{Stopped: oneLine(err), Exit: fault.ExitCode(err)}.write(out)
			}
			return err
		},
	})
	configs.BindFlags(c.Flags(), configs.Offline)
	c.Flags().SortFlags = false
	return c
}

func batch(c *cobra.Command, stdin io.Reader, out io.Writer) error {
	loaded, err := configs.Load(configs.Offline, c.Flags(), os.Environ())
	if err != nil {
		return program.Kind(err)
	}
	files, err := readBatch(stdin)
	if err != nil {
		return err
	}
	ingestor, log, end, err := ready(loaded, nil)
	if err != nil {
		return err
	}
	defer end()
	teller := &batchTeller{out: out, log: log}
	err = ingestor.IngestAll(c.Context(), files, teller.begin, teller.done)
	switch cause := context.Cause(c.Context()); {
	case err != nil && cause != nil:
		return cause // what failed because we were stopped says nothing of a file
	case err != nil:
		log.Error("The batch ends: " + oneLine(err) + advice[fault.KindOf(err)])
		return &program.Said{Err: err}
	}
	return nil
}

// batchTeller tells the parent how far a batch is.
type batchTeller struct {
	out  io.Writer
	log  logrus.FieldLogger
	mute bool // nobody listens any more, which was said
}

func (t *batchTeller) begin(file string) { t.write(batchLine{Begin: file}.write) }

func (t *batchTeller) done(rep offline.Report, err error) {
	if err != nil {
		_ = say(t.log, rep.Record, err) // the status tells of what concerns all
	}
	t.write(rep.Write)
}

func (t *batchTeller) write(to func(io.Writer) error) {
	if err := to(t.out); err != nil && !t.mute {
		t.mute = true
		t.log.WithError(err).Warn("Result records are not delivered")
	}
}

func (l batchLine) write(w io.Writer) error {
	text, err := l.encode()
	if err != nil {
		return err
	}
	if _, err := w.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("write result record: %w", err)
	}
	return nil
}
