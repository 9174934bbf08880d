package examples_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ingestor/internal/nexus"
	"ingestor/internal/nexus/nexustest"
	"ingestor/schemas/metadata"
)

// catalogue knows every proposal and one instrument and sample.
type catalogue struct{}

func (catalogue) Lookup(_ context.Context, url string) ([]byte, error) {
	switch {
	case strings.HasPrefix(url, "proposals/"):
		return []byte(`{"pi_firstname": "Ada", "pi_lastname": "Sjöberg", "pi_email": "ada@example.org"}`), nil
	case strings.HasPrefix(url, "instruments?"):
		return []byte(`[{"pid": "instrument-1", "name": "ODIN"}]`), nil
	case strings.HasPrefix(url, "samples?"):
		return []byte(`[{"sampleId": "sample-1"}]`), nil
	default:
		return nil, errors.New("404 GET " + url)
	}
}

var needed = []string{"pid", "datasetName", "principalInvestigator", "creationLocation", "owner", "ownerEmail", "sourceFolder", "contactEmail", "creationTime"}

func TestExamples_HaveNoFault(t *testing.T) {
	files, err := metadata.Files(".")
	if err != nil || len(files) != 4 {
		t.Fatalf("got %v, %v", files, err)
	}
	for _, file := range files {
		schema, err := metadata.LoadFile(file)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, f := range schema.Faults {
			t.Errorf("%s:%d: %v", file, f.Line, f)
		}
	}
}

func TestExamples_MakeCompleteDatasetsOfARun(t *testing.T) {
	set, err := metadata.LoadDirectory(".")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "run.hdf")
	if err := nexustest.Write(path, nexustest.Run(nexustest.RunInfo{})); err != nil {
		t.Fatal(err)
	}
	file, err := nexus.Open(t.Context(), path, nexus.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	}()
	for path, want := range map[string]struct {
		schema, pid, name string
		failures          int
	}{
		"/tmp/result/raw/demo_31010.hdf":        {"example-demo", "20.500.12269/7d4b2c1e-5a0f-4f7b-9a54-2f6f0e9c3d10", "Water in a porous rock", 0},
		"/ess/raw/odin/2026/443503/raw/31.hdf":  {"example-ess-odin", "20.500.12269/7d4b2c1e-5a0f-4f7b-9a54-2f6f0e9c3d10", "Water in a porous rock", 0},
		"/data/WILDCARDS/wildcards_31010.HDF":   {"example-wildcards-units", "20.500.12269/7d4b2c1e-5a0f-4f7b-9a54-2f6f0e9c3d10", "wildcards_31010", 0},
		"/data/x y/anything.nxs":                {"example-generic-nexus", "%2Fdata%2Fx+y%2Fanything.nxs", "Water in a porous rock", 0},
		"/ess/raw/odin/2026/443503/raw/31.json": {"example-generic-nexus", "%2Fess%2Fraw%2Fodin%2F2026%2F443503%2Fraw%2F31.json", "Water in a porous rock", 0},
	} {
		schema, err := set.Select(path)
		if err != nil || schema == nil || schema.ID != want.schema {
			t.Errorf("%s: selected %v, %v, want %s", path, schema, err, want.schema)
			continue
		}
		result, err := schema.Evaluate(t.Context(), metadata.Input{Path: path, File: file, Catalogue: catalogue{}, Now: time.Now(), RunID: "r"})
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		for _, field := range needed {
			if result.HighLevel[field] == nil {
				t.Errorf("%s: %s is missing", path, field)
			}
		}
		if result.HighLevel["pid"] != want.pid || result.HighLevel["datasetName"] != want.name {
			t.Errorf("%s: got %v", path, result.HighLevel)
		}
		if len(result.Failures) != want.failures || len(result.Warnings) != 0 {
			t.Errorf("%s: failures %v, warnings %v", path, result.Failures, result.Warnings)
		}
	}
}

func TestExamples_ShowUnitsAndComputations(t *testing.T) {
	schema, err := metadata.LoadFile("wildcards-units.imsc.yml")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "run.hdf")
	if err := nexustest.Write(path, nexustest.Run(nexustest.RunInfo{})); err != nil {
		t.Fatal(err)
	}
	file, err := nexus.Open(t.Context(), path, nexus.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	}()
	result, err := schema.Evaluate(t.Context(), metadata.Input{Path: "/data/wildcards.hdf", File: file, Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"users": "Ada Sjöberg, Bo Lindqvist ", "last_user": "Bo Lindqvist ", "exposure": "2.0 s", "distance": "5.25 m", "pixel_size": "55.0 micrometre",
		"affiliations": "[European Spallation Source ERIC Lund University] ", "temperature_log": "[293.15 293.4 293.25] K",
	} {
		field, ok := result.Field(name)
		if got := fmt.Sprint(field.Value) + " " + field.Unit; !ok || got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}
