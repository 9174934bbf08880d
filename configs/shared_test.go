package configs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestShared_ConfigurationsOfTheAcceptanceCases: each loads, but for those whose row
// of differences.md says otherwise, and only the case about unknown keys has some.
func TestShared_ConfigurationsOfTheAcceptanceCases(t *testing.T) {
	shared := os.Getenv("INGESTOR_SHARED")
	if shared == "" {
		t.Skip("INGESTOR_SHARED does not name the folder with the acceptance cases")
	}
	files, err := filepath.Glob(filepath.Join(shared, "acceptance", "cases", "*", "config.yml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases in %s: %v", shared, err)
	}
	refused := map[string]string{
		"a16_save_hash_nohash": "save_file_hash needs compute_file_hash",
		"h25_config_list":      "the configuration is a list",
	}
	unknown := map[string]int{"h08_unknown_config_keys": 3, "o24_strict_config": 1}
	for _, file := range files {
		name := filepath.Base(filepath.Dir(file))
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			content := strings.NewReplacer("@HOST@", "http://127.0.0.1:1", "@CLOSED@", "http://127.0.0.1:2").Replace(string(data))
			loaded, err := load(t, Offline, content, nil, nil)
			if want := refused[name]; want != "" {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %s", err, want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Count(strings.Join(loaded.Warnings, "\n"), "unknown key"); got != unknown[name] {
				t.Errorf("%d unknown keys: %q", got, loaded.Warnings)
			}
		})
	}
}
