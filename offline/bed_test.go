package offline

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	logtest "github.com/sirupsen/logrus/hooks/test"

	"ingestor/internal/nexus/nexustest"
	"ingestor/schemas/metadata"
	"ingestor/scicat"
	"ingestor/scicat/scicattest"
)

const (
	testJob = "7d4b2c1e-5a0f-4f7b-9a54-2f6f0e9c3d10"
	testPID = "20.500.12269/" + testJob
)

// testNow is the clock of the tests.
var testNow = time.Date(2026, 3, 14, 10, 0, 0, 987_654_321, time.UTC)

// bed is a data file, a schema for it, and a catalogue.
type bed struct {
	t      testing.TB
	dir    string
	file   string // dir/raw/run.hdf
	server *scicattest.Server
	url    string
	user   string
	log    *logtest.Hook
	logger *logrus.Logger
	// between, if set, sees each request before the catalogue does, and has it
	// when it says so.
	between func(w http.ResponseWriter, r *http.Request, pass func())
}

// runFile is the content of a data file, made once for all tests.
var runFile = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "offline")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "run.hdf")
	if err := nexustest.Write(path, nexustest.Run(nexustest.RunInfo{JobID: testJob, Detector: [3]int{1, 2, 2}})); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// testSchemas are loaded once.
var testSchemas = sync.OnceValues(func() (*metadata.Set, error) { return metadata.LoadDirectory("testdata/schemas") })

func newBed(t testing.TB) *bed {
	t.Helper()
	b := &bed{t: t, dir: t.TempDir(), user: "ingestor"}
	b.file = filepath.Join(b.dir, "raw", "run.hdf")
	b.mkdir("raw")
	content, err := runFile()
	if err == nil {
		err = os.WriteFile(b.file, content, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	if b.server, err = scicattest.New(scicattest.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := b.server.AddProposal(scicattest.Document{
		"proposalId": "443503", "pi_lastname": "Sjöberg", "title": "Rocks", "email": "a@site.example",
		"ownerGroup": "ess", "accessGroups": []string{"ingestor"},
	}); err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		pass := func() { b.server.ServeHTTP(w, r) }
		if b.between == nil {
			pass()
			return
		}
		b.between(w, r, pass)
	}))
	b.url = front.URL + "/api/v3"
	t.Cleanup(func() {
		if err := b.server.Close(); err != nil { // delays end
			t.Error(err)
		}
		front.Close()
	})
	b.logger, b.log = logtest.NewNullLogger()
	return b
}

func (b *bed) mkdir(name string) string {
	b.t.Helper()
	path := filepath.Join(b.dir, name)
	if err := os.MkdirAll(path, 0o755); err != nil {
		b.t.Fatal(err)
	}
	return path
}

func (b *bed) write(name, text string) string {
	b.t.Helper()
	path := filepath.Join(b.dir, name)
	b.mkdir(filepath.Dir(name))
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		b.t.Fatal(err)
	}
	return path
}

// client of the bed's catalogue, with short pauses.
func (b *bed) client(change func(*scicat.Options)) *scicat.Client {
	b.t.Helper()
	o := scicat.Options{
		BaseURL: b.url, Token: scicat.StaticToken(b.server.Token(b.user)), Timeout: 10 * time.Second,
		MaxRetries: 2, RetryDelay: time.Millisecond, RetryMaxDelay: 4 * time.Millisecond,
	}
	if change != nil {
		change(&o)
	}
	c, err := scicat.New(o)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(c.Close)
	return c
}

// options are those of a plain ingestor: datasets that its account may read,
// both checks, checksum computed but not saved.
func (b *bed) options() Options {
	b.t.Helper()
	schemas, err := testSchemas()
	if err != nil {
		b.t.Fatal(err)
	}
	return Options{
		Schemas: schemas, Catalogue: b.client(nil), Log: b.logger, Now: func() time.Time { return testNow },
		AllowPID: true, PIDPrefix: "20.500.12269",
		Defaults: Defaults{
			InstrumentID: "odin-id", ProposalID: "443503", OwnerGroup: "ess", AccessGroups: []string{"ingestor"},
		},
		CheckByPID: true, CheckByMetadata: true, MetadataKey: "job_id",
		Files: FileOptions{
			Stats: true, Hash: true, Algorithm: "blake2b", HashExtension: "b2b", IngestorDirectory: "../ingestor",
		},
		RepairPauses: []time.Duration{time.Millisecond, time.Millisecond},
	}
}

// ingestor is one with changed options.
func (b *bed) ingestor(change func(*Options)) *Ingestor {
	b.t.Helper()
	o := b.options()
	if change != nil {
		change(&o)
	}
	g, err := New(o)
	if err != nil {
		b.t.Fatal(err)
	}
	return g
}

// ingest the bed's file, which must succeed.
func (b *bed) ingest(change func(*Options)) Report {
	b.t.Helper()
	rep, err := b.ingestor(change).Ingest(b.context(), b.file, "")
	if err != nil {
		b.t.Fatal(err)
	}
	return rep
}

func (b *bed) context() context.Context {
	if t, ok := b.t.(*testing.T); ok {
		return t.Context()
	}
	return context.Background()
}

// stored is how many datasets and datablocks there are.
func (b *bed) stored() (datasets, datablocks int) {
	return len(b.server.Datasets()), len(b.server.Datablocks(""))
}

// wantOneOfEach is the invariant of the package.
func (b *bed) wantOneOfEach() {
	b.t.Helper()
	if datasets, blocks := b.stored(); datasets != 1 || blocks != 1 {
		b.t.Errorf("the catalogue holds %d datasets and %d datablocks, want one of each", datasets, blocks)
	}
}

func (b *bed) wantStored(datasets, blocks int) {
	b.t.Helper()
	if d, k := b.stored(); d != datasets || k != blocks {
		b.t.Errorf("the catalogue holds %d datasets and %d datablocks, want %d and %d", d, k, datasets, blocks)
	}
}

// logged is the log's lines of at least that level, with their fields.
func (b *bed) logged(level logrus.Level) string {
	var lines []string
	for _, e := range b.log.AllEntries() {
		if e.Level > level {
			continue
		}
		text, err := e.String()
		if err != nil {
			b.t.Fatal(err)
		}
		lines = append(lines, text)
	}
	return strings.Join(lines, "")
}

// tree lists the files below the bed's folder.
func (b *bed) tree() string {
	b.t.Helper()
	var names []string
	err := filepath.WalkDir(b.dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && path != b.dir {
			rel, e := filepath.Rel(b.dir, path)
			names, err = append(names, rel), e
		}
		return err
	})
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		b.t.Fatal(err)
	}
	return strings.Join(names, " ")
}
