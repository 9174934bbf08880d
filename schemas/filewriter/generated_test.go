package filewriter

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// flatcVersion is the compiler that wrote fbs; another one writes other code.
const flatcVersion = "2.0.8"

func TestGeneratedCodeIsOfTheseSchemas(t *testing.T) {
	flatc, err := exec.LookPath("flatc")
	if err != nil {
		t.Skip("no flatc here (Debian: flatbuffers-compiler): the generated code is not compared")
	}
	if v, err := exec.CommandContext(t.Context(), flatc, "--version").Output(); err != nil || !strings.Contains(string(v), flatcVersion) {
		t.Skipf("flatc %s is not %s: the generated code is not compared", strings.TrimSpace(string(v)), flatcVersion)
	}
	folder := t.TempDir()
	for _, schema := range []string{"wrdn", "pl72"} {
		if text, err := exec.CommandContext(t.Context(), flatc, "--go", "--gen-onefile", "--go-namespace", "fbs", "-o", folder, schema+".fbs").CombinedOutput(); err != nil {
			t.Fatalf("flatc: %v: %s", err, text)
		}
		name := schema + "_generated.go"
		if text, err := exec.CommandContext(t.Context(), "gofmt", "-w", filepath.Join(folder, name)).CombinedOutput(); err != nil {
			t.Skipf("gofmt: %v: %s", err, text)
		}
		if string(readFile(t, filepath.Join(folder, name))) != string(readFile(t, filepath.Join("fbs", name))) {
			t.Errorf("fbs/%s is not what %s.fbs makes: run go generate", name, schema)
		}
	}
}
