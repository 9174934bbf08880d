package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/google/renameio/v2"
	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"

	"ingestor/cmd/internal/program"
	"ingestor/cmd/internal/state"
	"ingestor/configs"
	"ingestor/internal/children"
	"ingestor/internal/fault"
	"ingestor/internal/ledger"
	"ingestor/offline/backfill"
	"ingestor/offline/backfill/tree"
)

// backfilling is one run of the command.
type backfilling struct {
	options        backfillOptions
	args           []string
	stdout, stderr io.Writer

	loaded *configs.Loaded
	cfg    *configs.Config
	job    chosenJob
	log    *logrus.Logger
}

// run makes a run, and prints its report.
func (b *backfilling) run(c *cobra.Command) (err error) {
	if err := b.options.check(); err != nil {
		return err
	}
	as := configs.Backfiller
	if b.options.publish {
		as = configs.Publisher
	}
	if b.loaded, err = configs.Load(as, c.Flags(), os.Environ()); err != nil {
		return program.Kind(err)
	}
	b.cfg = &b.loaded.Config
	if b.job, err = chooseJob(b.cfg, b.options.job, b.args); err != nil {
		return err
	}
	engine, err := b.settings()
	if err != nil {
		return err
	}
	var closeLog func() error
	if b.log, closeLog, err = program.Logger(name, b.cfg.Logging); err != nil {
		return err
	}
	defer program.CloseLog(closeLog, b.stderr)
	for _, w := range b.loaded.Warnings {
		b.log.Warn(w)
	}
	progress := newRunProgress(b.stderr)
	b.log.AddHook(progress)
	engine.Log, engine.Progress = b.log.WithField("job", b.job.Name), progress.update
	if engine.DryRun {
		return b.dryRun(c.Context(), engine)
	}
	return b.realRun(c.Context(), engine)
}

// settings are those of the engine that need nothing but the configuration.
func (b *backfilling) settings() (backfill.Options, error) {
	o, j, cfg := &b.options, &b.job, b.cfg
	e := backfill.Options{
		Job: j.Name, Part: j.part, DryRun: o.dryRun || cfg.Ingestion.DryRun,
		Tree: tree.Options{Roots: j.Roots, Include: j.Include, Exclude: j.Exclude},
		All:  o.all, Limit: o.limit, Order: backfill.Order(j.Order), MinAge: j.MinAge, Lookback: j.Lookback,
		PerHour: j.RatePerHour, Concurrency: j.Concurrency, RepublishAfter: j.RepublishAfter, Strict: o.strict, Retention: j.Retention,
		Retry: backfill.Retry{
			Failed: backfill.Again(j.RetryFailed), RulesChanged: rulesChanged(cfg), FileChanged: changedAt,
			// One more, once some seconds have passed; a file that is still
			// locked then is left to the next run.
			Attempts: min(cfg.Ingestion.MaxAttempts, 2), Delay: cfg.Ingestion.RetryDelay, Crashes: cfg.Ingestion.MaxAttempts,
		},
	}
	if o.lookback > 0 {
		e.Lookback = o.lookback
	}
	if o.concurrency > 0 {
		e.Concurrency = o.concurrency
	}
	if o.failed {
		e.Retry.Failed = backfill.AgainAlways
	}
	var err error
	if e.Selection, err = j.selection(); err != nil {
		return e, err
	}
	if o.since != "" {
		if e.Since, err = parseSince(o.since, time.Now()); err != nil {
			return e, err
		}
	}
	if o.until != "" {
		if e.Until, err = parseSince(o.until, time.Now()); err != nil {
			return e, fault.Errorf(fault.KindOf(err), "%s", strings.Replace(err.Error(), "--since", "--until", 1))
		}
	}
	if !e.Until.IsZero() && !e.Since.Before(e.Until) {
		return e, fault.Errorf(fault.Usage, "--until %s is not after --since %s", o.until, o.since)
	}
	return e, nil
}

// state is the state directory and the ledger in it.
func openState(ctx context.Context, cfg *configs.Config) (dir string, book *ledger.Ledger, err error) {
	if cfg.Ingestion.StateDirectory == "" {
		return "", nil, fault.Errorf(fault.BadConfiguration, "there is no state directory, and a backfill needs one: set ingestion.state_directory, or HOME")
	}
	if dir, err = filepath.Abs(cfg.Ingestion.StateDirectory); err != nil {
		return "", nil, fault.Errorf(fault.BadConfiguration, "ingestion.state_directory: %w", err)
	}
	book, err = state.Open(ctx, dir, state.Deployment(cfg))
	return dir, book, err
}

// realRun is a run that does something.
func (b *backfilling) realRun(ctx context.Context, e backfill.Options) error {
	dir, book, err := openState(ctx, b.cfg)
	if err != nil {
		return err
	}
	defer func() { _ = book.Close() }() // what is noted is noted
	unlock, err := ledger.LockJob(ctx, dir, state.Deployment(b.cfg), b.job.Name, strings.Join(os.Args, " "), b.options.lockWait)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return cause
	}
	if err != nil {
		return err
	}
	defer func() { _ = unlock() }() // it ends with the process anyway
	e.Book = book
	e.NewList = func(ctx context.Context) (backfill.List, error) {
		return ledger.NewWorklist(ctx, dir, filepath.Base(ledger.JobFile(dir, state.Deployment(b.cfg), b.job.Name, "work")))
	}
	end, err := b.hands(ctx, &e)
	if err != nil {
		return err
	}
	defer end()
	engine, err := backfill.New(e)
	if err != nil {
		return err
	}
	b.log.WithField("job", b.job.Name).Debug("Backfill begins")
	rep, err := engine.Run(ctx)
	return b.tell(rep, err)
}

