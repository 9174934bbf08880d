package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"ingestor/internal/children"
	"ingestor/internal/fault"
	"ingestor/internal/outcome"
	"ingestor/offline/backfill"
)

// workers register files in processes of their own: a file on which the reader
// crashes or hangs costs one of them.
type workers struct {
	runner  *children.Runner
	command []string
	// environment is asked for at each start.
	environment func(context.Context) []string
	// limit is how long one file may take; 0: for ever.
	limit time.Duration
	log   logrus.FieldLogger
	// well asks the catalogue whether it is.
	well func(context.Context) error

	mu   sync.Mutex
	said map[string]bool // what a worker has warned of
}

var _ backfill.Workers = (*workers)(nil)

// Ingest starts a worker for some files.
func (p *workers) Ingest(ctx context.Context, paths []string, begin func(string), each func(outcome.Record)) error {
	names, err := writeBatch(paths)
	if err != nil {
		return err
	}
	w := &worker{pool: p, begin: begin, each: each, beat: make(chan struct{}, 1)}
	child, err := p.runner.Start(ctx, children.Command{
		Argv: p.command, Env: p.environment(ctx), Stdin: names,
		ResultFDVariable: outcome.ResultFD, Record: w.record, Line: p.line,
	})
	if err != nil {
		return err
	}
	late := w.watch(ctx, child)
	return w.judge(ctx, child.Result(), late)
}

// worker is one process.
type worker struct {
	pool    *workers
	begin   func(string)
	each    func(outcome.Record)
	beat    chan struct{} // a file was begun or ended
	at      string        // the file that was begun last
	stopped string        // why it ended before its last file
}

// record acts on a line of the result descriptor.
func (w *worker) record(text []byte) {
	line, err := parseBatchLine(text)
	switch {
	case err != nil:
		w.pool.log.WithError(err).Warn("Result record of a worker is not used")
		return
	case line.Stopped != "":
		w.stopped = line.Stopped
	case line.Begin != "":
		w.at = line.Begin
		w.begin(line.Begin)
	default:
		if w.at != "" {
			line.Record.File = w.at // JSON does not hold every name
		}
		w.each(*line.Record)
	}
	select {
	case w.beat <- struct{}{}:
	default:
	}
}

// watch waits for the end, and brings it about where it is time. It tells
// whether a file took too long.
func (w *worker) watch(ctx context.Context, child *children.Child) (late bool) {
	stop := ctx.Done()
	var limit <-chan time.Time
	timer := time.NewTimer(w.pool.limit)
	defer timer.Stop()
	if w.pool.limit > 0 {
		limit = timer.C
	}
	for {
		select {
		case <-child.Done():
			return late
		case <-stop:
			stop = nil
			child.Terminate()
		case <-w.beat:
			timer.Reset(w.pool.limit)
		case <-limit:
			late, limit = true, nil
			child.Terminate()
		}
	}
}

// judge says what the end of a worker means to the files that it left.
func (w *worker) judge(ctx context.Context, r children.Result, late bool) error {
	why := w.stopped
	if why == "" {
		why = lastWords(r)
	}
	crash := func(format string, args ...any) error {
		return &backfill.CrashError{Reason: fmt.Sprintf(format, args...) + ": " + why}
	}
	kind, failed := fault.OfExit(r.ExitCode)
	switch {
	case !failed:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case late:
		return crash("exceeded the time limit of %v for a file", w.pool.limit)
	case r.Signal != 0:
		return crash("the worker was killed by signal %d (%s)", int(r.Signal), r.Signal)
	case kind.Class() == fault.ClassSystemic:
		return fault.Errorf(kind, "%s", why)
	case kind.Class() == fault.ClassBug, kind.Class() == fault.ClassInterrupted:
		return crash("the worker ended with exit %d", r.ExitCode)
	}
	// It did not come to the files.
	return fault.Errorf(fault.BadConfiguration, "a worker ended with exit %d: %s", r.ExitCode, why)
}

// line passes on what a worker says. What is wrong with a file is in its record;
// what it warns of comes with many files, and is said once.
func (p *workers) line(line string) {
	_, text, found := strings.Cut(line, " - WARNING - ")
	if !found {
		p.log.WithField("line", line).Debug("A worker says")
		return
	}
	what, _, _ := strings.Cut(text, " file=")
	const most = 200
	p.mu.Lock()
	news := !p.said[what] && len(p.said) < most
	if news {
		p.said[what] = true
	}
	p.mu.Unlock()
	if news {
		p.log.WithField("line", text).Warn("A worker warns, here of the first such file")
		return
	}
	p.log.WithField("line", line).Debug("A worker says")
}

// lastWords are the last that a worker wrote, without what stands before each line.
func lastWords(r children.Result) string {
	last := r.LastLine()
	for _, level := range []string{" - ERROR - ", " - CRITICAL - ", " - WARNING - "} {
		if _, text, found := strings.Cut(last, level); found {
			last = text
		}
	}
	return last
}
