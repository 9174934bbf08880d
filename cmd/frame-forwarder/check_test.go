package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"ingestor/internal/fault"
)

func TestCheckConfig(t *testing.T) {
	for _, c := range []struct {
		name, text string
		exit       int
	}{
		{"good", "forwarder:\n  ingesters:\n  - streams: [{name: x, upstream_url: 'tcp://h:1'}]\n", 0},
		{"warnings", "scicat: {timeout: soon}\nforwarder:\n  ingesters:\n  - dump_path: /no/such/folder/x\n    streams: [{name: x, upstream_url: 'tcp://h:1'}]\n", 0},
		{"errors", "forwarder:\n  redis: here\n  ingesters:\n  - url: x\n    streams:\n    - {name: x, source: declarative, upstream_url: 'tcp://h:1', declarative: {typ: ''}}\n    - {name: y, upstream_url: h}\n", 78},
		{"not_YAML", "forwarder: [", 78},
	} {
		t.Run(c.name, func(t *testing.T) {
			text, err := filepath.Abs(filepath.Join("testdata", "check", c.name+".want"))
			if err != nil {
				t.Fatal(err)
			}
			t.Chdir(t.TempDir())
			if err := os.WriteFile("c.yml", []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			command := newCommand(&out)
			command.SetArgs([]string{"check", "config", "c.yml"})
			if err := command.ExecuteContext(t.Context()); fault.ExitCode(err) != c.exit {
				t.Errorf("status %d: %v", fault.ExitCode(err), err)
			}
			golden(t, text, out.String())
		})
	}
}
