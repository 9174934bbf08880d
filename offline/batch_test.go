package offline

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sirupsen/logrus"

	"ingestor/internal/fault"
	"ingestor/internal/outcome"
	"ingestor/scicat"
	"ingestor/scicat/scicattest"
)

// job is the job of the nth file of a batch.
func job(n int) string { return fmt.Sprintf("7d4b2c1e-5a0f-4f7b-9a54-%012d", n) }

// runs writes n data files of different jobs.
func (b *bed) runs(n int) []string {
	b.t.Helper()
	files := make([]string, n)
	for i := range files {
		files[i] = b.run(fmt.Sprintf("raw/run_%03d.hdf", i), job(i))
	}
	return files
}

func (b *bed) run(name, job string) string {
	b.t.Helper()
	content, err := runFile()
	if err != nil {
		b.t.Fatal(err)
	}
	return b.write(name, string(bytes.ReplaceAll(content, []byte(testJob), []byte(job))))
}

// told is what a batch told, in order.
type told struct {
	begun   []string
	reports []Report
	errs    []error
}

func (b *bed) batch(files []string, change func(*Options)) (*told, error) {
	b.t.Helper()
	l := &told{}
	err := b.ingestor(change).IngestAll(b.context(), files,
		func(f string) { l.begun = append(l.begun, f) },
		func(r Report, err error) { l.reports, l.errs = append(l.reports, r), append(l.errs, err) })
	return l, err
}

// ingestAll must succeed for each file.
func (b *bed) ingestAll(files []string, change func(*Options)) *told {
	b.t.Helper()
	l, err := b.batch(files, change)
	for _, e := range append(l.errs, err) {
		if e != nil {
			b.t.Fatal(e)
		}
	}
	if len(l.reports) != len(files) {
		b.t.Fatalf("%d reports of %d files", len(l.reports), len(files))
	}
	return l
}

func (l *told) outcomes() map[outcome.Outcome]int {
	n := map[outcome.Outcome]int{}
	for _, r := range l.reports {
		n[r.Outcome]++
	}
	return n
}

// wantOnceEach is the invariant of the package, for many files.
func (b *bed) wantOnceEach(n int) {
	b.t.Helper()
	b.wantStored(n, n)
	for _, d := range b.server.Datasets() {
		pid, _ := d["pid"].(string)
		if blocks := len(b.server.Datablocks(pid)); blocks != 1 {
			b.t.Errorf("dataset %s has %d datablocks", pid, blocks)
		}
	}
}

// counted are the requests since the last call, by method and endpoint.
func (b *bed) counted() map[string]int {
	n := map[string]int{}
	for _, r := range b.server.Requests() {
		path, _, _ := strings.Cut(strings.TrimPrefix(r.Target, "/api/v3/"), "?")
		n[r.Method+" "+path]++
	}
	b.server.ClearRequests()
	return n
}

func TestBatch_AsksOnceForManyNewFilesAndOnceMoreForManyKnownOnes(t *testing.T) {
	const n = 50
	for _, ledger := range []bool{false, true} {
		t.Run(fmt.Sprintf("ledger %v", ledger), func(t *testing.T) {
			b := newBed(t)
			change := func(o *Options) {
				if ledger {
					o.OpenLedger = b.ledger
				}
			}
			files := b.runs(n)
			first := b.ingestAll(files, change)
			b.wantOnceEach(n)
			if first.outcomes()[outcome.Registered] != n {
				t.Errorf("outcomes %v", first.outcomes())
			}
			want := map[string]int{
				"GET proposals/443503": 1, // a look-up of the schema, the same for all
				"GET datasets":         2, // by pid, and by metadata
				"GET users/my/self":    1, // none is found: is the token good?
				"POST datasets":        n, "POST origdatablocks": n,
			}
			if got := b.counted(); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("new files: %v, want %v", got, want)
			}
			again := b.ingestAll(files, change)
			b.wantOnceEach(n)
			if again.outcomes()[outcome.Existed] != n {
				t.Errorf("outcomes %v", again.outcomes())
			}
			want = map[string]int{"GET proposals/443503": 1, "GET datasets": 1, "GET origdatablocks": 1}
			if got := b.counted(); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("known files: %v, want %v", got, want)
			}
			for i, r := range again.reports {
				if r.File != files[i] || r.PID != first.reports[i].PID || r.Datablock != first.reports[i].Datablock || r.JobID != job(i) {
					t.Errorf("file %d: %+v, before %+v", i, r.Record, first.reports[i].Record)
				}
			}
		})
	}
}

