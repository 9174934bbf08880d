package main

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"ingestor/internal/ledger"
	"ingestor/internal/treetest"
	"ingestor/offline/backfill"
)

// A tree as it lies on the storage after ten years: every good file is
// registered once, what is done is not done again, what comes late is found,
// and what failed is tried again once its cause is gone.
//
// In the large form the second run must take less than ten seconds and 100 MB.
// There the first run has to register 20 000 files (or INGESTOR_BACKFILL_FIRST),
// spread over all times; the other good ones are in the ledger beforehand.
func TestBackfillTree(t *testing.T) {
	large := largeForm(t)
	o := treetest.Options{Files: 2000, Broken: 10, Unreadable: 10, Foreign: 5, Seed: 1}
	if large > 0 {
		o.Files = large
	}
	b := newBed(t, o)
	if os.Geteuid() == 0 {
		b.uid = 65534 // root may read everything
	}
	good := b.tree.Of(treetest.Good)
	bad := append(b.tree.Of(treetest.Broken()...), b.tree.Of(treetest.Unreadable, treetest.Foreign)...)
	twins := len(b.tree.Of(treetest.Twin))
	seeded := 0
	if large > 0 {
		good, seeded = b.seed(good)
	}

	first := b.backfill()
	t.Logf("first run: %s; %.0f files a second; %s", first, float64(len(good))/first.took.Seconds(), b.tally)
	first.wantCounts(t, 1, map[backfill.Count]int{backfill.Registered: len(good), backfill.Existed: twins, backfill.Known: seeded, backfill.Failed: len(bad)})
	if first.Looked.TooYoung != int64(len(b.tree.Of(treetest.Young))) || first.Looked.Links != int64(len(b.tree.Of(treetest.Link))) || first.Looked.Special != 1 {
		t.Errorf("looked at %+v", first.Looked)
	}
	b.wantOnce(good)

	known := map[backfill.Count]int{backfill.Known: len(good) + twins + seeded, backfill.FailedBefore: len(bad)}
	b.reset()
	second := b.backfill()
	t.Logf("second run: %s; %s", second, b.tally)
	second.wantCounts(t, 0, known)
	if n := b.all.Load(); n > 3 {
		t.Errorf("%d requests in a run that had nothing to do: %s", n, b.tally)
	}
	if large > 0 && (second.took > 10*time.Second || second.rss > 100e6) {
		t.Errorf("a run that had nothing to do: %s", second)
	}

	late, err := b.tree.Late(100)
	if err != nil {
		t.Fatal(err)
	}
	b.reset()
	third := b.backfill()
	t.Logf("third run, %d late files: %s; %s", len(late), third, b.tally)
	known[backfill.Registered] = len(late)
	third.wantCounts(t, 0, known)
	b.wantOnce(late)

	// The rights are given, the schema is written.
	mended := b.tree.Of(treetest.Unreadable)
	for _, f := range mended {
		if err := os.Chmod(f.Path, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b.reset()
	fourth := b.backfill()
	t.Logf("fourth run, %d files with rights: %s; %s", len(mended), fourth, b.tally)
	known[backfill.Known] += len(late)
	known[backfill.Registered] = len(mended)
	known[backfill.FailedBefore] -= len(mended)
	fourth.wantCounts(t, 0, known)
	b.wantOnce(mended)

	foreign := b.tree.Of(treetest.Foreign)
	b.addSchema(treetest.ForeignFolder)
	b.reset()
	fifth := b.backfill()
	t.Logf("fifth run, %d files with a new schema: %s; %s", len(foreign), fifth, b.tally)
	b.wantOnce(foreign)
	fifth.wantCounts(t, 1, map[backfill.Count]int{
		backfill.Known: known[backfill.Known] + len(mended), backfill.Registered: len(foreign),
		backfill.Failed: len(b.tree.Of(treetest.Broken()...)), // tried again, in vain
	})
}

// seed notes of all files but some that they are registered, and gives these
// some and how many the others are. Twins of the others are left to the
// catalogue, which does not know them: so their good files are among the some.
func (b *bed) seed(good []treetest.File) (some []treetest.File, seeded int) {
	t := b.bench.t
	t.Helper()
	first := 20_000
	if text := os.Getenv("INGESTOR_BACKFILL_FIRST"); text != "" {
		var err error
		if first, err = strconv.Atoi(text); err != nil || first < 1 {
			t.Fatalf("INGESTOR_BACKFILL_FIRST=%q is no number of files", text)
		}
	}
	twin := map[string]bool{}
	for _, f := range b.tree.Of(treetest.Twin) {
		twin[f.Job] = true
	}
	// In memory where there is a disk of that: a note waits for the disk.
	memory, err := os.MkdirTemp("/dev/shm", "backfill")
	if err != nil {
		memory = t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(memory) })
	began := time.Now()
	l, err := ledger.Open(t.Context(), memory, ledger.Options{Deployment: ledger.Deployment{Catalogue: "http://" + b.address + "/api/v3", Group: "GROUP_ID"}})
	if err != nil {
		t.Fatal(err)
	}
	step := max(1, len(good)/first)
	for i, f := range good {
		if i%step == 0 || twin[f.Job] {
			some = append(some, f)
			continue
		}
		file, err := ledger.Look(f.Path)
		if err == nil {
			err = l.Take(t.Context(), ledger.Note{File: file, State: ledger.Registered, PID: "20.500.12269/" + f.Job, JobID: f.Job, FirstOfAttempt: true})
		}
		if err != nil {
			t.Fatal(err)
		}
		seeded++
	}
	dir := filepath.Join(b.state, "ingestor")
	content, err := []byte(nil), l.Close()
	if err == nil {
		content, err = os.ReadFile(filepath.Join(memory, ledger.FileName))
	}
	path := filepath.Join(dir, ledger.FileName)
	if err = errors.Join(err, os.Mkdir(dir, 0o777), os.WriteFile(path, content, 0o666), os.Chmod(dir, 0o777), os.Chmod(path, 0o666)); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d files are in the ledger beforehand, after %s", seeded, time.Since(began).Round(time.Millisecond))
	return some, seeded
}
