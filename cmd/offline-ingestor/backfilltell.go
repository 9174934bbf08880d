package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/google/renameio/v2"
	"github.com/sirupsen/logrus"

	"ingestor/internal/fault"
	"ingestor/internal/ledger"
	"ingestor/offline/backfill"
)

// tell prints the report of a run, and writes it where it is to be collected.
func (b *backfilling) tell(rep backfill.Report, err error) error {
	b.told = true
	if err = ofState(err); err != nil {
		rep.Exit = fault.ExitCode(err)
	}
	fields := logrus.Fields{"job": rep.Job, "exit": rep.Exit, "files": rep.Looked.Files, "dur": time.Duration(rep.Seconds * float64(time.Second)).Round(time.Millisecond).String()}
	for _, c := range backfill.Counts() {
		if n := rep.Counts[c]; n > 0 {
			fields[string(c)] = n
		}
	}
	b.log.WithFields(fields).Info("Backfill has ended")
	b.writeTextfile(rep)
	if b.options.json {
		return b.printed(printJSON(b.stdout, rep), err)
	}
	return b.printed(rep.WriteText(b.stdout), err)
}

// notBegun tells of a run that has ended before it looked at anything. To people
// the line on standard error says all.
func (b *backfilling) notBegun(err error) error {
	rep := backfill.Unbegun(b.job.Name, b.job.Roots, b.dry(), b.options.publish, b.began, err)
	switch fault.KindOf(err) {
	case fault.Busy, fault.Interrupted, fault.Terminated:
		// The job's figures are those of the run that has its lock.
	default:
		b.writeTextfile(rep)
	}
	if b.options.json {
		return b.printed(printJSON(b.stdout, rep), err)
	}
	return err
}

// printed is how a run ends that has printed its report, or could not: what it did
// is done, and its own end says more.
func (b *backfilling) printed(e, err error) error {
	switch {
	case e == nil:
	case err == nil:
		return fault.Errorf(fault.Unavailable, "the run is done, but the report can not be written: %w", e)
	default:
		b.log.WithError(e).Error("The report can not be written")
	}
	return err
}

// writeTextfile leaves the metrics of a run for the collector. Those of a part of
// the job would be taken for the whole.
func (b *backfilling) writeTextfile(rep backfill.Report) {
	o, path := &b.options, b.job.Textfile
	if path == "" || b.dry() || b.job.part || o.limit > 0 || o.since != "" || o.until != "" {
		return
	}
	if old, err := os.ReadFile(path); err == nil {
		rep.Keep(old)
	}
	if err := renameio.WriteFile(path, rep.Textfile(), 0o644); err != nil {
		b.log.WithError(err).Error("Metrics of the run can not be written (backfill.jobs." + b.job.Name + ".textfile)")
	}
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return printed(0, e.Encode(v))
}

// candidateLine is a file in the JSON of a dry run.
type candidateLine struct {
	File  string         `json:"file"`
	Size  int64          `json:"size"`
	MTime time.Time      `json:"mtime"`
	As    backfill.Count `json:"as"`
	Why   string         `json:"why"`
}

// candidate prints a file that a run would try, or that has changed.
func (b *backfilling) candidate(f ledger.File, as backfill.Count, why string) error {
	var err error
	if b.options.json {
		err = printJSON(b.stdout, candidateLine{f.Path, f.Size, f.ModTime.UTC(), as, oneLine(errors.New(why))})
	} else {
		err = printed(fmt.Fprintf(b.stdout, "%-9s  %s  %s  %s (%s)\n", as, f.ModTime.Format("2006-01-02 15:04:05"), backfill.Size(f.Size), printableText(f.Path), printableText(why)))
	}
	return fault.New(fault.Unavailable, err) // a full disk, as of the ledger
}
