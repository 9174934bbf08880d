package configs

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const exampleFile = "ingestor.example.yml"

func TestExample_IsTheCommittedFile(t *testing.T) {
	if *update {
		if err := os.WriteFile(exampleFile, Example(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, Example()) {
		t.Errorf("%s differs from the definitions; run go test ./configs -update", exampleFile)
	}
}

func TestExample_LoadsWithoutWarningForEveryProgram(t *testing.T) {
	for _, p := range []Program{Offline, Online, Tool, Frames} {
		fs := parsed(t, p, "-c", exampleFile)
		loaded, err := Load(p, fs, nil)
		if err != nil {
			t.Fatalf("program %d: %v", p, err)
		}
		if len(loaded.Warnings) > 0 {
			t.Errorf("program %d: %q", p, loaded.Warnings)
		}
	}
}

func TestExample_HoldsTheDefaults(t *testing.T) {
	loaded, err := Load(Tool, parsed(t, Tool, "-c", exampleFile), nil)
	if err != nil {
		t.Fatal(err)
	}
	none, err := Load(Tool, parsed(t, Tool), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	none.Config.each(func(k key) { want[k.path] = k.value.text() })
	loaded.Config.each(func(k key) {
		if k.sample == "" && k.path != "config_file" && k.value.text() != want[k.path] {
			t.Errorf("%s is %q, default %q", k.path, k.value.text(), want[k.path])
		}
	})
}

func TestExample_ExplainsEveryKeyInWholeSentences(t *testing.T) {
	new(Config).each(func(k key) {
		if !strings.HasSuffix(k.doc, ".") || len(k.doc) < 8 {
			t.Errorf("%s: %q", k.path, k.doc)
		}
	})
	for line := range strings.Lines(string(Example())) {
		if len(line) > exampleWidth+1 && strings.Contains(strings.TrimSpace(line)[1:], "# ") {
			t.Errorf("long comment: %s", line)
		}
	}
}

// parsed gives the flags of p after parsing args.
func parsed(t *testing.T, p Program, args ...string) *pflag.FlagSet {
	t.Helper()
	fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
	BindFlags(fs, p)
	if err := fs.Parse(args); err != nil {
		t.Fatal(FlagError(fs, err))
	}
	return fs
}
