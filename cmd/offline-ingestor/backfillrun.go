package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

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

	progress *runProgress
	began    time.Time
	told     bool // how it ended
}

// run makes a run, and prints its report.
func (b *backfilling) run(c *cobra.Command) (err error) {
	if err := b.options.check(c.Flags()); err != nil {
		return err
	}
	b.options.hasLookback = c.Flags().Changed("lookback")
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
	if _, err := b.settings(); err != nil {
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
	b.progress = newRunProgress(b.stderr)
	b.log.AddHook(b.progress)
	b.began = time.Now()
	if b.dry() {
		err = b.dryRun(c.Context())
	} else {
		err = b.realRun(c.Context())
	}
	if !b.told {
		if cause := context.Cause(c.Context()); err != nil && cause != nil {
			err = cause // what failed because we were told to end
		}
		err = b.notBegun(err)
	}
	return err
}

// dry says that nothing is to be changed.
func (b *backfilling) dry() bool { return b.options.dryRun || b.cfg.Ingestion.DryRun }

// settings are those of the engine that need nothing but the configuration, as of
// now: times of the command line and changes of schemas count from here.
func (b *backfilling) settings() (backfill.Options, error) {
	o, j, cfg := &b.options, &b.job, b.cfg
	e := backfill.Options{
		Job: j.Name, Part: j.part, DryRun: b.dry(),
		Tree: tree.Options{Roots: j.Roots, Base: j.base, Include: j.Include, Exclude: j.Exclude},
		All:  o.all, Limit: o.limit, Order: backfill.Order(j.Order), MinAge: j.MinAge, Lookback: j.Lookback,
		PerHour: j.RatePerHour, Concurrency: j.Concurrency, RepublishAfter: j.RepublishAfter, Strict: o.strict, Retention: j.Retention,
		Retry: backfill.Retry{
			Failed: backfill.Again(j.RetryFailed), RulesChanged: rulesChanged(cfg), FileChanged: changedAt,
			// One more, once some seconds have passed; a file that is still
			// locked then is left to the next run.
			Attempts: min(cfg.Ingestion.MaxAttempts, 2), Delay: cfg.Ingestion.RetryDelay, Crashes: cfg.Ingestion.MaxAttempts,
		},
	}
	if o.hasLookback {
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
	return dir, book, ofState(err)
}

// ofState makes a ledger that stays unusable a fault of what is configured: no run
// to come gets over it, as one does over a disk that is full.
func ofState(err error) error {
	if errors.Is(err, ledger.ErrUnusable) {
		return fault.New(fault.BadConfiguration, err)
	}
	return err
}

// realRun is a run that does something.
func (b *backfilling) realRun(ctx context.Context) error {
	dir, book, err := openState(ctx, b.cfg)
	if err != nil {
		return err
	}
	defer func() { _ = book.Close() }() // what is noted is noted
	unlock, err := ledger.LockJob(ctx, dir, state.Deployment(b.cfg), b.job.Name, strings.Join(os.Args, " "), b.options.lockWait)
	if err != nil {
		return err
	}
	defer func() { _ = unlock() }() // it ends with the process anyway
	// Only now: what was changed while we waited is to be seen by this run.
	e, err := b.settings()
	if err != nil {
		return err
	}
	e.Log, e.Progress, e.Book = b.log.WithField("job", b.job.Name), b.progress.update, book
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

// dryRun lists what a run would do. It takes no lock and leaves no trace.
func (b *backfilling) dryRun(ctx context.Context) error {
	e, err := b.settings()
	if err != nil {
		return err
	}
	e.Log, e.Progress, e.Notice = b.log.WithField("job", b.job.Name), b.progress.update, b.candidate
	if b.options.publish {
		e.Publisher = idle{} // for what was published before
	}
	rep, err := withBook(ctx, b.cfg, &e)
	if rep.Version == 0 {
		return err
	}
	return b.tell(rep, err)
}

// withBook runs an engine that changes nothing, on the ledger if there is one. The
// report is empty where it did not come to that.
func withBook(ctx context.Context, cfg *configs.Config, e *backfill.Options) (rep backfill.Report, err error) {
	e.Book = noBook{}
	if dir := cfg.Ingestion.StateDirectory; dir != "" {
		switch _, err := os.Stat(filepath.Join(dir, ledger.FileName)); {
		case errors.Is(err, fs.ErrNotExist):
		case errors.Is(err, fs.ErrPermission):
			return rep, fault.Errorf(fault.NotPermitted, "look for the ledger: %w; run this as the daemon's user, or as root", err)
		default:
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
