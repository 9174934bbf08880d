package configs

import (
	"os"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

func TestDefinitions_AreSound(t *testing.T) {
	c := new(Config)
	names := map[string]string{}
	for _, s := range c.sections() {
		for _, k := range s.keys {
			prefix, name := cut(k.path)
			if prefix != s.name || name == "" {
				t.Errorf("%s is not of section %q", k.path, s.name)
			}
			if k.standard != "" {
				if err := k.value.set(k.standard); err != nil {
					t.Errorf("default of %s: %v", k.path, err)
				}
			}
			if other, twice := names[k.environment()]; twice {
				t.Errorf("%s and %s share %s", other, k.path, k.environment())
			}
			names[k.environment()] = k.path
			var node yaml.Node
			if err := yaml.Unmarshal([]byte(k.value.yaml()), &node); err != nil {
				t.Errorf("%s: default as YAML: %v", k.path, err)
			}
		}
	}
	if got := names["INGESTOR_INGESTION_FILE_HANDLING_FILE_PATH_TYPE"]; got != "ingestion.file_handling.file_path_type" {
		t.Errorf("environment names: %q", got)
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"abc", "abc", 0}, {"abc", "abd", 1}, {"abc", "acb", 1}, {"abc", "bc", 1}, {"", "ab", 2}, {"kitten", "sitting", 3}, {"a", "abcdefgh", 5}} {
		if got := distance(c.a, c.b, 4); got != c.want {
			t.Errorf("%q %q: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	env := os.Environ()
	b.ReportAllocs()
	for b.Loop() {
		fs := pflag.NewFlagSet("x", pflag.ContinueOnError)
		BindFlags(fs, Offline)
		if err := fs.Parse([]string{"-c", "testdata/peer.yml", "--scicat.token", "x"}); err != nil {
			b.Fatal(err)
		}
		if _, err := Load(Offline, fs, env); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBindFlags(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		BindFlags(pflag.NewFlagSet("x", pflag.ContinueOnError), Online)
	}
}

func TestUsage_NamesEveryUnitOnce(t *testing.T) {
	fs := pflag.NewFlagSet("x", pflag.ContinueOnError)
	BindFlags(fs, Online)
	if usage := fs.FlagUsages(); !strings.Contains(usage, "--scicat.timeout duration") || strings.Count(usage, "\n") < 70 {
		t.Errorf("usage:\n%s", usage)
	}
}
