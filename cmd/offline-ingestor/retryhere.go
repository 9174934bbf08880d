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
	"ingestor/internal/ledger"
	"ingestor/internal/outcome"
	"ingestor/internal/sidecar"
	"ingestor/offline"
)

// retrier tries dead-lettered messages in this process.
type retrier struct {
	book     *ledger.Ledger
	ingestor *offline.Ingestor
	files    configs.FileHandling
	log      *logrus.Logger
	out      printer
	progress *progress

	good, bad, gone int
}

// retryHere ingests the files of the messages like files on a command line, and
// notes what became of them. The caller has the lock.
func retryHere(c *cobra.Command, o retryOptions, list []ledger.MessageEntry, book *ledger.Ledger, stdout, stderr io.Writer) error {
	loaded, err := configs.Load(configs.Offline, c.Flags(), os.Environ())
	if err != nil {
		return program.Kind(err)
	}
	cfg := loaded.Config
	log, closeLog, err := program.Logger(name, cfg.Logging)
	if err != nil {
		return err
	}
	defer program.CloseLog(closeLog, stderr)
	for _, w := range loaded.Warnings {
		log.Warn(w)
	}
	r := &retrier{
		book: book, files: cfg.Ingestion.FileHandling, log: log,
		out: printer{out: stdout, json: o.json}, progress: newProgress(stderr),
	}
	if r.ingestor, err = newIngestor(cfg, log, r.progress.update); err != nil {
		log.Error("Can not start: " + oneLine(err))
		return &program.Said{Err: err}
	}
	log.Infof("No daemon of this machine waits for them: trying %s here", messages(len(list), ""))
	files := make([]string, len(list))
	for i, e := range list {
		files[i] = e.File
	}
	next := 0
	err = each(c.Context(), log, files, func(ctx context.Context, _ string) error {
		e := list[next]
		next++
		return r.try(ctx, e)
	})
	if e := (deadPrinter{stdout, o.json}).say("%s", r.summary(len(list))); e != nil && err == nil {
		err = e
	}
	return err
}

// try ingests the file of one message, and notes what came of it.
func (r *retrier) try(ctx context.Context, e ledger.MessageEntry) error {
	still, err := r.book.DeadLettered(ctx, ledger.MessageFilter{ID: e.ID})
	if err == nil && len(still) == 0 {
		r.gone++ // its source delivered it again meanwhile
		return nil
	}
	if err != nil {
		return r.say(e, err)
	}
	rep, err := r.ingestor.Ingest(ctx, e.File, r.messageFile(e.File))
	r.progress.end()
	if cause := context.Cause(ctx); err != nil && cause != nil {
		// What failed because we were stopped says nothing of the file.
		err = fmt.Errorf("%s: %w", e.File, cause)
		rep.Error, rep.Exit = err.Error(), fault.ExitCode(err)
	}
	note, ended := noteOf(e, rep, err)
	if err == nil {
		r.good++
	} else {
		r.bad++
		err = r.say(e, err)
	}
	if ended {
		// What has happened is noted also when we are being stopped.
		if e2 := r.book.NoteMessages(context.WithoutCancel(ctx), []ledger.MessageNote{note}); e2 != nil {
			r.log.WithError(e2).WithField("file", e.File).Error("What became of the message can not be noted; it stays listed, and a repetition registers nothing twice")
			if err == nil {
				err = &program.Said{Err: e2}
			}
		}
	}
	if e := r.out.print(rep); e != nil && err == nil {
		err = e
	}
	return err
}

func (r *retrier) say(e ledger.MessageEntry, err error) error {
	return say(r.log, outcome.Record{File: e.File, JobID: e.JobID}, err)
}

// noteOf is what to note of a message after an attempt; ended is false where it
// says nothing of its file: an outage, a stop, a dry run.
func noteOf(e ledger.MessageEntry, rep offline.Report, err error) (n ledger.MessageNote, ended bool) {
	n = ledger.MessageNote{
		Source: e.Source, Topic: e.Topic, Partition: e.Partition, Offset: e.Offset, Time: e.Time,
		Attempts: e.Attempts + 1, PID: rep.PID, Datablock: rep.Datablock,
	}
	if err == nil {
		n.Outcome = string(rep.Outcome)
		return n, rep.Outcome == outcome.Registered || rep.Outcome == outcome.Existed
	}
	class := fault.KindOf(err).Class()
	n.Outcome, n.Error = string(outcome.DeadLettered), oneLine(err)
	n.Class, n.Exit = class.String(), fault.ExitCode(err)
	return n, class != fault.ClassSystemic && class != fault.ClassInterrupted
}

// messageFile is the message that the daemon kept beside the data; "" where it
// did not.
func (r *retrier) messageFile(file string) string {
	if !r.files.MessageToFile {
		return ""
	}
	path := sidecar.Path(file, r.files.IngestorFilesDirectory, r.files.MessageFileExtension)
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

// summary counts what came of the messages that were chosen.
func (r *retrier) summary(all int) string {
	text := fmt.Sprintf("%s of %d succeeded", messages(r.good, ""), all)
	if r.bad > 0 {
		text += fmt.Sprintf(", %d failed and stay listed", r.bad)
	}
	if r.gone > 0 {
		text += fmt.Sprintf(", %d were dealt with meanwhile", r.gone)
	}
	if left := all - r.good - r.bad - r.gone; left > 0 {
		text += fmt.Sprintf(", %d were not tried and stay listed", left)
	}
	return text
}
