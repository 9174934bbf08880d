package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"ingestor/internal/forwardertest"
	"ingestor/internal/redistest"
)

// realVariable asks for the tests with the real dranspose; its environment is at
// forwardertest.VenvVariable (make interop makes it).
const realVariable = "INGESTOR_REAL_DRANSPOSE"

// TestRealDranspose plays scans to a whole dranspose system, once with its own
// ingesters and once with ours: workers see the same.
func TestRealDranspose(t *testing.T) {
	venv := os.Getenv(forwardertest.VenvVariable)
	if os.Getenv(realVariable) == "" || venv == "" {
		t.Skipf("needs dranspose: make interop, or set %s=1 and %s", realVariable, forwardertest.VenvVariable)
	}
	var theirs, ours []result
	t.Run("WithItsOwnIngesters", func(t *testing.T) {
		t.Setenv(forwardertest.PeerVariable, "python")
		theirs = campaign(t, venv)
	})
	t.Run("WithOurs", func(t *testing.T) {
		t.Setenv(forwardertest.PeerVariable, "")
		ours = campaign(t, venv)
	})
	if t.Failed() {
		return
	}
	for i := range theirs {
		if len(theirs[i].Events) == 0 || !reflect.DeepEqual(theirs[i].Events, ours[i].Events) {
			t.Errorf("scan %d: with ours %d events, with its own %d:\n%v\n%v", i, len(ours[i].Events), len(theirs[i].Events), ours[i].Events, theirs[i].Events)
		}
	}
}

// result is what the reducer wrote.
type result struct {
	Events map[string]map[string][]string `json:"events"`
	Rois   []string                       `json:"rois"`
	Roi    string                         `json:"roi"`
}

// system is a dranspose system.
type system struct {
	t         *testing.T
	venv, dir string
	url       string
	env       []string
	push      *forwardertest.Upstream
	pub       *forwardertest.Upstream
	lines     *forwardertest.Upstream
}

var realStreams = []string{"det", "current", "pos"}

// campaign is one evening at the beamline: a scan, parameters set in the middle
// of another, one that is stopped, and a good one after it. Dumps of the first
// are replayed by dranspose with the same result.
func campaign(t *testing.T, venv string) []result {
	s := newSystem(t, venv)
	var all []result

	s.parameter("dump_prefix", filepath.Join(s.dir, "dump-"))
	m := s.mapping(30)
	s.feed(1, 30, 30)
	all = append(all, s.result(m))
	all = append(all, s.replayed(m)) // with the frames that no worker had, too
	s.parameter("dump_prefix", "")

	m = s.mapping(40)
	s.feed(2, 40, 20)
	s.parameter("roi", "7")
	s.consistent()
	s.rest(2, 40, 20)
	second := s.result(m)
	if second.Roi != "7" || !slices.Contains(second.Rois, "7") {
		t.Errorf("the parameter did not reach the workers: %+v", second.Rois)
	}
	all = append(all, second)

	s.mapping(60)
	s.feed(3, 60, 10)
	s.post("/api/v1/stop", "")
	s.finished()

	m = s.mapping(25)
	s.feed(4, 25, 25)
	return append(all, s.result(m))
}

