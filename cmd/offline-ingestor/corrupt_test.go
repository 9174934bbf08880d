package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ingestor/internal/nexus"
)

// kinds is a file with values of every kind, below internal/nexus.
const kinds = "../../internal/nexus/testdata/kinds.hdf"

// readEverything is a schema whose variables are all the datasets of kinds.
func readEverything(t *testing.T) []byte {
	t.Helper()
	f, err := nexus.Open(t.Context(), kinds, nexus.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var s, fields strings.Builder
	s.WriteString("id: all\nname: All\ninstrument: '*'\nselector: 'filename:contains:run'\norder: 1\nvariables:\n")
	n := 0
	var walk func(path string, depth int)
	walk = func(path string, depth int) {
		names, err := f.Children(path)
		if err != nil || depth > 4 {
			return
		}
		for _, name := range names {
			at := path + "/" + name
			if f.IsGroup(at) {
				walk(at, depth+1)
				continue
			}
			n++
			fmt.Fprintf(&s, "  v%d: {source: NXS, path: '%s', value_type: string}\n", n, at)
			fmt.Fprintf(&fields, "  v%d: {field_type: scientific_metadata, machine_name: v%d, value: <v%d>, type: string}\n", n, n, n)
		}
	}
	walk("", 0)
	if n < 100 {
		t.Fatalf("only %d datasets", n)
	}
	s.WriteString("schema:\n")
	for name, value := range map[string]string{
		"pid": "20.500.12269/x", "datasetName": "x", "principalInvestigator": "x", "creationLocation": "ESS:ODIN", "owner": "x",
		"ownerEmail": "x@site.example", "sourceFolder": "/ess", "contactEmail": "x@site.example", "creationTime": "2026-01-01T00:00:00Z",
	} {
		fmt.Fprintf(&s, "  %s: {field_type: high_level, machine_name: %s, value: '%s', type: string}\n", name, name, value)
	}
	return []byte(s.String() + fields.String())
}

// flipped is a damaged copy of content.
func flipped(content []byte, seed uint64) []byte {
	random := rand.New(rand.NewPCG(1, seed))
	b := slices.Clone(content)
	for range 80 {
		b[96+random.IntN(len(b)-96)] ^= byte(1 + random.IntN(255))
	}
	return b
}

// glibc is what the C library prints by itself before it aborts over a heap that
// libhdf5 destroyed.
var glibc = regexp.MustCompile(`(?m)^(Fatal glibc error|corrupted |[a-z_]+\(\): |double free)[^\n]*\n`)

// TestCorruptFiles_AreReadAsFarAsTheyGoOrRefused: libhdf5 crashes and loops on
// some of them; the program says in one line that the file is at fault.
func TestCorruptFiles_AreReadAsFarAsTheyGoOrRefused(t *testing.T) {
	content, err := os.ReadFile(kinds)
	if err != nil {
		t.Fatal(err)
	}
	schema := readEverything(t)
	ends := map[string]int{}
	var lock sync.Mutex
	t.Run("files", func(t *testing.T) {
		for seed := range uint64(200) {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				b := newBench(t)
				b.write("schemas/run.imsc.yml", schema)
				b.write("raw/run.hdf", flipped(content, seed))
				b.configure("data_file_open_max_tries: 0", "data_file_open_max_tries: 0\n    data_file_read_timeout: 1s")
				e := b.run("-c", "config.yml", "-d", "raw/run.hdf")
				if destroyed(e.exit, e.stderr) {
					t.Logf("libhdf5 destroyed the memory of the process:\n%.2000s", e.stderr)
					lock.Lock()
					defer lock.Unlock()
					ends["destroyed"]++
					return
				}
				lines := failureLines(e.stderr)
				how := "read"
				switch {
				case e.exit == 0 && len(lines) == 0:
				case e.exit != 65 || len(lines) != 1:
					t.Errorf("exit %d:\n%s", e.exit, e.stderr)
				case strings.Contains(lines[0], "the HDF5 library crashed on it: the file is probably corrupt file=raw/run.hdf"):
					how = "crash"
				case strings.Contains(lines[0], "the HDF5 library has not come back from it after 1s"):
					how = "loop"
				case strings.Contains(lines[0], "Ingestion failed: open the file: "):
					how = "refused"
				default:
					t.Errorf("not of the file: %s", lines[0])
				}
				for line := range strings.Lines(glibc.ReplaceAllString(e.stderr, "")) {
					if !lineHead.MatchString(line) {
						t.Errorf("printed: %q", line)
					}
				}
				if strings.Contains(e.stderr, "SIG") {
					t.Errorf("a signal is told:\n%s", e.stderr)
				}
				lock.Lock()
				defer lock.Unlock()
				ends[how]++
			})
		}
	})
	t.Logf("ends: %v", ends)
	// What docs of internal/nexus say of crashes that come after the call: rare.
	if ends["destroyed"] > 2 {
		t.Errorf("%d of 200 files ended the process outside of the HDF5 library", ends["destroyed"])
	}
	if ends["read"] == 0 {
		t.Error("no file was read")
	}
}

// destroyed says that a crash came when libhdf5 had returned: it had written over
// memory of others before, and Go ends the process as it ends any.
func destroyed(exit int, stderr string) bool {
	return exit == 2 && strings.Contains(stderr, "goroutine ") &&
		(strings.Contains(stderr, "SIGABRT") || strings.Contains(stderr, "SIGSEGV") || strings.Contains(stderr, "fatal error: "))
}

// TestSignal_WhileTheHDF5LibraryLoops: the program does not wait for it.
func TestSignal_WhileTheHDF5LibraryLoops(t *testing.T) {
	content, err := os.ReadFile(kinds)
	if err != nil {
		t.Fatal(err)
	}
	for signal, exit := range map[syscall.Signal]int{syscall.SIGTERM: 143, syscall.SIGINT: 130} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.write("schemas/run.imsc.yml", readEverything(t))
			b.write("raw/run.hdf", flipped(content, looping))
			run := b.command("-c", "config.yml", "-d", "raw/run.hdf")
			var sent time.Time
			e := b.endAfter(run, func() {
				time.Sleep(time.Second) // until it loops
				sent = time.Now()
				if err := run.Process.Signal(signal); err != nil {
					t.Skip("this HDF5 library does not loop on the file: ", err)
				}
			})
			t.Logf("ended after %v", time.Since(sent))
			if e.exit == 0 {
				t.Skip("this HDF5 library does not loop on the file")
			}
			if e.exit != exit || len(failureLines(e.stderr)) != 1 || !strings.Contains(e.stderr, "stopped by "+signal.String()) {
				t.Errorf("exit %d, want %d\n%s", e.exit, exit, e.stderr)
			}
		})
	}
}

// looping is the seed of a file on which libhdf5 1.10.8 loops.
const looping = 37
