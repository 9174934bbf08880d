package main_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"ingestor/forwarder/dump"
	"ingestor/forwarder/dump/replay"
	"ingestor/internal/forwardertest"
	"ingestor/internal/redistest"
)

// TestReplay_GivesTheSameEventsAgain: what the peer had dumped of each
// recording goes through the program once more, and is dumped the same.
func TestReplay_GivesTheSameEventsAgain(t *testing.T) {
	for _, folder := range []string{"vectors", "captured"} {
		for _, dir := range forwardertest.Vectors(t, filepath.Join("..", "..", "forwarder", "testdata", folder)) {
			v := forwardertest.LoadVector(t, dir)
			if len(v.Dump) == 0 {
				continue // none was asked for
			}
			t.Run(filepath.Base(dir), func(t *testing.T) {
				t.Parallel()
				replayed(t, v)
			})
		}
	}
}

func replayed(t *testing.T, v forwardertest.Vector) {
	events, typs := eventsOf(t, v.Dump)
	dir := t.TempDir()
	before, after := filepath.Join(dir, "before.cbors"), filepath.Join(dir, "after.cbors")
	if err := os.WriteFile(before, v.Dump, 0o600); err != nil {
		t.Fatal(err)
	}
	server := redistest.Start(t, redistest.Options{})
	o := playOptions(t)
	s := forwardertest.Settings{Redis: server.URL(), Dump: after, PythonPath: o.PythonPath, PeerClass: v.Config.Class}
	send := replay.Options{
		Files: []string{before}, Rounds: 1, Addresses: map[string]string{},
		Open: func(name string) (io.ReadCloser, error) { return os.Open(name) },
	}
	posts := false
	for _, name := range v.Config.Streams {
		st := forwardertest.Stream{Name: name, Source: v.Config.Class}
		if own, custom := o.Custom[v.Config.Class][name]; custom {
			st.Source, st.YAML = own.Source, own.YAML
		}
		if p := replay.ProtocolOf(typs[name]); p != "" { // else it has no upstream
			scheme := "tcp"
			if p == replay.HTTP {
				scheme, posts = "http", true
			}
			st.Upstream = fmt.Sprintf("%s://127.0.0.1:%d", scheme, forwardertest.FreePort(t))
			send.Addresses[name] = st.Upstream
			send.Streams = append(send.Streams, name)
		}
		s.Streams = append(s.Streams, st)
	}
	if len(events) == 0 {
		t.Skip("the recording has no events")
	}
	c := forwardertest.NewController(t, server.Addr())
	program := forwardertest.Start(t, s)
	w := forwardertest.NewWorker(t, forwardertest.WorkerOptions{Name: "w1", Address: program.Address()})
	c.AwaitWorkers(program.Name(), w)
	player, err := replay.New(send)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*forwardertest.Patience)
	defer cancel()
	ended := make(chan error, 1)
	mapping := uuid.New()
	play := func() { ended <- player.Run(ctx) }
	set := func() { c.Map(program.Name(), mapping, v.Config.Streams, events) }
	if posts {
		// The peer forgets what was posted before its first event.
		set()
		time.Sleep(200 * time.Millisecond)
		go play()
	} else {
		// The peer does not try again where nobody listens.
		go play()
		time.Sleep(100 * time.Millisecond)
		set()
	}
	dumped := uint64(0)
	for _, e := range events {
		if _, elsewhere := e.Assignments[nobodys]; !elsewhere {
			dumped++
		}
	}
	c.AwaitConfig(program.Name(), "all events", func(c forwardertest.Config) bool { return uint64(c.Processed) == dumped })
	c.Update(forwardertest.Update{Mapping: mapping, Active: []string{}, Finished: true})
	forwardertest.Await(t, forwardertest.Patience, "finished", func() bool { return len(c.Stream(forwardertest.KeyReady(mapping))) > 0 })
	// The peer's own end is not in question here.
	if exit := program.Terminate(forwardertest.Patience); exit != 0 && !forwardertest.Python() {
		t.Errorf("exit %d", exit)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	got, err := os.ReadFile(after)
	if err != nil {
		t.Fatal(err)
	}
	if err := forwardertest.CompareDumps(v.Dump, got); err != nil {
		t.Error(err)
	}
}

// nobodys is a stream that no program here has.
const nobodys = "elsewhere"

// eventsOf is the trigger map of a dump, without holes, and the typ of each stream.
func eventsOf(t *testing.T, b []byte) (events []forwardertest.Event, typs map[string]string) {
	t.Helper()
	typs = map[string]string{}
	for r := dump.NewReader(bytes.NewReader(b)); ; {
		o, err := r.Outline(0)
		if errors.Is(err, io.EOF) {
			return events, typs
		}
		if err != nil {
			t.Fatal(err)
		}
		for uint64(len(events)) < o.Event {
			events = append(events, forwardertest.Event{Number: uint64(len(events)), Assignments: map[string][]string{nobodys: {"w1"}}})
		}
		e := forwardertest.Event{Number: o.Event, Assignments: map[string][]string{}}
		for _, s := range o.Streams {
			e.Assignments[s.Name] = []string{"w1"}
			typs[s.Name] = s.Typ
		}
		events = append(events, e)
	}
}