func TestBatch_BeginsAFileBeforeItIsReadAndBeforeItIsRegistered(t *testing.T) {
	b := newBed(t)
	files := b.runs(3)
	bad := b.write("raw/run_bad.hdf", "no HDF5")
	l, err := b.batch([]string{files[0], bad, files[1]}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{files[0], bad, files[1], files[0], files[1]}; !slices.Equal(l.begun, want) {
		t.Errorf("begun %v, want %v", l.begun, want)
	}
	var order []string
	for _, r := range l.reports {
		order = append(order, r.File)
	}
	if want := []string{bad, files[0], files[1]}; !slices.Equal(order, want) {
		t.Errorf("reports of %v, want %v", order, want)
	}
	if kind := fault.KindOf(l.errs[0]); kind != fault.BadInput || l.reports[0].Exit != 65 || l.reports[0].Error == "" {
		t.Errorf("the bad one: %v of kind %v, %+v", l.errs[0], kind, l.reports[0].Record)
	}
	b.wantOnceEach(2)
}

// TestBatch_EndsAsIfEachFileWereIngestedAlone compares the two ways for what
// may be in the catalogue already.
func TestBatch_EndsAsIfEachFileWereIngestedAlone(t *testing.T) {
	pid := func(n int) string { return "20.500.12269/" + job(n) }
	seed := func(b *bed, pid string, n int, groups ...string) {
		if err := b.server.AddDataset(scicattest.Document{
			"pid": pid, "ownerGroup": "ess", "accessGroups": groups,
			"scientificMetadata": scicattest.Document{"job_id": scicattest.Document{"value": job(n), "unit": ""}},
		}); err != nil {
			b.t.Fatal(err)
		}
	}
	for _, v := range append(variants(), variant{name: "dry run", change: func(o *Options) { o.DryRun = true }}) {
		t.Run(v.name, func(t *testing.T) {
			var ends []string
			for _, all := range []bool{false, true} {
				b := newBed(t)
				if v.user != "" {
					b.user = v.user
				}
				seed(b, pid(0), 0, "ingestor")
				b.seedDatablock(pid(0))        // complete
				seed(b, pid(1), 1, "ingestor") // without datablock
				seed(b, pid(2), 2, "others")   // not to be seen
				seed(b, "other/3", 3, "ingestor")
				b.seedDatablock("other/3") // found by its metadata
				seed(b, "other/4", 4, "others")
				files := append(b.runs(7), filepath.Join(b.dir, "raw/run_gone.hdf"))
				files = append(files, files[5]) // once more
				change := func(o *Options) {
					v.change(o)
					if v.ledger {
						o.OpenLedger = b.ledger
					}
				}
				end := map[string]string{}
				note := func(r Report, err error) {
					said := fmt.Sprint(r.Outcome, " ", r.Exit)
					if o := r.PID; strings.HasSuffix(o, r.JobID) || strings.HasPrefix(o, "other/") {
						said += " " + o
					}
					end[r.File] += said + "; "
				}
				if all {
					l, err := b.batch(files, change)
					if err != nil {
						t.Fatal(err)
					}
					for i, r := range l.reports {
						note(r, l.errs[i])
					}
				} else {
					g := b.ingestor(change)
					for _, f := range files {
						note(g.Ingest(t.Context(), f, ""))
					}
				}
				var text string
				for i, f := range files[:8] {
					text += fmt.Sprintf("%d: %s\n", i, end[f])
				}
				datasets, blocks := b.stored()
				ends = append(ends, text+fmt.Sprint(datasets, blocks))
			}
			if ends[0] != ends[1] {
				t.Errorf("one by one:\n%s\nat once:\n%s", ends[0], ends[1])
			}
		})
	}
}

func TestBatch_CopiesOfOneFileBecomeOneDataset(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"of one pid": func(*Options) {},
		// The metadata tell that it is the same.
		"with pids of the catalogue": func(o *Options) { o.AllowPID = false },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			l := b.ingestAll([]string{b.run("raw/run_a.hdf", job(1)), b.run("raw/run_b.hdf", job(1)), b.run("raw/run_c.hdf", job(1))}, change)
			b.wantOnceEach(1)
			if n := l.outcomes(); n[outcome.Registered] != 1 || n[outcome.Existed] != 2 {
				t.Errorf("outcomes %v", n)
			}
		})
	}
}

func TestBatch_WithoutAnswersForManyEachFileIsAskedAbout(t *testing.T) {
	const many = "limits" // only those questions have any
	for name, how := range map[string]scicattest.Fault{
		"refused":       {PathPattern: many, Status: 400, Body: `{"message":"no such operator","statusCode":400}`},
		"not permitted": {PathPattern: many, Status: 403, Body: `{"message":"Forbidden resource","statusCode":403}`},
		"too long":      {PathPattern: many, Status: 414},
		"broken":        {PathPattern: many, Status: 500, Body: `"Internal server error"`},
		"no datablocks": {PathPattern: "origdatablocks.*" + many, Status: 403, Body: `{"message":"Forbidden resource","statusCode":403}`},
		"no datasets":   {PathPattern: "datasets.*" + many, Status: 404, Body: `{"message":"Cannot GET","statusCode":404}`},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			files := b.runs(3)
			b.ingestAll(files[:2], nil)
			if err := b.server.AddFault(how); err != nil {
				t.Fatal(err)
			}
			l := b.ingestAll(files, nil)
			if n := l.outcomes(); n[outcome.Existed] != 2 || n[outcome.Registered] != 1 {
				t.Errorf("outcomes %v", n)
			}
			b.wantOnceEach(3)
			if said := b.logged(logrus.WarnLevel); !strings.Contains(said, "asked about by itself") || strings.Count(said, "asked about by itself") > 2 {
				t.Errorf("log: %s", said)
			}
		})
	}
}

