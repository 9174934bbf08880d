package offline

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"

	"ingestor/internal/fault"
	"ingestor/internal/ledger"
	"ingestor/internal/outcome"
	"ingestor/scicat/scicattest"
)

// ledger is the bed's own, with a connection for each that asks.
func (b *bed) ledger(ctx context.Context) (Ledger, error) {
	l, err := ledger.Open(ctx, filepath.Join(b.dir, "state"), ledger.Options{})
	if err != nil {
		return nil, err
	}
	b.t.Cleanup(func() { _ = l.Close() })
	return l, nil
}

// noted is what the ledger knows of the bed's file; nil for nothing.
func (b *bed) noted() *ledger.Entry {
	b.t.Helper()
	l, err := b.ledger(b.context())
	if err != nil {
		b.t.Fatal(err)
	}
	f, err := ledger.Look(b.file)
	if err != nil {
		b.t.Fatal(err)
	}
	e, known, err := l.OfFile(b.context(), f)
	if err != nil {
		b.t.Fatal(err)
	}
	if !known {
		return nil
	}
	return &e
}

// remember notes a state of the bed's file, or of another.
func (b *bed) remember(state ledger.State, pid string, other ...string) {
	b.t.Helper()
	l, err := b.ledger(b.context())
	if err != nil {
		b.t.Fatal(err)
	}
	f, err := ledger.Look(b.file)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, path := range other {
		f = ledger.File{Path: path}
	}
	if err := l.Take(b.context(), ledger.Note{File: f, State: state, PID: pid}); err != nil {
		b.t.Fatal(err)
	}
}

// blind are the options of an account that may not read what it registers.
func (b *bed) blind(o *Options) {
	o.Defaults.AccessGroups = []string{"others"}
	o.OpenLedger = b.ledger
}

// seedUnreadable stores the bed's dataset as one that the account may not read.
func (b *bed) seedUnreadable() {
	b.t.Helper()
	if err := b.server.AddDataset(scicattest.Document{"pid": testPID, "ownerGroup": "ess"}); err != nil {
		b.t.Fatal(err)
	}
}

func TestLedger_SaysHowFarAFileCame(t *testing.T) {
	b := newBed(t)
	withLedger := func(o *Options) { o.OpenLedger = b.ledger }
	refused := scicattest.Fault{Method: "POST", PathPattern: "origdatablocks", Status: 503, Times: 0}
	if err := b.server.AddFault(refused); err != nil {
		t.Fatal(err)
	}
	if _, err := b.ingestor(withLedger).Ingest(t.Context(), b.file, ""); err == nil {
		t.Fatal("no error")
	}
	e := b.noted()
	if e == nil || e.State != ledger.DatasetMade || e.PID != testPID || e.JobID != testJob || e.Schema != "test-run" ||
		e.Attempts != 1 || e.Exit != 69 || e.Class != "systemic" || !strings.Contains(e.Error, "503") {
		t.Errorf("after a refused datablock: %+v", e)
	}
	b.server.ClearFaults()
	rep := b.ingest(withLedger)
	e = b.noted()
	if e == nil || e.State != ledger.Registered || e.Datablock != rep.Datablock || e.Attempts != 2 || e.Error != "" || e.Exit != 0 {
		t.Errorf("after the next run: %+v", e)
	}
	b.ingest(withLedger)
	if again := b.noted(); again == nil || again.Attempts != 2 || !again.Last.Equal(e.Last) {
		t.Errorf("finding it registered is noted again: %+v", again)
	}
}

func TestLedger_AFailureBeforeTheCatalogueIsNoted(t *testing.T) {
	b := newBed(t)
	b.file = b.write("raw/run.txt", "no HDF5")
	if _, err := b.ingestor(func(o *Options) { o.OpenLedger = b.ledger }).Ingest(t.Context(), b.file, ""); err == nil {
		t.Fatal("no error")
	}
	if e := b.noted(); e == nil || e.State != ledger.Failed || e.Exit != 65 || e.Class != "permanent" || e.Attempts != 1 {
		t.Errorf("%+v", e)
	}
}

