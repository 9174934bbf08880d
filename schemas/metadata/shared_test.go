package metadata

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"ingestor/internal/nexus"
)

// TestShared_SchemasOnTheRealFiles needs the files of two instruments, which
// are not part of the repository.
func TestShared_SchemasOnTheRealFiles(t *testing.T) {
	shared := os.Getenv("INGESTOR_SHARED")
	if shared == "" {
		t.Skip("INGESTOR_SHARED does not name the folder with the acceptance suite")
	}
	data := filepath.Join(shared, "acceptance", "data")
	set, err := LoadDirectory(filepath.Join(data, "schemas"))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct {
		schema, pid, title, begin string
		scientific                int
	}{
		"small-coda.hdf": {"acceptance-coda", "20.500.12269/f22acb1c-950b-11ef-a3ef-fa163e9aae0a", "odin", "start_time", 5},
		"small-ymir.hdf": {"acceptance-ymir", "20.500.12269/90d87f9a-950f-11ef-9101-fa163e943f63", "october 28th, lego test 1, cont - run", "start_time", 6},
	} {
		t.Run(name, func(t *testing.T) {
			file, err := nexus.Open(t.Context(), filepath.Join(data, name), nexus.OpenOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := file.Close(); err != nil {
					t.Error(err)
				}
			}()
			path := "/ess/raw/x/2024/443503/raw/" + name
			schema, err := set.Select(path)
			if err != nil || schema.ID != want.schema {
				t.Fatalf("selected %v, %v", schema, err)
			}
			result, err := schema.Evaluate(t.Context(), Input{Path: path, File: file, Catalogue: standIn{}, Now: time.Now(), RunID: "run"})
			if err != nil {
				t.Fatal(err)
			}
			if len(result.Failures) != 0 || len(result.Warnings) != 0 {
				t.Errorf("failures %v, warnings %v", result.Failures, result.Warnings)
			}
			if h := result.HighLevel; h["pid"] != want.pid || h["datasetName"] != want.title || h["owner"] != "Ada Lövelace" {
				t.Errorf("got %v", h)
			}
			if field, ok := result.Field(want.begin); !ok || field.Type != "date" || len(result.Scientific) != want.scientific {
				t.Errorf("got %v", result.Scientific)
			}
		})
	}
}
