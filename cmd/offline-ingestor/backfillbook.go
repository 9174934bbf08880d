package main

import (
	"context"
	"time"

	"ingestor/internal/ledger"
	"ingestor/offline/backfill"
)

// noBook is the ledger of a dry run where there is none: nothing is known, and
// nothing is kept.
type noBook struct{}

var _ backfill.Book = noBook{}

func (noBook) LoadJob(_ context.Context, job string) (ledger.JobState, error) {
	return ledger.JobState{Job: job}, nil
}

func (noBook) KnowFiles(_ context.Context, _ string, files []ledger.File) ([]ledger.Knowledge, error) {
	return make([]ledger.Knowledge, len(files)), nil
}

func (noBook) DeadLettered(context.Context, ledger.MessageFilter) ([]ledger.MessageEntry, error) {
	return nil, nil
}

func (noBook) HasPublished(context.Context, string) (yes bool, e error)        { return false, nil }
func (noBook) SaveJob(context.Context, ledger.JobState) error                  { return nil }
func (noBook) NoteFailed(context.Context, []ledger.Note) error                 { return nil }
func (noBook) NotePublished(context.Context, string, []ledger.File) error      { return nil }
func (noBook) AddRun(context.Context, ledger.Run) error                        { return nil }
func (noBook) PruneRuns(context.Context, string, time.Time) (n int64, e error) { return 0, nil }

// idle is the publisher of a dry run.
type idle struct{}

func (idle) Publish(context.Context, []ledger.File) error { return nil }
