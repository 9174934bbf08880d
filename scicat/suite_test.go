package scicat_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"ingestor/internal/fault"
	"ingestor/scicat"
	"ingestor/scicat/scicattest"
)

// backend is a catalogue to test against, with an account that may make any
// dataset and read those that share its group.
type backend struct {
	url, token, group string
	// server is nil for a real backend.
	server *scicattest.Server
}

func inMemory(t *testing.T) backend {
	t.Helper()
	s, err := scicattest.New(scicattest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return backend{url: s.BaseURL(), token: s.Token("ingestor"), group: "ingestor", server: s}
}

func realBackend(t *testing.T) backend {
	t.Helper()
	b := backend{url: os.Getenv("INGESTOR_SCICAT_URL"), token: os.Getenv("INGESTOR_SCICAT_TOKEN"), group: os.Getenv("INGESTOR_SCICAT_GROUP")}
	if b.url == "" || b.token == "" {
		t.Skip("INGESTOR_SCICAT_URL and INGESTOR_SCICAT_TOKEN are not set: a real backend is not tested " +
			"(its account must be a privileged one; INGESTOR_SCICAT_GROUP is a group of it, default ingestor)")
	}
	if b.group == "" {
		b.group = "ingestor"
	}
	return b
}

func newClient(t *testing.T, b backend, change func(*scicat.Options)) *scicat.Client {
	t.Helper()
	o := scicat.Options{
		BaseURL: b.url, Token: scicat.StaticToken(b.token), MaxRetries: 3,
		RetryDelay: time.Millisecond, RetryMaxDelay: 4 * time.Millisecond, Timeout: 20 * time.Second,
	}
	if change != nil {
		change(&o)
	}
	c, err := scicat.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func sampleDataset(pid, group, job string) scicat.Dataset {
	return scicat.Dataset{
		PID: pid, Size: 3, NumberOfFiles: 1, DatasetName: "suite é", PrincipalInvestigator: "Ada", CreationLocation: "ESS:CODA",
		Owner: "Ada", OwnerEmail: "ada@site.example", ContactEmail: "ada@site.example", SourceFolder: "/data/suite",
		CreationTime: "2024-10-28T09:06:41.186000+00:00", Type: "raw", ProposalID: "443503", InstrumentID: "i",
		OwnerGroup: "group-of-nobody", AccessGroups: []string{group}, RunNumber: "31010",
		ScientificMetadata: map[string]scicat.ScientificValue{
			"job_id":      {Value: job, Type: "string", HumanName: "Job Id"},
			"run_number":  {Value: json.Number("31010"), Type: "integer", HumanName: "Run"},
			"temperature": {Value: 280.5, Type: "float", HumanName: "Temperature", Unit: "K"},
			"a.b/c d":     {Value: "sample 1", Type: "string", HumanName: "Odd"},
		},
	}
}

func sampleDatablock(pid string) scicat.Datablock {
	size, digest, id, mode := int64(3), strings.Repeat("ab", 64), "0", "0o100644"
	return scicat.Datablock{
		DatasetID: pid, Size: 3, ChkAlg: "blake2b", OwnerGroup: "group-of-nobody",
		DataFileList: []scicat.DataFile{{Path: "/data/suite/a.hdf", Size: &size, Time: "2024-10-28T09:18:15.000Z", Chk: &digest, UID: &id, GID: &id, Perm: &mode}},
	}
}

func newPID() string { return "20.500.12269/suite " + uuid.NewString() }

func TestSuite_InMemory(t *testing.T)    { suite(t, inMemory(t)) }
func TestSuite_RealBackend(t *testing.T) { suite(t, realBackend(t)) }

// suite holds what the client promises against any backend.
func suite(t *testing.T, b backend) {
	c := newClient(t, b, nil)
	stale := newClient(t, backend{url: b.url, token: "stale.to.ken"}, nil)

	t.Run("the catalogue is well and the token is good", func(t *testing.T) {
		if err := c.Health(t.Context()); err != nil {
			t.Error(err)
		}
		if err := c.CheckToken(t.Context()); err != nil {
			t.Error(err)
		}
		if err := stale.CheckToken(t.Context()); fault.KindOf(err) != fault.NotPermitted {
			t.Errorf("stale token: %v", err)
		}
	})
	t.Run("a dataset is registered once and found again", func(t *testing.T) {
		pid, job := newPID(), uuid.NewString()
		if p, err := c.Dataset(t.Context(), pid); err != nil || p != scicat.Absent {
			t.Errorf("before: %v %v", p, err)
		}
		if got, err := c.CreateDataset(t.Context(), sampleDataset(pid, b.group, job), nil); err != nil || got != pid {
			t.Fatalf("create: %q %v", got, err)
		}
		if p, err := c.Dataset(t.Context(), pid); err != nil || p != scicat.Present {
			t.Errorf("after: %v %v", p, err)
		}
		if p, err := stale.Dataset(t.Context(), pid); err != nil || p != scicat.PresentUnreadable {
			t.Errorf("with a stale token: %v %v", p, err)
		}
		for key, value := range map[string]any{"job_id": job, "a.b/c d": "sample 1", "run_number": json.Number("31010")} {
			pids, err := c.DatasetsByMetadata(t.Context(), key, value)
			if err != nil || !contains(pids, pid) {
				t.Errorf("by %s: %v %v", key, pids, err)
			}
		}
		_, err := c.CreateDataset(t.Context(), sampleDataset(pid, b.group, job), nil)
		if !errors.Is(err, scicat.ErrExists) {
			t.Errorf("again: %v", err)
		}
	})
	t.Run("nothing is believed of a stale token", func(t *testing.T) {
		if pids, err := c.DatasetsByMetadata(t.Context(), "job_id", uuid.NewString()); err != nil || len(pids) != 0 {
			t.Errorf("good token: %v %v", pids, err)
		}
		if _, err := stale.DatasetsByMetadata(t.Context(), "job_id", uuid.NewString()); fault.KindOf(err) != fault.NotPermitted {
			t.Errorf("stale token: %v", err)
		}
		if _, err := stale.CreateDataset(t.Context(), sampleDataset(newPID(), b.group, "j"), nil); fault.KindOf(err) != fault.NotPermitted {
			t.Errorf("stale token, dataset: %v", err)
		}
	})
	t.Run("a datablock is attached and listed", func(t *testing.T) {
		pid := newPID()
		if _, err := c.CreateDataset(t.Context(), sampleDataset(pid, b.group, "j"), nil); err != nil {
			t.Fatal(err)
		}
		if ids, err := c.Datablocks(t.Context(), pid); err != nil || len(ids) != 0 {
			t.Errorf("before: %v %v", ids, err)
		}
		id, err := c.CreateDatablock(t.Context(), sampleDatablock(pid), nil)
		if err != nil || id == "" {
			t.Errorf("create: %q %v", id, err)
		}
		if ids, err := c.Datablocks(t.Context(), pid); err != nil || len(ids) != 1 || ids[0] != id {
			t.Errorf("after: %v %v", ids, err)
		}
		var e *scicat.APIError
		if _, err := c.Datablocks(t.Context(), newPID()); !errors.As(err, &e) || e.Status != http.StatusNotFound {
			t.Errorf("of nothing: %v", err)
		}
		if _, err := c.CreateDatablock(t.Context(), sampleDatablock(newPID()), nil); fault.KindOf(err) != fault.BadInput {
			t.Errorf("for nothing: %v", err)
		}
	})
	t.Run("a dataset of others exists and can not be read", func(t *testing.T) {
		d := sampleDataset(newPID(), "group-of-others", "j")
		if _, err := c.CreateDataset(t.Context(), d, nil); err != nil {
			t.Fatal(err)
		}
		if p, err := c.Dataset(t.Context(), d.PID); err != nil || p != scicat.PresentUnreadable {
			t.Errorf("%v %v", p, err)
		}
		if _, err := c.Datablocks(t.Context(), d.PID); !errors.Is(err, scicat.ErrUnreadable) {
			t.Errorf("datablocks: %v", err)
		}
		if _, err := stale.Datablocks(t.Context(), d.PID); errors.Is(err, scicat.ErrUnreadable) || fault.KindOf(err) != fault.NotPermitted {
			t.Errorf("datablocks with a stale token: %v", err)
		}
	})
	t.Run("a pid of the server is given back", func(t *testing.T) {
		pid, err := c.CreateDataset(t.Context(), sampleDataset("", b.group, "j"), nil)
		if err != nil || pid == "" {
			t.Fatalf("%q %v", pid, err)
		}
		if p, err := c.Dataset(t.Context(), pid); err != nil || p != scicat.Present {
			t.Errorf("%v %v", p, err)
		}
	})
	t.Run("field errors are in the message", func(t *testing.T) {
		d := sampleDataset(newPID(), b.group, "j")
		d.Owner, d.ContactEmail, d.Techniques = nil, "nobody", []map[string]any{{"name": "SANS"}}
		_, err := c.CreateDataset(t.Context(), d, nil)
		var e *scicat.APIError
		if fault.KindOf(err) != fault.BadInput || !errors.As(err, &e) || len(e.Fields) != 3 {
			t.Fatalf("%v", err)
		}
		for _, text := range []string{"400", "owner must be a string", "got nobody", "techniques.0", "pid must be a string"} {
			if !strings.Contains(err.Error(), text) {
				t.Errorf("%q does not say %q", err, text)
			}
		}
	})
	t.Run("look-ups", func(t *testing.T) {
		l := c.Lookups()
		if _, err := l.Lookup(t.Context(), "proposals/nobody-has-this"); err == nil || fault.KindOf(err) == fault.Unavailable ||
			fault.KindOf(err) == fault.NotPermitted || !strings.Contains(err.Error(), "404") {
			t.Errorf("missing proposal: %v", err)
		}
		if body, err := l.Lookup(t.Context(), `instruments?filter={"where":{"name":"nobody has this"}}`); err != nil || string(body) != "[]" {
			t.Errorf("no instrument: %s %v", body, err)
		}
		if _, err := stale.Lookups().Lookup(t.Context(), "proposals/nobody-has-this"); err == nil || fault.KindOf(err) == fault.NotPermitted {
			t.Errorf("missing proposal with a stale token: %v", err)
		}
	})
}

func contains(list []string, s string) bool {
	for _, item := range list {
		if item == s {
			return true
		}
	}
	return false
}

// tokenFunc is a source that has no other token when one is rejected.
type tokenFunc func() string

func (f tokenFunc) Token(context.Context) (string, error) { return f(), nil }

func (f tokenFunc) Renew(context.Context, string) (bool, error) { return false, nil }