// TestLedger_DecidesWhatTheAccountMayNotSee (D12).
func TestLedger_DecidesWhatTheAccountMayNotSee(t *testing.T) {
	for _, c := range []struct {
		name    string
		before  func(*bed)
		change  func(*Options)
		outcome outcome.Outcome
		blocks  int
		state   ledger.State
		says    string
	}{
		{"made by an earlier run", func(b *bed) { b.remember(ledger.DatasetMade, testPID) }, nil,
			outcome.Registered, 1, ledger.Registered, "without datablock: completing it"},
		{"posted by an earlier run with unknown outcome", func(b *bed) { b.remember(ledger.Registering, testPID) }, nil,
			outcome.Registered, 1, ledger.Registered, "completing it"},
		{"the same without the check by pid", func(b *bed) { b.remember(ledger.Registering, testPID) },
			func(o *Options) { o.CheckByPID = false }, outcome.Registered, 1, ledger.Registered, "completing it"},
		{"whether the datablock was taken is unknown", func(b *bed) { b.remember(ledger.Attaching, testPID) }, nil,
			outcome.Existed, 0, ledger.Attaching, "never learnt whether its datablock was taken"},
		{"registered", func(b *bed) { b.remember(ledger.Registered, testPID) }, nil,
			outcome.Existed, 0, ledger.Registered, "registered by this machine"},
		{"registered as another file", func(b *bed) { b.remember(ledger.Registered, testPID, "/copy") }, nil,
			outcome.Existed, 0, "", "registered by this machine"},
		{"made for another file", func(b *bed) { b.remember(ledger.DatasetMade, testPID, "/copy") }, nil,
			outcome.Existed, 0, ledger.Left, "left as it is"},
		{"the file failed before", func(b *bed) { b.remember(ledger.Failed, testPID) }, nil,
			outcome.Existed, 0, ledger.Left, "left as it is"},
		{"unknown", func(*bed) {}, nil, outcome.Existed, 0, ledger.Left, "left as it is"},
		{"unknown, and no check: the 409 is somebody else's", func(*bed) {},
			func(o *Options) { o.CheckByPID = false }, outcome.Existed, 0, ledger.Left, "left as it is"},
		{"a dry run asks nobody", func(b *bed) { b.remember(ledger.DatasetMade, testPID) },
			func(o *Options) { o.DryRun = true }, outcome.Existed, 0, ledger.DatasetMade, "a dry run does not ask"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBed(t)
			b.seedUnreadable()
			c.before(b)
			change := func(o *Options) {
				b.blind(o)
				if c.change != nil {
					c.change(o)
				}
			}
			for run := range 2 {
				b.log.Reset()
				rep := b.ingest(change)
				want := c.outcome
				if run == 1 {
					want = outcome.Existed
				}
				if rep.Outcome != want || rep.PID != testPID {
					t.Errorf("run %d: %s of %s, want %s", run+1, rep.Outcome, rep.PID, want)
				}
				if log := b.logged(logrus.InfoLevel); run == 0 && !strings.Contains(log, c.says) {
					t.Errorf("log: %s, want %q", log, c.says)
				}
			}
			b.wantStored(1, c.blocks)
			if e := b.noted(); e == nil && c.state != "" || e != nil && e.State != c.state {
				t.Errorf("noted %+v, want %s", e, c.state)
			}
		})
	}
}

