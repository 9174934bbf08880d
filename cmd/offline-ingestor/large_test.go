package main

import (
	"fmt"
	"strings"
	"testing"

	"ingestor/internal/nexus/nexustest"
)

// largeRun is a bench whose file holds logs, and whose schema sends them.
func largeRun(t *testing.T, path string, logs ...nexustest.Node) *bench {
	t.Helper()
	b := newBench(t)
	root := nexustest.Run(nexustest.RunInfo{JobID: testJob, Detector: [3]int{1, 8, 8}})
	root.Children = append(root.Children, nexustest.Group{Name: "logs", Children: logs})
	if err := nexustest.Write(b.path("raw/run.hdf"), root); err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(b.schema("", "")), "schema:\n", "  logs: {source: NXS, path: '"+path+"', value_type: 'string[]'}\nschema:\n", 1)
	text += "  logs: {field_type: scientific_metadata, machine_name: logs, human_name: Logs, value: <logs>, type: 'string[]'}\n"
	b.write("schemas/run.imsc.yml", []byte(text))
	return b
}

func TestLarge_AHundredThousandEntriesByOneWildcard(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	t.Parallel()
	var logs []nexustest.Node
	for i := range 100_000 {
		logs = append(logs, nexustest.Dataset{Name: fmt.Sprintf("log%06d", i), Data: "on"})
	}
	b := largeRun(t, "/logs/log*", logs...)
	e := b.run("-c", "config.yml", "raw/run.hdf")
	if e.exit != 0 {
		t.Fatalf("exit %d: %.2000s", e.exit, e.stderr)
	}
	b.wantStored(1, 1)
	if n := strings.Count(fmt.Sprint(b.server.Datasets()), " on"); n < 99_999 {
		t.Errorf("%d values are in the catalogue", n)
	}
}

func TestLarge_MetadataOfTwoMegabytesIsRegistered(t *testing.T) {
	t.Parallel()
	b := largeRun(t, "/logs/log*", nexustest.Dataset{Name: "log", Data: strings.Repeat("0123456789abcdef", 1<<17)})
	if e := b.run("-c", "config.yml", "raw/run.hdf"); e.exit != 0 {
		t.Fatalf("exit %d: %.2000s", e.exit, e.stderr)
	}
	b.wantStored(1, 1)
}

// TestLarge_ABodyThatTheBackendRefusesIsNotSent: the fields that make it so
// large are named.
func TestLarge_ABodyThatTheBackendRefusesIsNotSent(t *testing.T) {
	t.Parallel()
	b := largeRun(t, "/logs/log*", nexustest.Dataset{Name: "log", Data: strings.Repeat("x", 17<<20)})
	e := b.run("-c", "config.yml", "raw/run.hdf")
	lines := failureLines(e.stderr)
	if e.exit != 65 || len(lines) != 1 || !strings.Contains(lines[0], "scientificMetadata.logs") || !strings.Contains(lines[0], "16") {
		t.Fatalf("exit %d: %.2000s", e.exit, e.stderr)
	}
	for _, r := range b.server.Requests() {
		if r.Method == "POST" {
			t.Errorf("%s %s was sent", r.Method, r.Target)
		}
	}
	b.wantStored(0, 0)
}
