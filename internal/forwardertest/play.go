package forwardertest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ingestor/internal/redistest"
)

// PlayOptions say how a recording is played to our program.
type PlayOptions struct {
	// YAML are the configuration lines of streams whose class is of a site's
	// own: class -> stream -> Stream.
	Custom map[string]map[string]Stream
	// PythonPath is where such classes lie, for the peer.
	PythonPath string
	// Record does not wait for the recorded output but until nothing more comes.
	Record bool
}

// Play starts Redis, workers, upstream and the forwarder, plays the recording
// and returns a recording of what came out.
func Play(t testing.TB, v Vector, o PlayOptions) Vector {
	t.Helper()
	server := redistest.Start(t, redistest.Options{})
	c := NewController(t, server.Addr())
	tmp := t.TempDir()
	for key, value := range v.Config.Keys {
		c.Must("SET", key, strings.ReplaceAll(value, "${TMP}", tmp))
	}
	feed := newFeed(t, v)
	s := Settings{Redis: server.URL(), PythonPath: o.PythonPath, PeerClass: v.Config.Class}
	dump := filepath.Join(tmp, "dump.cbors")
	if v.Config.DumpName == "" {
		s.Dump = dump
	} else {
		dump = filepath.Join(tmp, v.Config.DumpName)
	}
	for _, name := range v.Config.Streams {
		st := Stream{Name: name, Source: v.Config.Class, Upstream: feed.url()}
		if custom, ok := o.Custom[v.Config.Class]; ok {
			own := custom[name]
			st.Source, st.YAML = own.Source, own.YAML
			if own.Upstream == "none" {
				st.Upstream = ""
			}
		}
		s.Streams = append(s.Streams, st)
	}
	p := Start(t, s)
	name := v.Name()
	if p.Name() != name {
		t.Fatalf("the program is called %s, in the recording %s", p.Name(), name)
	}
	var workers []*Worker
	for _, w := range v.Workers(t) {
		workers = append(workers, NewWorker(t, WorkerOptions{Name: w, Address: p.Address()}))
	}
	c.AwaitWorkers(name, workers...)
	for _, e := range v.Assigned {
		c.Must("XADD", KeyAssigned(v.Config.Mapping), e.ID, "data", e.Data)
	}
	rest := v.Updates
	for len(rest) > 0 && !finished(rest[0]) {
		c.replay(name, rest[0])
		rest = rest[1:]
	}
	began := time.Now()
	got := v
	got.Input = feed.all(t)
	awaitOutput(t, v, c, name, workers, o.Record)
	got.Config.AfterData = c.raw(name)
	for _, e := range rest {
		c.replay(name, e)
	}
	ready := KeyReady(v.Config.Mapping)
	answer := Patience
	if len(v.Config.Ready) == 0 {
		answer = 5 * time.Second // for one that should not come
	}
	if !Within(answer, func() bool { return len(c.Stream(ready)) >= max(1, len(v.Config.Ready)) }) && len(v.Config.Ready) > 0 {
		t.Errorf("%d ready messages, want %d", len(c.Stream(ready)), len(v.Config.Ready))
	}
	<-time.After(300 * time.Millisecond) // what comes too much
	got.Config.AfterFinish = c.raw(name)
	got.Config.Ready = nil
	for _, data := range c.Stream(ready) {
		got.Config.Ready = append(got.Config.Ready, Entry{Data: data})
	}
	ttl, _ := c.Must("TTL", KeyConfig(name)).(int64)
	got.Config.TTL = int(ttl)
	got.Config.Exit = p.Terminate(Patience)
	_, there := c.Config(name)
	got.Config.Deleted = !there
	got.Output = outputs(workers, began)
	var err error
	if got.Dump, err = os.ReadFile(dump); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	return got
}

// finished says whether an update ends a scan.
func finished(e Entry) bool {
	var u Update
	return json.Unmarshal([]byte(e.Data), &u) == nil && u.Finished
}

