// Package architecture holds the rules of the house as tests: which package may
// import which, where C and the Kafka library may be used, and which calls are
// not made. docs/architecture.md says why.
package architecture

import (
	"bytes"
	"encoding/json"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "ingestor/"

// pkg is what `go list` says of a package.
type pkg struct {
	ImportPath   string
	Dir          string
	Imports      []string
	TestImports  []string
	XTestImports []string
	CgoFiles     []string
}

// floors orders the house: a package imports only from floors below its own, or
// from its own where sameFloor allows it.
var floors = []struct {
	prefixes  []string
	sameFloor bool
}{
	{[]string{"configs"}, false},
	{[]string{"internal/"}, true},
	{[]string{"scicat", "schemas/"}, true},
	{[]string{"offline", "online", "forwarder"}, true},
	{[]string{"cmd/internal/"}, false},
	{[]string{"cmd/", "bench"}, false},
}

// walls separate rooms of one floor: neither side imports the other.
var walls = [][2]string{
	{"offline", "online"},
	{"offline", "forwarder"},
	{"online", "forwarder"},
	{"scicat", "schemas/"},
	{"offline", "internal/kafka"},
	{"configs", "internal/"},
}

// only says who may import a library.
var only = map[string][]string{
	"github.com/confluentinc/confluent-kafka-go": {"internal/kafka"},
	"github.com/twmb/franz-go":                   {"internal/kafka/embedded"},
	"gonum.org/v1/hdf5":                          {"internal/nexus"},
	"modernc.org/sqlite":                         {"internal/ledger"},
	"github.com/redis/go-redis":                  {"forwarder/control", "internal/redistest"},
	"github.com/fxamacker/cbor":                  {"forwarder/dump", "internal/forwardertest"}, // in tests: the decoder is our own
	"github.com/prometheus/client_golang":        {"cmd/frame-forwarder", "cmd/online-ingestor"},
	"github.com/spf13/cobra":                     {"cmd/", "configs"},
	"go.yaml.in/yaml":                            {"configs", "schemas/metadata", "cmd/offline-ingestor"}, // the last converts JSON
}

// cgo lists the packages that may use C, behind plain Go types.
var cgo = []string{"internal/nexus", "internal/zmq"}

func list(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json", "./...")
	cmd.Dir = filepath.Join("..", "..")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		p.ImportPath = strings.TrimPrefix(p.ImportPath, module)
		all = append(all, p)
	}
	if len(all) < 10 {
		t.Fatalf("go list found only %d packages", len(all))
	}
	return all
}

// under says whether path is prefix or lies below it.
func under(path, prefix string) bool {
	prefix = strings.TrimSuffix(prefix, "/")
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

func floor(path string) int {
	for i, f := range floors {
		if slices.ContainsFunc(f.prefixes, func(p string) bool { return under(path, p) }) {
			return i
		}
	}
	return -1
}

func TestImportsPointDownOnly(t *testing.T) {
	for _, p := range list(t) {
		from := floor(p.ImportPath)
		if from < 0 {
			t.Errorf("%s stands on no floor: give it a place in this test and in docs/architecture.md", p.ImportPath)
			continue
		}
		for _, imp := range p.Imports {
			to, ours := strings.CutPrefix(imp, module)
			if !ours {
				continue
			}
			switch at := floor(to); {
			case at > from:
				t.Errorf("%s imports %s: that points up", p.ImportPath, to)
			case at == from && !floors[from].sameFloor:
				t.Errorf("%s imports %s: neighbours on this floor do not know each other", p.ImportPath, to)
			}
		}
	}
}

func TestWallsStand(t *testing.T) {
	for _, p := range list(t) {
		for _, imp := range p.Imports {
			to, ours := strings.CutPrefix(imp, module)
			if !ours {
				continue
			}
			for _, w := range walls {
				for _, side := range [][2]string{{w[0], w[1]}, {w[1], w[0]}} {
					if under(p.ImportPath, side[0]) && under(to, side[1]) {
						t.Errorf("%s imports %s: a wall stands between %s and %s", p.ImportPath, to, w[0], w[1])
					}
				}
			}
		}
	}
}

func TestLibrariesStayInTheirRoom(t *testing.T) {
	for _, p := range list(t) {
		for _, imp := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			for lib, rooms := range only {
				if under(imp, lib) && !slices.ContainsFunc(rooms, func(r string) bool { return under(p.ImportPath, r) }) {
					t.Errorf("%s imports %s, which belongs to %v", p.ImportPath, imp, rooms)
				}
			}
		}
	}
}

func TestCStaysInItsRoom(t *testing.T) {
	for _, p := range list(t) {
		if len(p.CgoFiles) > 0 && !slices.ContainsFunc(cgo, func(r string) bool { return under(p.ImportPath, r) }) {
			t.Errorf("%s uses C in %v, which belongs to %v", p.ImportPath, p.CgoFiles, cgo)
		}
	}
}
