package offline

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"

	"ingestor/internal/fault"
	"ingestor/internal/outcome"
	"ingestor/scicat/scicattest"
)

// seedDataset stores the bed's dataset as an earlier run left it.
func (b *bed) seedDataset(pid string) {
	b.t.Helper()
	if err := b.server.AddDataset(scicattest.Document{
		"pid": pid, "datasetName": "earlier", "ownerGroup": "ess", "accessGroups": []string{"ingestor"},
		"scientificMetadata": scicattest.Document{"job_id": scicattest.Document{"value": testJob, "unit": ""}},
	}); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bed) seedDatablock(pid string) {
	b.t.Helper()
	if err := b.server.AddDatablock(scicattest.Document{
		"datasetId": pid, "size": 1, "dataFileList": []any{scicattest.Document{"path": "x", "size": 1, "time": "2026-01-01T00:00:00Z"}},
	}); err != nil {
		b.t.Fatal(err)
	}
}

func TestRegister_ANewFileBecomesOneDatasetWithOneDatablock(t *testing.T) {
	b := newBed(t)
	rep := b.ingest(nil)
	b.wantOneOfEach()
	if rep.Outcome != outcome.Registered || rep.PID != testPID || rep.Exit != 0 || rep.Error != "" {
		t.Errorf("report: %+v", rep.Record)
	}
	if rep.Schema != "test-run" || rep.JobID != testJob || rep.Files != 1 || rep.Seconds <= 0 {
		t.Errorf("report: %+v", rep.Record)
	}
	block := b.server.Datablocks(testPID)[0]
	if block["_id"] != rep.Datablock {
		t.Errorf("datablock %v is reported as %s", block["_id"], rep.Datablock)
	}
}

func TestRegister_WhatIsThereAlready(t *testing.T) {
	checks := func(byPID, byMetadata bool) func(*Options) {
		return func(o *Options) { o.CheckByPID, o.CheckByMetadata = byPID, byMetadata }
	}
	for _, c := range []struct {
		name     string
		seed     func(*bed)
		user     string
		change   func(*Options)
		outcome  outcome.Outcome
		pid      string
		blocks   int
		posts    int
		wantSaid string
	}{
		{
			name:    "a complete dataset is left alone",
			seed:    func(b *bed) { b.seedDataset(testPID); b.seedDatablock(testPID) },
			outcome: outcome.Existed, pid: testPID, blocks: 1, wantSaid: "already present in SciCat. Skipping it",
		},
		{
			name:    "a dataset without datablock gets one (D12)",
			seed:    func(b *bed) { b.seedDataset(testPID) },
			outcome: outcome.Registered, pid: testPID, blocks: 1, posts: 1, wantSaid: "without datablock: completing it",
		},
		{
			name:    "without checks the catalogue's 409 says it (D11)",
			seed:    func(b *bed) { b.seedDataset(testPID); b.seedDatablock(testPID) },
			change:  checks(false, false),
			outcome: outcome.Existed, pid: testPID, blocks: 1, posts: 1, wantSaid: "Skipping it",
		},
		{
			name:    "after a 409 a missing datablock is made",
			seed:    func(b *bed) { b.seedDataset(testPID) },
			change:  checks(false, false),
			outcome: outcome.Registered, pid: testPID, blocks: 1, posts: 2, wantSaid: "completing it",
		},
		{
			name:    "metadata find a dataset of another pid",
			seed:    func(b *bed) { b.seedDataset("other/1"); b.seedDatablock("other/1") },
			outcome: outcome.Existed, pid: "other/1", blocks: 1, wantSaid: "Skipping it",
		},
		{
			name:    "of several with the same metadata our own pid counts",
			seed:    func(b *bed) { b.seedDataset("other/1"); b.seedDataset(testPID); b.seedDatablock(testPID) },
			change:  checks(false, true),
			outcome: outcome.Existed, pid: testPID, blocks: 1, wantSaid: "Skipping it",
		},
		{
			name: "one that may not be read exists (D9), and is left alone",
			seed: func(b *bed) {
				if err := b.server.AddDataset(scicattest.Document{"pid": testPID, "ownerGroup": "ess"}); err != nil {
					b.t.Fatal(err)
				}
			},
			outcome: outcome.Existed, pid: testPID, blocks: 0, wantSaid: "may not see whether it has a datablock",
		},
		{
			name: "an administrator sees and completes it",
			seed: func(b *bed) {
				if err := b.server.AddDataset(scicattest.Document{"pid": testPID, "ownerGroup": "ess"}); err != nil {
					b.t.Fatal(err)
				}
			},
			user:    "admin",
			outcome: outcome.Registered, pid: testPID, blocks: 1, posts: 1, wantSaid: "completing it",
		},
		{
			name:    "a dry run does not complete it",
			seed:    func(b *bed) { b.seedDataset(testPID) },
			change:  func(o *Options) { o.DryRun = true },
			outcome: outcome.DryRun, pid: testPID, blocks: 0,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBed(t)
			if c.user != "" {
				b.user = c.user
			}
			c.seed(b)
			before := len(b.server.Datasets())
			rep := b.ingest(c.change)
			if rep.Outcome != c.outcome || rep.PID != c.pid {
				t.Errorf("outcome %s of %s, want %s of %s", rep.Outcome, rep.PID, c.outcome, c.pid)
			}
			b.wantStored(before, c.blocks)
			if posts := countPosts(b); posts != c.posts {
				t.Errorf("%d POSTs, want %d", posts, c.posts)
			}
			if said := b.logged(logrus.InfoLevel); !strings.Contains(said, c.wantSaid) {
				t.Errorf("log: %s, want %q", said, c.wantSaid)
			}
		})
	}
}

