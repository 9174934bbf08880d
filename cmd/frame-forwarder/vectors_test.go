package main_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"ingestor/internal/forwardertest"
)

// record makes the captures anew, from the peer (FORWARDER_PEER=python); see
// forwarder/testdata/captured/README.md.
var record = flag.Bool("record", false, "write what the peer gives into forwarder/testdata/captured")

// custom are the classes of sites' own that recordings name, as configuration.
func custom() map[string]map[string]forwardertest.Stream {
	return map[string]map[string]forwardertest.Stream{
		"swtrig:SoftTriggerPcapIngester": {
			"pcap": {Source: "tcp_positioncap"},
			"dummy": {Source: "software_trigger", Upstream: "none", YAML: []string{
				"software_trigger:",
				"  typ: JSON",
				"  frames:",
				"    - '{\"n\": {n}}'",
				"    - 'second'",
			}},
		},
	}
}

func playOptions(t *testing.T) forwardertest.PlayOptions {
	path, err := filepath.Abs(filepath.Join("testdata", "peer"))
	if err != nil {
		t.Fatal(err)
	}
	return forwardertest.PlayOptions{Custom: custom(), PythonPath: path, Record: *record}
}

// TestVectors: fed with what the peers were fed, the program gives what they
// gave: each worker's messages, the config, the answers, the dump.
func TestVectors(t *testing.T) {
	playAll(t, filepath.Join("..", "..", "forwarder", "testdata", "vectors"))
}

// TestCapturedVectors are recordings of our own making.
func TestCapturedVectors(t *testing.T) {
	dir := filepath.Join("..", "..", "forwarder", "testdata", "captured")
	if !*record {
		playAll(t, dir)
		return
	}
	if !forwardertest.Python() {
		t.Fatalf("recordings are made of the peer: set %s=python", forwardertest.PeerVariable)
	}
	for _, dir := range forwardertest.Vectors(t, dir) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			forwardertest.Play(t, forwardertest.LoadVector(t, dir), playOptions(t)).Save(t)
		})
	}
}

// TestSharedVectors are those that are not in this repository.
func TestSharedVectors(t *testing.T) {
	shared := os.Getenv("INGESTOR_SHARED")
	if shared == "" {
		t.Skip("INGESTOR_SHARED is not set")
	}
	playAll(t, filepath.Join(shared, "forwarder", "vectors"))
}

func playAll(t *testing.T, dir string) {
	dirs := forwardertest.Vectors(t, dir)
	if len(dirs) == 0 {
		t.Fatalf("no recording in %s", dir)
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			want := forwardertest.LoadVector(t, dir)
			forwardertest.Compare(t, want, forwardertest.Play(t, want, playOptions(t)))
		})
	}
}
