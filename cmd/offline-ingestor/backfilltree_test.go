package main

import (
	"os"
	"testing"
	"time"

	"ingestor/internal/treetest"
	"ingestor/offline/backfill"
)

// A tree as it lies on the storage after ten years: every good file is
// registered once, what is done is not done again, what comes late is found,
// and what failed is tried again once its cause is gone.
//
// In the large form the second run must take less than ten seconds and 100 MB.
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

	first := b.backfill()
	t.Logf("first run: %s; %.0f files a second; %s", first, float64(len(good))/first.took.Seconds(), b.tally)
	first.wantCounts(t, 1, map[backfill.Count]int{backfill.Registered: len(good), backfill.Existed: twins, backfill.Failed: len(bad)})
	if first.Looked.TooYoung != int64(len(b.tree.Of(treetest.Young))) || first.Looked.Links != int64(len(b.tree.Of(treetest.Link))) || first.Looked.Special != 1 {
		t.Errorf("looked at %+v", first.Looked)
	}
	b.wantOnce(good)

	known := map[backfill.Count]int{backfill.Known: len(good) + twins, backfill.FailedBefore: len(bad)}
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
