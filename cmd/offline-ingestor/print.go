package main

import (
	"encoding/json"
	"fmt"
	"io"

	"ingestor/internal/outcome"
	"ingestor/offline"
	"ingestor/offline/backfill"
	"ingestor/scicat"
)

// printer writes results on standard output: a line for people, or JSON lines.
type printer struct {
	out  io.Writer
	json bool
}

// result is a line of --json output: the record, and in a dry run the bodies.
type result struct {
	outcome.Record
	Dataset   *scicat.Dataset   `json:"dataset_body,omitempty"`
	Datablock *scicat.Datablock `json:"datablock_body,omitempty"`
}

func (p printer) print(r offline.Report) error {
	if err := p.write(r); err != nil {
		return fmt.Errorf("print the result: %w", err)
	}
	return nil
}

func (p printer) write(r offline.Report) error {
	dry := r.Outcome == outcome.DryRun
	if p.json {
		line := result{Record: r.Record}
		line.Version = 1
		if dry {
			line.Dataset, line.Datablock = r.DatasetBody, r.DatablockBody
		}
		e := json.NewEncoder(p.out)
		e.SetEscapeHTML(false)
		return e.Encode(line)
	}
	if r.Outcome == "" {
		return nil // the log says why
	}
	if dry {
		for _, body := range []struct {
			what string
			v    any
		}{{"POST datasets", r.DatasetBody}, {"POST origdatablocks", r.DatablockBody}} {
			if err := p.body(body.what, body.v); err != nil {
				return err
			}
		}
	}
	pid := r.PID
	if pid == "" {
		pid = "(the catalogue makes the pid)"
	}
	if _, err := fmt.Fprintf(p.out, "%-10s  %s  %s", r.Outcome, pid, r.File); err != nil {
		return err
	}
	if r.Files > 0 {
		if _, err := fmt.Fprintf(p.out, "  %d file(s), %s", r.Files, backfill.Size(r.Bytes)); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(p.out, "  %.3f s\n", r.Seconds)
	return err
}

func (p printer) body(what string, v any) error {
	if _, err := fmt.Fprintf(p.out, "%s\n", what); err != nil {
		return err
	}
	e := json.NewEncoder(p.out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