// replay writes a recorded update and gives the forwarder time to take it
// before the next one.
func (c *Controller) replay(name string, e Entry) {
	c.t.Helper()
	var u Update
	if err := json.Unmarshal([]byte(e.Data), &u); err != nil {
		c.t.Logf("an update that is none: %v", err)
	}
	c.Must("XADD", KeyUpdates, e.ID, "data", e.Data)
	taken := Within(5*time.Second, func() bool {
		cfg, ok := c.Config(name)
		if !ok || cfg.Mapping == nil || *cfg.Mapping != u.Mapping {
			return false
		}
		return u.Hash == nil || cfg.ParametersHash != nil && *cfg.ParametersHash == *u.Hash
	})
	if !taken {
		c.t.Logf("the update was not taken: %s", e.Data)
	}
}

// raw is the config as it is published now.
func (c *Controller) raw(name string) json.RawMessage {
	cfg, ok := c.Config(name)
	if !ok {
		c.t.Errorf("no config of %s", name)
	}
	return json.RawMessage(cfg.Raw)
}

// awaitOutput waits until everything is there.
func awaitOutput(t testing.TB, v Vector, c *Controller, name string, workers []*Worker, record bool) {
	t.Helper()
	count := func() int {
		n := 0
		for _, w := range workers {
			n += w.Count()
		}
		return n
	}
	if record {
		last, since := -1, time.Now()
		Within(Patience, func() bool {
			if n := count(); n != last {
				last, since = n, time.Now()
			}
			cfg, _ := c.Config(name)
			return cfg.Processed >= v.taken(t) && time.Since(since) > 2*time.Second || time.Since(since) > 5*time.Second
		})
		return
	}
	if !Within(Patience, func() bool { return count() >= len(v.Output) }) {
		t.Errorf("%d messages, want %d", count(), len(v.Output))
		return
	}
	var want Config
	if err := json.Unmarshal(v.Config.AfterData, &want); err != nil {
		t.Fatal(err)
	}
	c.AwaitConfig(name, fmt.Sprintf("%d events processed", want.Processed), func(cfg Config) bool { return cfg.Processed >= want.Processed })
}

// outputs is what the workers got, worker by worker.
func outputs(workers []*Worker, began time.Time) []Output {
	var list []Output
	for _, w := range workers {
		for seq, m := range w.Received() {
			list = append(list, Output{Worker: w.Name(), T: m.At.Sub(began).Round(100 * time.Microsecond).Seconds(), Frames: m.Parts, Seq: seq})
		}
	}
	slices.SortStableFunc(list, func(a, b Output) int { return strings.Compare(a.Worker, b.Worker) })
	return list
}

// feed is the upstream of a recording.
type feed struct {
	v    Vector
	up   *Upstream
	port int
}

func newFeed(t testing.TB, v Vector) *feed {
	t.Helper()
	f := &feed{v: v}
	switch v.Config.Upstream {
	case "push":
		f.up = Push(t)
	case "pub":
		f.up = Publish(t)
	case "tcp":
		f.up = Lines(t)
	case "http":
		f.port = FreePort(t)
	default:
		t.Fatalf("an upstream %q is not known here", v.Config.Upstream)
	}
	return f
}

func (f *feed) url() string {
	if f.up == nil {
		return fmt.Sprintf("http://127.0.0.1:%d", f.port)
	}
	return f.up.URL()
}

// all feeds all inputs and returns them with the answers.
func (f *feed) all(t testing.TB) []Input {
	t.Helper()
	list := slices.Clone(f.v.Input)
	if f.up == nil {
		<-time.After(500 * time.Millisecond) // the peer drops what comes before its run has begun
	}
	for i, in := range list {
		if f.up == nil {
			list[i].Status = Post(t, f.url()+in.Path, string(in.Body))
		} else if err := f.up.Send(in.Frames...); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Duration(f.v.Config.Apart) * time.Millisecond)
	}
	return list
}
