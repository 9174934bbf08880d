package configs

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzDocument: whatever the file holds, loading ends with a configuration or with
// faults of one line each, and never shows the token.
func FuzzDocument(f *testing.F) {
	files, err := filepath.Glob("testdata/faults/*.yml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range append(files, "testdata/peer.yml", exampleFile) {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, s := range []string{
		"", "\x00", "a: &a [*a]", "<<: &a {<<: *a}", "? {a: b}\n: c", "!!binary x: y", "scicat: !!map [a]", "\ufeffid: x",
		`{"id": "\ud83d\ude00\/\ud83d"}`, `"\u0000"`, "scicat: {token: SECRETWORD, timeout: 1e999}", "kafka: {topics: [~, a]}",
		"backfill: {jobs: {a: {roots: [/x]}}}", "backfill: {jobs: &a {a: *a, <<: *a}}", "backfill: {jobs: {a: &b {<<: *b}}}",
		"ingestion: {max_offline_ingestors: 0x7fffffffffffffff}",
		"forwarder: {ingesters: [&a {streams: [*a], <<: *a}]}", "forwarder: {ingesters: &a [*a, {<<: [{name: x}, {<<: {url: y}}]}]}",
	} {
		f.Add([]byte(s))
	}
	dir := f.TempDir()
	path := filepath.Join(dir, "fuzz.yml")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if loaded, err := LoadForwarder(nil, []string{"INGESTOR_CONFIG_FILE=" + path}, nil); err == nil {
			for _, i := range loaded.Config.Forwarder.Ingesters {
				if i.Name == "" || len(i.Streams) == 0 || i.Bind == "" || i.QueueBytes <= 0 {
					t.Errorf("unusable: %+v", i)
				}
			}
		} else if strings.Contains(err.Error(), "\r") {
			t.Errorf("%q", err)
		}
		if loaded, err := Load(Backfiller, nil, []string{"INGESTOR_CONFIG_FILE=" + path}); err == nil {
			for name, j := range loaded.Config.Backfill.Jobs {
				if j.Name != name || len(j.Roots) == 0 || j.Concurrency < 1 || !strings.HasPrefix(j.Roots[0], "/") {
					t.Errorf("unusable: %+v", j)
				}
			}
		}
		loaded, err := Load(Online, nil, []string{"INGESTOR_CONFIG_FILE=" + path})
		var faults *Error
		switch {
		case err == nil:
			for _, w := range loaded.Warnings {
				if strings.ContainsAny(w, "\n\r") {
					t.Errorf("warning of several lines: %q", w)
				}
			}
			if loaded.Config.SciCat.Timeout <= 0 || loaded.Config.Ingestion.MaxOfflineIngestors < 1 || len(loaded.Config.Kafka.Topics)+len(loaded.Config.Sources.Kafka)+len(loaded.Config.Sources.Directories) == 0 {
				t.Errorf("unusable: %+v", loaded.Config)
			}
		case errors.As(err, &faults):
			for _, p := range faults.Problems {
				if strings.ContainsAny(p.String(), "\n\r") {
					t.Errorf("fault of several lines: %q", p)
				}
			}
		default:
			t.Errorf("%T: %v", err, err)
		}
	})
}

// FuzzYAMLFromJSON: what is rewritten for the YAML reader stays the same JSON.
func FuzzYAMLFromJSON(f *testing.F) {
	f.Add([]byte(`{"a": "\ud83d\ude00\/\"\\", "b": ["\t\n"]}`))
	f.Add([]byte(`"\udbff\u0041\ud83d"`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if !json.Valid(data) {
			return
		}
		var before, after any
		if err := json.Unmarshal(data, &before); err != nil {
			return // numbers out of range
		}
		out := yamlFromJSON(data)
		if err := json.Unmarshal(out, &after); err != nil {
			t.Fatalf("%q became %q: %v", data, out, err)
		}
		a, errA := json.Marshal(before)
		b, errB := json.Marshal(after)
		if errA != nil || errB != nil || string(a) != string(b) {
			t.Errorf("%s became %s", a, b)
		}
	})
}