func TestBatch_WhatConcernsAllEndsIt(t *testing.T) {
	for name, c := range map[string]struct {
		fault scicattest.Fault
		kind  fault.Kind
		told  int
	}{
		"the catalogue is away when the files are read":       {scicattest.Fault{Cut: scicattest.Before}, fault.Unavailable, 0},
		"the catalogue is away when it is asked":              {scicattest.Fault{Cut: scicattest.Before, PathPattern: "/datasets.filter"}, fault.Unavailable, 0},
		"the catalogue goes away while they are registered":   {scicattest.Fault{Status: 503, Skip: 8}, fault.Unavailable, 2},
		"the account may not write":                           {scicattest.Fault{Method: "POST", Status: 403}, fault.NotPermitted, 0},
		"the token is rejected when the catalogue is asked":   {scicattest.Fault{PathPattern: "my/self", Status: 401}, fault.NotPermitted, 0},
		"the catalogue goes away after the first was created": {scicattest.Fault{Cut: scicattest.Before, PathPattern: "origdatablocks"}, fault.Unavailable, 0},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			if err := b.server.AddFault(c.fault); err != nil {
				t.Fatal(err)
			}
			files := b.runs(4)
			l, err := b.batch(files, nil)
			if kind := fault.KindOf(err); err == nil || kind != c.kind {
				t.Errorf("%v of kind %v, want %v", err, kind, c.kind)
			}
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("not one line: %v", err)
			}
			if len(l.reports) != c.told {
				t.Errorf("%d reports, want %d", len(l.reports), c.told)
			}
			for i, e := range l.errs {
				if e != nil || l.reports[i].Outcome != outcome.Registered {
					t.Errorf("%+v, %v", l.reports[i].Record, e)
				}
			}
			b.server.ClearFaults()
			b.ingestAll(files, nil)
			b.wantOnceEach(4)
		})
	}
}

func TestBatch_AFileThatChangesAfterItWasReadIsReadAgain(t *testing.T) {
	b := newBed(t)
	files := b.runs(3)
	var once sync.Once
	b.between = func(_ http.ResponseWriter, r *http.Request, pass func()) {
		if r.Method == http.MethodPost {
			once.Do(func() {
				b.run("raw/run_001.hdf", job(77))
				if err := os.Remove(files[2]); err != nil {
					b.t.Error(err)
				}
			})
		}
		pass()
	}
	l, err := b.batch(files, nil)
	if err != nil || len(l.reports) != 3 {
		t.Fatalf("%d reports, %v", len(l.reports), err)
	}
	if r := l.reports[1]; r.Outcome != outcome.Registered || r.JobID != job(77) || !strings.HasSuffix(r.PID, job(77)) {
		t.Errorf("the one with new content: %+v", r.Record)
	}
	if fault.KindOf(l.errs[2]) != fault.Busy {
		t.Errorf("the one that is gone: %v", l.errs[2])
	}
	b.wantOnceEach(2)
}

func TestBatch_SeveralOfTheSameFilesRegisterEachOnce(t *testing.T) {
	const n = 12
	b := newBed(t)
	files := b.runs(n)
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			mine := slices.Clone(files)
			if i%2 == 1 {
				slices.Reverse(mine)
			}
			err := b.ingestor(func(o *Options) { o.OpenLedger = b.ledger }).IngestAll(t.Context(), mine, func(string) {},
				func(r Report, err error) {
					if err != nil || r.Outcome != outcome.Registered && r.Outcome != outcome.Existed {
						t.Errorf("%+v, %v", r.Record, err)
					}
				})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	b.wantOnceEach(n)
}

func TestBatch_KeepsOnlySoMuchOfItsFiles(t *testing.T) {
	b := newBed(t)
	files := b.runs(pieceFiles + 3)
	read := func(size int) int {
		p := &piece{g: b.ingestor(nil), begin: func(string) {}, each: func(Report, error) {}, size: size}
		n, err := p.read(t.Context(), files)
		if err != nil || len(p.works) != n || p.size <= size {
			t.Errorf("%d files read, %d kept, %d bytes: %v", n, len(p.works), p.size-size, err)
		}
		return n
	}
	if n := read(0); n != pieceFiles {
		t.Errorf("%d small files are kept", n)
	}
	if n := read(pieceBytes - 1); n != 1 {
		t.Errorf("%d files are kept after a large one", n)
	}
	b.ingestAll(files, func(o *Options) { o.Catalogue = b.client(func(o *scicat.Options) { o.MaxRetries = -1 }) })
	b.wantOnceEach(len(files))
}