func countPosts(b *bed) int {
	n := 0
	for _, r := range b.server.Requests() {
		if r.Method == http.MethodPost {
			n++
		}
	}
	return n
}

func TestRegister_TheCatalogueMakesThePIDWhereOursIsNotAllowed(t *testing.T) {
	b := newBed(t)
	rep := b.ingest(func(o *Options) { o.AllowPID = false })
	b.wantOneOfEach()
	d := b.server.Datasets()[0]
	if rep.PID == "" || rep.PID == testPID || d["pid"] != rep.PID {
		t.Errorf("reported pid %q, stored %v", rep.PID, d["pid"])
	}
	if block := b.server.Datablocks("")[0]; block["datasetId"] != rep.PID {
		t.Errorf("the datablock belongs to %v", block["datasetId"])
	}
	again := b.ingest(func(o *Options) { o.AllowPID = false })
	b.wantOneOfEach()
	if again.Outcome != outcome.Existed || again.PID != rep.PID {
		t.Errorf("second run: %s of %s", again.Outcome, again.PID)
	}
}

func TestRegister_ASecondRunChangesNothing(t *testing.T) {
	b := newBed(t)
	b.ingest(nil)
	if rep := b.ingest(nil); rep.Outcome != outcome.Existed || rep.Datablock == "" {
		t.Errorf("second run: %+v", rep.Record)
	}
	b.wantOneOfEach()
}

// TestRegister_RefusalsThatLast: what the catalogue refuses for good is of the
// kind that tells whose fault it is, and leaves nothing behind.
func TestRegister_RefusalsThatLast(t *testing.T) {
	refuse := func(method, path string, status int, body string) func(*bed) {
		return func(b *bed) {
			if err := b.server.AddFault(scicattest.Fault{Method: method, PathPattern: path, Status: status, Body: body}); err != nil {
				b.t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		name     string
		prepare  func(*bed)
		change   func(*Options)
		kind     fault.Kind
		datasets int
		says     string
	}{
		{"400 with field errors is the file's or schema's fault",
			refuse("POST", "datasets", 400, `{"status":400,"message":"[{\"property\":\"owner\",\"constraints\":{\"isString\":\"owner must be a string\"}}]"}`),
			nil, fault.BadInput, 0, "owner must be a string"},
		{"403 on the dataset is a missing right",
			refuse("POST", "datasets", 403, `{"message":"Forbidden resource","statusCode":403}`),
			nil, fault.NotPermitted, 0, "the account lacks the right"},
		{"403 on the datablock is a missing right",
			refuse("POST", "origdatablocks", 403, `{"message":"Forbidden resource","statusCode":403}`),
			nil, fault.NotPermitted, 1, "attach the file list to dataset " + testPID},
		{"an unclear pid check posts nothing (D9)",
			refuse("GET", "datasets/20", 418, `{"message":"teapot"}`),
			nil, fault.Unavailable, 0, "check whether the dataset exists"},
		{"a rejected token is not taken for absence (D14)",
			func(b *bed) { b.user = "nobody-known" },
			func(o *Options) { o.CheckByPID = false }, fault.NotPermitted, 0, "rejects the token"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBed(t)
			c.prepare(b)
			rep, err := b.ingestor(c.change).Ingest(t.Context(), b.file, "")
			if err == nil || fault.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("kind %v, %v; want %v and %q", fault.KindOf(err), err, c.kind, c.says)
			}
			if strings.Contains(err.Error(), "\n") || rep.Error != err.Error() || rep.Exit != c.kind.ExitCode() || rep.Outcome != "" {
				t.Errorf("report %+v", rep.Record)
			}
			b.wantStored(c.datasets, 0)
			// What is mended is done by the next run.
			b.server.ClearFaults()
			b.user = "ingestor"
			b.ingest(nil)
			b.wantOneOfEach()
		})
	}
}

func TestRegister_AnEndedContextIsNoFaultOfTheFile(t *testing.T) {
	b := newBed(t)
	ctx, cancel := contextWithCause(t, errors.New("enough"))
	cancel()
	_, err := b.ingestor(nil).Ingest(ctx, b.file, "")
	if err == nil || fault.KindOf(err) != fault.Interrupted {
		t.Errorf("kind %v: %v", fault.KindOf(err), err)
	}
	b.wantStored(0, 0)
}