// hands are those who do the work: processes, or a producer of messages.
func (b *backfilling) hands(ctx context.Context, e *backfill.Options) (end func(), err error) {
	if b.options.publish {
		topic, err := b.cfg.PublishTo(&b.job.BackfillJob)
		if err != nil {
			return nil, program.Kind(err)
		}
		p, err := newPublisher(b.cfg, topic, b.log)
		if err != nil {
			return nil, err
		}
		e.Publisher = p
		return func() { _ = p.producer.Close() }, nil
	}
	w, end, err := b.newWorkers(ctx)
	if err != nil {
		return nil, err
	}
	e.Workers, e.CatalogueWell = w, w.well
	return end, nil
}

// mostKillDelay lets a run end within seconds where a worker does not.
const mostKillDelay = 5 * time.Second

// newWorkers makes the pool of workers, and what keeps their token good.
func (b *backfilling) newWorkers(ctx context.Context) (*workers, func(), error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, fault.Errorf(fault.BadConfiguration, "find this program: %w", err)
	}
	login, err := program.NewCredentials(name, b.cfg.SciCat, b.log)
	if err != nil {
		return nil, nil, err
	}
	args, env := b.loaded.ChildArguments()
	command := []string{self, "batch", "-c", b.cfg.ConfigFile, "--ingestion.file-handling.data-file-open-max-tries=0"}
	runner := children.New(children.Options{KillDelay: min(b.cfg.Ingestion.KillDelay, mostKillDelay), Log: b.log})
	alive, stop := context.WithCancel(context.WithoutCancel(ctx))
	var all, first sync.WaitGroup
	var once sync.Once
	all.Go(func() {
		if err := runner.Run(alive); err != nil {
			b.log.WithError(err).Error("Workers do not end")
		}
	})
	first.Add(1)
	all.Go(func() {
		first.Wait()
		if err := login.Run(alive); err != nil {
			b.log.WithError(err).Error("The token is not looked after")
		}
	})
	begin := func(ctx context.Context) {
		// A run that has nothing to do logs in nowhere.
		once.Do(func() {
			login.Prepare(ctx)
			first.Done()
		})
	}
	w := &workers{
		runner: runner, command: append(command, args...), limit: b.cfg.Ingestion.ChildTimeout, log: b.log, said: map[string]bool{}, well: wellAsked(login, begin),
		environment: func(ctx context.Context) []string {
			begin(ctx)
			return append(append(os.Environ(), env...), login.Environment()...)
		},
	}
	return w, func() {
		stop()
		begin(alive)
		all.Wait()
	}, nil
}

// tell prints the report of a run, and writes it where it is to be collected.
func (b *backfilling) tell(rep backfill.Report, err error) error {
	fields := logrus.Fields{"job": rep.Job, "exit": rep.Exit, "files": rep.Looked.Files, "dur": time.Duration(rep.Seconds * float64(time.Second)).Round(time.Millisecond).String()}
	for _, c := range backfill.Counts() {
		if n := rep.Counts[c]; n > 0 {
			fields[string(c)] = n
		}
	}
	b.log.WithFields(fields).Info("Backfill has ended")
	if path := b.job.Textfile; path != "" && rep.Mode != "dry run" {
		if e := renameio.WriteFile(path, rep.Textfile(), 0o644); e != nil {
			b.log.WithError(e).Error("Metrics of the run can not be written (backfill.jobs." + b.job.Name + ".textfile)")
		}
	}
	if e := b.print(rep); e != nil && err == nil {
		err = e
	}
	return err
}

func (b *backfilling) print(rep backfill.Report) error {
	if b.options.json {
		return printJSON(b.stdout, rep)
	}
	return rep.WriteText(b.stdout)
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

// dryRun lists what a run would do. It takes no lock and leaves no trace.
func (b *backfilling) dryRun(ctx context.Context, e backfill.Options) (err error) {
	e.Notice = func(f ledger.File, as backfill.Count, why string) error {
		if b.options.json {
			return printJSON(b.stdout, candidateLine{f.Path, f.Size, f.ModTime.UTC(), as, oneLine(errors.New(why))})
		}
		return printed(fmt.Fprintf(b.stdout, "%-9s  %s  %s  %s (%s)\n", as, f.ModTime.Format("2006-01-02 15:04:05"), backfill.Size(f.Size), printableText(f.Path), printableText(why)))
	}
	if b.options.publish {
		e.Publisher = idle{} // for what was published before
	}
	rep, err := withBook(ctx, b.cfg, &e)
	return b.tell(rep, err)
}

// withBook runs an engine that changes nothing, on the ledger if there is one.
func withBook(ctx context.Context, cfg *configs.Config, e *backfill.Options) (rep backfill.Report, err error) {
	e.Book = noBook{}
	if dir := cfg.Ingestion.StateDirectory; dir != "" {
		if _, err := os.Stat(filepath.Join(dir, ledger.FileName)); err == nil {
			_, book, err := openState(ctx, cfg)
			if err != nil {
				return rep, err
			}
			defer func() { _ = book.Close() }() // it was only read
			e.Book = book
		}
	}
	dir, err := os.MkdirTemp("", name+"-*")
	if err != nil {
		return rep, fault.Errorf(fault.Unavailable, "make a folder for the list of files: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	e.NewList = func(ctx context.Context) (backfill.List, error) { return ledger.NewWorklist(ctx, dir, "work") }
	engine, err := backfill.New(*e)
	if err != nil {
		return rep, err
	}
	return engine.Run(ctx)
}