func newSystem(t *testing.T, venv string) *system {
	t.Helper()
	r := redistest.Start(t, redistest.Options{})
	s := &system{t: t, venv: venv, dir: t.TempDir(), push: forwardertest.Push(t), pub: forwardertest.Publish(t), lines: forwardertest.Lines(t)}
	peer, err := filepath.Abs(filepath.Join("testdata", "peer"))
	if err != nil {
		t.Fatal(err)
	}
	s.env = []string{"REDIS_URL=" + r.URL(), "PYTHONPATH=" + peer, "RESULTS=" + s.dir, "PYTHONDONTWRITEBYTECODE=1",
		fmt.Sprintf("REDUCER_URL=tcp://127.0.0.1:%d", forwardertest.FreePort(t))}
	port := forwardertest.FreePort(t)
	s.url = fmt.Sprintf("http://127.0.0.1:%d", port)
	s.run("bin/python", "-m", "uvicorn", "dranspose.controller:app", "--host", "127.0.0.1", "--port", fmt.Sprint(port), "--log-level", "warning")
	s.run("bin/dranspose", "reducer", "-c", "mapreduce:Reducer", "--host", "127.0.0.1", "-p", fmt.Sprint(forwardertest.FreePort(t)))
	for _, w := range []string{"w1", "w2"} {
		s.run("bin/dranspose", "worker", "-n", w, "-c", "mapreduce:Worker")
	}
	for _, st := range []forwardertest.Stream{
		{Name: "det", Source: "ZmqPullSingleIngester", Upstream: s.push.URL()},
		{Name: "current", Source: "ZmqSubAlbaemIngester", Upstream: s.pub.URL()},
		{Name: "pos", Source: "TcpPcapIngester", Upstream: s.lines.URL()},
	} {
		forwardertest.Start(t, forwardertest.Settings{Redis: r.URL(), Streams: []forwardertest.Stream{st}})
	}
	forwardertest.Await(t, time.Minute, "all see each other", func() bool {
		var c struct {
			Ingesters []any
			Reducer   any
			Workers   []struct{ Ingesters []any }
		}
		if !s.get("/api/v1/config", &c) || len(c.Ingesters) != 3 || c.Reducer == nil || len(c.Workers) != 2 {
			return false
		}
		return len(c.Workers[0].Ingesters) == 3 && len(c.Workers[1].Ingesters) == 3
	})
	s.consistent()
	return s
}

// run starts one of dranspose's programs; it ends with the test.
func (s *system) run(program string, args ...string) {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), filepath.Join(s.venv, program), args...) //nolint:gosec // the venv of the test
	cmd.Env = append(os.Environ(), s.env...)
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		_ = cmd.Wait() // it was told to end
		if s.t.Failed() {
			out := log.String()
			s.t.Logf("%s %v\n%s", program, args, out[max(0, len(out)-4000):])
		}
	})
}

func (s *system) do(method, path, body string, into any) (int, error) {
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	client := http.Client{Timeout: 30 * time.Second}
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && into != nil && resp.StatusCode < 300 {
		err = json.Unmarshal(b, into)
	}
	if resp.StatusCode >= 300 {
		err = fmt.Errorf("%s: %s %s", path, resp.Status, b)
	}
	return resp.StatusCode, err
}

func (s *system) get(path string, into any) bool {
	_, err := s.do(http.MethodGet, path, "", into)
	return err == nil
}

func (s *system) post(path, body string) (answer any) {
	s.t.Helper()
	if _, err := s.do(http.MethodPost, path, body, &answer); err != nil {
		s.t.Fatal(err)
	}
	return answer
}

func (s *system) parameter(name, value string) { s.post("/api/v1/parameter/"+name, value) }

// consistent waits until everybody has the parameters.
func (s *system) consistent() {
	s.t.Helper()
	type part struct {
		Hash string `json:"parameters_hash"`
	}
	forwardertest.Await(s.t, patience, "everybody has the parameters", func() bool {
		var c struct {
			Ingesters, Workers []part
			Reducer            part
			Hash               string `json:"parameters_hash"`
		}
		if !s.get("/api/v1/config", &c) {
			return false
		}
		for _, p := range append(append(c.Ingesters, c.Workers...), c.Reducer) {
			if p.Hash != c.Hash {
				return false
			}
		}
		return true
	})
}

