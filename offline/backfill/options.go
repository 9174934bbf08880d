package backfill

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sirupsen/logrus"

	"ingestor/internal/ledger"
	"ingestor/internal/outcome"
	"ingestor/offline/backfill/tree"
)

// Book is what is remembered between runs, and shared with the other programs.
type Book interface {
	LoadJob(ctx context.Context, job string) (ledger.JobState, error)
	SaveJob(ctx context.Context, s ledger.JobState) error
	KnowFiles(ctx context.Context, job string, files []ledger.File) ([]ledger.Knowledge, error)
	NoteFailed(ctx context.Context, notes []ledger.Note) error
	NotePublished(ctx context.Context, job string, files []ledger.File) error
	// HasPublished says that the job has published something.
	HasPublished(ctx context.Context, job string) (bool, error)
	// DeadLettered lists what the daemon has given up.
	DeadLettered(ctx context.Context, f ledger.MessageFilter) ([]ledger.MessageEntry, error)
	AddRun(ctx context.Context, r ledger.Run) error
	PruneRuns(ctx context.Context, job string, before time.Time) (int64, error)
}

var _ Book = (*ledger.Ledger)(nil)

// List holds the files that a run has found, outside of memory.
type List interface {
	Add(ctx context.Context, files []ledger.File) error
	// Next gives the files after a mark, in the order of modification time and
	// path, or before it in the opposite order. The zero mark begins.
	Next(ctx context.Context, after ledger.Mark, limit int, newestFirst bool) ([]ledger.File, error)
	Close() error
}

var _ List = (*ledger.Worklist)(nil)

// Workers register files.
type Workers interface {
	// Ingest registers some files. Begin is called with the path of a file that
	// is about to be worked on, once or more; each with what became of one. Both
	// are called by one goroutine at a time and not after Ingest has returned.
	// The error is nil, a *CrashError, or of the kind that kept the files without
	// record from being done.
	Ingest(ctx context.Context, paths []string, begin func(path string), each func(outcome.Record)) error
}

// Publisher announces files to those who register them.
type Publisher interface {
	// Publish returns once the announcement of all is safe.
	Publish(ctx context.Context, files []ledger.File) error
}

// Walk looks for files, as tree.Walk does.
type Walk func(ctx context.Context, o tree.Options, found func([]ledger.File) error) (tree.Stats, error)

// Order is which files come first.
type Order string

// The orders.
const (
	// Oldest first, so that what is interrupted leaves a clean prefix.
	Oldest Order = "oldest"
	// Newest first; a run that is interrupted begins anew, in the ledger only.
	Newest Order = "newest"
)

// Options of a run.
type Options struct {
	// Job names the state; required.
	Job string
	// Selection stands for what is looked for: roots and patterns. Where it is
	// another than that of the last look, all is looked at.
	Selection string
	// Tree says what to look for; LowWater, SeenCTime and the like are filled in.
	Tree tree.Options
	// Walk looks for it; nil is tree.Walk.
	Walk Walk
	// CheckRoots finds out whether the storage is still there, after files have
	// failed; nil is tree.Check.
	CheckRoots func(ctx context.Context) error

	// Book is required, and so is NewList.
	Book    Book
	NewList func(ctx context.Context) (List, error)
	// Workers or Publisher take the files; one of them, unless DryRun.
	Workers   Workers
	Publisher Publisher

	// CatalogueWell asks the catalogue something that costs little, with our token;
	// nil: it is not asked.
	CatalogueWell func(ctx context.Context) error

	// DryRun changes nothing. Notice hears of the files that would be tried
	// (Candidate), and of those that have changed (Changed).
	DryRun bool
	Notice func(f ledger.File, as Count, why string) error

	// All looks at all files, whatever was seen before.
	All bool
	// Part says that this run is not about the whole job, so its state stays.
	Part bool
	// Since and Until bound the modification time; zero: not.
	Since, Until time.Time
	// Limit is how many files are tried; 0: all.
	Limit int64
	// Order is Oldest where it is empty.
	Order Order
	// MinAge of a file; Lookback is how far below the mark is looked at again.
	MinAge, Lookback time.Duration
	// PerHour bounds how many files are tried in an hour; 0: not.
	PerHour int
	// Concurrency is how many workers work at once; default 2.
	Concurrency int
	// ChunkSize is how many files a worker gets at most; default 50, and 500 of
	// a Publisher.
	ChunkSize int
	// RepublishAfter is when a file that was announced and is not known to be
	// registered is announced again; default 24 h.
	RepublishAfter time.Duration
	// Retry is how failures are dealt with.
	Retry Retry
	// Strict ends with kind BadInput where files have changed since they were
	// registered.
	Strict bool
	// Retention of the reports in the book; 0: for ever.
	Retention time.Duration

	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Progress is told how far the run is, some times a second.
	Progress func(Progress)
	// Log receives what happens; nil discards it.
	Log logrus.FieldLogger

	// margin replaces clockMargin, in tests.
	margin time.Duration
}

func (o Options) withDefaults() Options {
	if o.Walk == nil {
		o.Walk = tree.Walk
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.margin == 0 {
		o.margin = clockMargin
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	if o.Log == nil {
		nothing := logrus.New()
		nothing.SetOutput(io.Discard)
		o.Log = nothing
	}
	if o.Order == "" {
		o.Order = Oldest
	}
	if o.Concurrency == 0 {
		o.Concurrency = 2
	}
	if o.Publisher != nil {
		// One after the other: the mark follows acknowledgements.
		o.Concurrency = 1
		if o.ChunkSize == 0 {
			o.ChunkSize = 500
		}
	}
	if o.ChunkSize == 0 {
		o.ChunkSize = 50
	}
	if o.RepublishAfter == 0 {
		o.RepublishAfter = 24 * time.Hour
	}
	o.Retry = o.Retry.withDefaults()
	return o
}

func (o Options) validate() error {
	var faults []error
	wrong := func(is bool, format string, args ...any) {
		if is {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	wrong(o.Job == "", "no job")
	wrong(len(o.Tree.Roots) == 0, "no folder to look into")
	wrong(o.Book == nil, "no book")
	wrong(o.NewList == nil, "no list")
	wrong(!o.DryRun && (o.Workers == nil) == (o.Publisher == nil), "either workers or a publisher are needed")
	wrong(o.DryRun && o.Notice == nil, "a dry run for nobody")
	wrong(o.Order != Oldest && o.Order != Newest, "order %q: must be oldest or newest", o.Order)
	wrong(o.Concurrency < 1, "%d workers: must be 1 or more", o.Concurrency)
	wrong(o.ChunkSize < 1, "%d files a worker: must be 1 or more", o.ChunkSize)
	wrong(o.PerHour < 0, "%d files an hour: must be 0 or more", o.PerHour)
	wrong(o.Limit < 0, "limit %d: must be 0 or more", o.Limit)
	wrong(!o.Until.IsZero() && o.Until.Before(o.Since), "the end of the time is before its beginning")
	if err := errors.Join(append(faults, o.Retry.validate())...); err != nil {
		return fmt.Errorf("options of the backfill: %w", err)
	}
	return nil
}
