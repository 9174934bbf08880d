package forwardertest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
)

// Vector is one recording: what went in and what came out, in a folder (see
// forwarder/testdata/vectors/README.md).
type Vector struct {
	Dir      string
	Config   VectorConfig
	Input    []Input
	Assigned []Entry
	Updates  []Entry
	Output   []Output
	Dump     []byte
}

// VectorConfig is config.json. The last fields are only in our own recordings.
type VectorConfig struct {
	Class       string          `json:"ingester_class"`
	Upstream    string          `json:"upstream"`
	Streams     []string        `json:"streams"`
	Mapping     uuid.UUID       `json:"mapping_uuid"`
	Key         string          `json:"config_key"`
	AfterData   json.RawMessage `json:"config_after_data"`
	AfterFinish json.RawMessage `json:"config_after_finish"`
	TTL         int             `json:"config_ttl_at_end"`
	Ready       []Entry         `json:"ready"`
	Exit        int             `json:"sigterm_exit"`
	Deleted     bool            `json:"config_deleted_on_sigterm"`

	// About says what the recording shows.
	About string `json:"about,omitempty"`
	// Keys are set in Redis before the scan; "${TMP}" in a value is a folder of
	// the run.
	Keys map[string]string `json:"keys,omitempty"`
	// DumpName is the file that is expected in ${TMP} instead of a dump path.
	DumpName string `json:"dump_name,omitempty"`
	// Apart leaves that many milliseconds between two inputs.
	Apart int `json:"apart_ms,omitempty"`
}

// Input is one line of input.jsonl.
type Input struct {
	I      int      `json:"i"`
	Frames [][]byte `json:"frames,omitempty"`
	Method string   `json:"method,omitempty"`
	Path   string   `json:"path,omitempty"`
	Body   []byte   `json:"body,omitempty"`
	// Status is what the peer answered (our own recordings).
	Status int `json:"status,omitempty"`
}

// Entry is an entry of a Redis stream.
type Entry struct {
	ID   string `json:"id"`
	Data string `json:"data"`
}

// Output is one line of output.jsonl.
type Output struct {
	Worker string   `json:"worker"`
	T      float64  `json:"t"`
	Frames [][]byte `json:"frames"`
	Seq    int      `json:"seq"`
}

// Vectors lists the folders in dir that hold a recording.
func Vectors(t testing.TB, dir string) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, "*", "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range list {
		list[i] = filepath.Dir(f)
	}
	return list
}

// LoadVector reads a recording.
func LoadVector(t testing.TB, dir string) Vector {
	t.Helper()
	v := Vector{Dir: dir}
	b, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err == nil {
		err = json.Unmarshal(b, &v.Config)
	}
	if err != nil {
		t.Fatal(err)
	}
	v.Input = lines[Input](t, filepath.Join(dir, "input.jsonl"))
	v.Assigned = lines[Entry](t, filepath.Join(dir, "assigned.jsonl"))
	v.Updates = lines[Entry](t, filepath.Join(dir, "updates.jsonl"))
	v.Output = lines[Output](t, filepath.Join(dir, "output.jsonl"))
	if v.Dump, err = os.ReadFile(filepath.Join(dir, "dump.cbors")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return v
}

// lines reads a file of JSON lines; none is no line.
func lines[T any](t testing.TB, path string) []T {
	t.Helper()
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	var list []T
	s := bufio.NewScanner(bytes.NewReader(b))
	s.Buffer(nil, 64<<20)
	for s.Scan() {
		var x T
		if err := json.Unmarshal(s.Bytes(), &x); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		list = append(list, x)
	}
	return list
}

// Workers are the names in the assignments and in the output.
func (v Vector) Workers(t testing.TB) []string {
	t.Helper()
	names := []string{}
	add := func(n string) {
		if !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	for _, e := range v.events(t) {
		for _, stream := range v.Config.Streams {
			for _, w := range e.Assignments[stream] {
				add(w)
			}
		}
	}
	var cfg Config
	if len(v.Config.AfterData) > 0 {
		if err := json.Unmarshal(v.Config.AfterData, &cfg); err != nil {
			t.Fatal(err)
		}
	}
	for _, w := range cfg.Workers {
		add(w.Name)
	}
	for _, o := range v.Output {
		add(o.Worker)
	}
	slices.Sort(names)
	return names
}

// events are all assignments, in order.
func (v Vector) events(t testing.TB) []Event {
	t.Helper()
	var all []Event
	for _, e := range v.Assigned {
		var list []Event
		if err := json.Unmarshal([]byte(e.Data), &list); err != nil {
			t.Logf("%s: an assignment that is none: %v", v.Dir, err)
			continue
		}
		all = append(all, list...)
	}
	return all
}

// taken is the number of events that consume something, if all goes well.
func (v Vector) taken(t testing.TB) int {
	n := 0
	for _, e := range v.events(t) {
		for _, s := range v.Config.Streams {
			if _, ok := e.Assignments[s]; ok {
				n++
				break
			}
		}
	}
	return n
}

// Name is the ingester's name, out of its key.
func (v Vector) Name() string {
	name := strings.TrimPrefix(v.Config.Key, "dranspose:ingester:")
	return strings.TrimSuffix(name, ":config")
}

// Save writes what a run gave into the folder of the recording.
func (v Vector) Save(t testing.TB) {
	t.Helper()
	b, err := json.MarshalIndent(v.Config, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(v.Dir, "config.json"), append(b, '\n'))
	saveLines(t, filepath.Join(v.Dir, "output.jsonl"), v.Output)
	saveLines(t, filepath.Join(v.Dir, "input.jsonl"), v.Input)
	write(t, filepath.Join(v.Dir, "dump.cbors"), v.Dump)
}

func saveLines[T any](t testing.TB, path string, list []T) {
	t.Helper()
	var b bytes.Buffer
	for _, x := range list {
		line, err := json.Marshal(x)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s\n", line)
	}
	write(t, path, b.Bytes())
}

func write(t testing.TB, path string, b []byte) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Write(b)
	if err := firstError(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}