// mapping sets a trigger map of n events: pos has no frame in every fourth, that
// of current is thrown away in every fifth.
func (s *system) mapping(n int) string {
	s.t.Helper()
	type virtual struct {
		Constraint int `json:"constraint"`
	}
	parts := map[string][]any{}
	for i := range n {
		var pos any = []virtual{{i / 3}}
		if i%4 == 3 {
			pos = nil
		}
		current := []virtual{{i / 3}}
		if i%5 == 2 {
			current = []virtual{}
		}
		parts["det"] = append(parts["det"], []virtual{{i / 3}})
		parts["pos"] = append(parts["pos"], pos)
		parts["current"] = append(parts["current"], current)
	}
	body, err := json.Marshal(map[string]any{"parts": map[string]any{"main": parts}, "sequence": []string{"main"}})
	if err != nil {
		s.t.Fatal(err)
	}
	// A mapping in the moment in which the last scan ends wedges the controller of
	// dranspose 0.2.0 now and then, with its own ingesters as with ours: a
	// cancellation is lost there.
	time.Sleep(1500 * time.Millisecond)
	began := time.Now()
	m, ok := s.post("/api/v1/sequence", string(body)).(string)
	s.t.Logf("mapping of %d events after %s", n, time.Since(began).Truncate(time.Millisecond))
	if !ok {
		s.t.Fatal("no uuid of the mapping")
	}
	time.Sleep(300 * time.Millisecond) // old connections are gone
	return m
}

// feed sends the starts and the first k of n events; with k = n the ends too.
func (s *system) feed(series, n, k int) {
	s.t.Helper()
	s.send(s.push.Send(startFrame(series)...),
		s.pub.Send(fmt.Appendf(nil, `{"message_id":0,"version":1,"message_type":"series-start","s":%d}`, series)),
		s.lines.Send(fmt.Appendf(nil, "arm_time: %d\nfields:\n\n", series)))
	s.events(series, 0, k, n)
}

// rest sends what feed left.
func (s *system) rest(series, n, k int) { s.events(series, k, n, n) }

func (s *system) events(series, from, to, n int) {
	s.t.Helper()
	for i := from; i < to; i++ {
		s.send(s.push.Send(imageFrame(series, i, bytes.Repeat([]byte{byte(i)}, 5000))...),
			s.pub.Send(fmt.Appendf(nil, `{"message_id":%d,"version":1,"message_type":"data","frame_number":%d,"timestamp":1.5,"acquisition_timestamp":%d}`, i+1, i, i)))
		if i%4 != 3 {
			s.send(s.lines.Send(fmt.Appendf(nil, " %d %d\n", series, i)))
		}
	}
	if to == n {
		s.send(s.push.Send(endFrame(series, n)...), s.pub.Send([]byte(`{"message_id":99,"version":1,"message_type":"series-end"}`)),
			s.lines.Send([]byte("END\n")))
	}
}

func (s *system) send(errs ...error) {
	s.t.Helper()
	for _, err := range errs {
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

// finished waits until the controller has heard the end from everybody.
func (s *system) finished() {
	s.t.Helper()
	var p map[string]any
	if !forwardertest.Within(time.Minute, func() bool { return s.get("/api/v1/progress", &p) && p["finished"] == true }) {
		s.t.Fatalf("the scan does not finish: %v", p)
	}
	s.t.Logf("finished: %v", p)
}

// result waits for the end of a scan and reads what the reducer wrote.
func (s *system) result(mapping string) result {
	s.t.Helper()
	s.finished()
	return s.read(filepath.Join(s.dir, mapping+".json"))
}

func (s *system) read(path string) (r result) {
	s.t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// replayed lets dranspose replay the dumps of a scan.
func (s *system) replayed(mapping string) result {
	s.t.Helper()
	files, err := filepath.Glob(filepath.Join(s.dir, "dump-*-"+mapping+".cbors"))
	if err != nil || len(files) != len(realStreams) {
		s.t.Fatalf("dumps %v of %s: %v", files, mapping, err)
	}
	args := append([]string{"replay", "-w", "mapreduce:Worker", "-r", "mapreduce:Reducer", "-f"}, files...)
	cmd := exec.CommandContext(s.t.Context(), filepath.Join(s.venv, "bin", "dranspose"), args...) //nolint:gosec // the venv of the test
	cmd.Env = append(os.Environ(), s.env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("replay: %v\n%s", err, out)
	}
	return s.read(filepath.Join(s.dir, "None.json"))
}