// TestLedger_KnowsThePIDThatTheCatalogueMade: an account that may not read what
// it registers makes no second dataset of the same file.
func TestLedger_KnowsThePIDThatTheCatalogueMade(t *testing.T) {
	for _, failing := range []bool{false, true} {
		b := newBed(t)
		change := func(o *Options) {
			b.blind(o)
			o.AllowPID = false
		}
		if failing {
			if err := b.server.AddFault(scicattest.Fault{Method: "POST", PathPattern: "origdatablocks", Status: 503}); err != nil {
				t.Fatal(err)
			}
		}
		first, err := b.ingestor(change).Ingest(t.Context(), b.file, "")
		if failing != (err != nil) {
			t.Fatal(err)
		}
		b.server.ClearFaults()
		again := b.ingest(change)
		b.wantOneOfEach()
		if again.PID == "" || again.PID != first.PID {
			t.Errorf("pid %q, then %q", first.PID, again.PID)
		}
		b.write("raw/run.hdf", "")
		content, err := runFile()
		if err != nil {
			t.Fatal(err)
		}
		b.write("raw/run.hdf", string(content))
		b.ingest(change)
		b.wantStored(2, 2) // a file that has changed is another
	}
}

// TestLedger_APIDThatNobodyKnowsIsNotMadeTwice: the answer that held it was lost.
func TestLedger_APIDThatNobodyKnowsIsNotMadeTwice(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault scicattest.Fault
		key   string
		says  string
	}{
		{"an answer cut off", scicattest.Fault{Cut: scicattest.During}, "job_id", "an earlier run made its dataset"},
		{"no answer, and no key to look by", scicattest.Fault{Cut: scicattest.After}, "none", "an earlier run may have made its dataset"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBed(t)
			change := func(o *Options) {
				b.blind(o)
				o.AllowPID, o.MetadataKey = false, c.key
			}
			c.fault.Method, c.fault.PathPattern, c.fault.Times = "POST", "datasets$", 1
			if err := b.server.AddFault(c.fault); err != nil {
				t.Fatal(err)
			}
			if _, err := b.ingestor(change).Ingest(t.Context(), b.file, ""); fault.KindOf(err) != fault.Unavailable || err == nil {
				t.Fatalf("kind %v: %v", fault.KindOf(err), err)
			}
			for range 2 {
				_, err := b.ingestor(change).Ingest(t.Context(), b.file, "")
				if fault.KindOf(err) != fault.BadInput || err == nil || !strings.Contains(err.Error(), c.says) {
					t.Fatalf("kind %v: %v", fault.KindOf(err), err)
				}
			}
			b.wantStored(1, 0)
		})
	}
}

// TestLedger_WithoutItFilesAreRegisteredAllTheSame, with one warning.
func TestLedger_WithoutItFilesAreRegisteredAllTheSame(t *testing.T) {
	b := newBed(t)
	opened := 0
	g := b.ingestor(func(o *Options) {
		o.OpenLedger = func(context.Context) (Ledger, error) {
			opened++
			return nil, errors.New("the disk is full")
		}
	})
	for range 2 {
		if _, err := g.Ingest(t.Context(), b.file, ""); err != nil {
			t.Fatal(err)
		}
	}
	b.wantOneOfEach()
	if log := b.logged(logrus.WarnLevel); opened != 1 || strings.Count(log, "without ledger") != 1 || !strings.Contains(log, "disk is full") {
		t.Errorf("opened %d times, log: %s", opened, log)
	}
}

func TestLedger_ANewerOneIsNotPassedOver(t *testing.T) {
	b := newBed(t)
	_, err := b.ingestor(func(o *Options) {
		o.OpenLedger = func(context.Context) (Ledger, error) { return nil, fault.Errorf(fault.BadConfiguration, "newer") }
	}).Ingest(t.Context(), b.file, "")
	if fault.KindOf(err) != fault.BadConfiguration {
		t.Errorf("kind %v: %v", fault.KindOf(err), err)
	}
	for _, r := range b.server.Requests() {
		if r.Method == http.MethodPost {
			t.Errorf("posted all the same: %+v", r)
		}
	}
}

func TestLedger_ADryRunDoesNotOpenIt(t *testing.T) {
	b := newBed(t)
	b.ingest(func(o *Options) { o.OpenLedger, o.DryRun = b.ledger, true })
	if tree := b.tree(); strings.Contains(tree, "state") {
		t.Errorf("left behind: %s", tree)
	}
}
