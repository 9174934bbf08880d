package dump

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/sirupsen/logrus"
	"github.com/sirupsen/logrus/hooks/test"
)

// vectors are the dumps that the peer wrote of the recorded scans.
func vectors(t testing.TB) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("..", "testdata", "[vc]*", "*", "dump.cbors")) // and our own captures
	if err != nil || len(paths) < 10 {
		t.Fatalf("vectors: %d, %v", len(paths), err)
	}
	all := map[string][]byte{}
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		if len(b) > 0 { // a capture without events
			all[filepath.Base(filepath.Dir(p))] = b
		}
	}
	return all
}

// readAll gives the whole records, and what came after them.
func readAll(r io.Reader) (all []Record, err error) {
	for d := NewReader(r); ; {
		rec, err := d.Next()
		if err != nil {
			return all, err
		}
		all = append(all, rec)
	}
}

func mustReadFile(t *testing.T, path string) []Record {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	all, err := readAll(bytes.NewReader(b))
	if !errors.Is(err, io.EOF) {
		t.Fatalf("%s: %d records, then %v", path, len(all), err)
	}
	return all
}

// message is frames in Go's memory; it counts how often it was freed.
type message struct {
	frames [][]byte
	freed  *atomic.Int64
}

func (m message) Parts() int        { return len(m.frames) }
func (m message) Part(i int) []byte { return m.frames[i] }
func (m message) Free()             { m.freed.Add(1) }
func (m message) Size() int {
	n := 0
	for _, f := range m.frames {
		n += len(f)
	}
	return n
}

// bench is a Writer with what it tells.
type bench struct {
	*Writer
	t     *testing.T
	count Counters
	freed atomic.Int64
	given int64
	woken atomic.Int64
	log   *test.Hook
	run   chan error
}

func newBench(t *testing.T, o WriterOptions) *bench {
	t.Helper()
	b := &bench{t: t, run: make(chan error, 1)}
	l := logrus.New()
	l.SetOutput(io.Discard)
	b.log = test.NewLocal(l)
	o.Log, o.Count, o.Wake = l, &b.count, func() { b.woken.Add(1) }
	w, err := NewWriter(o)
	if err != nil {
		t.Fatal(err)
	}
	b.Writer = w
	return b
}

func (b *bench) start() { go func() { b.run <- b.Run(b.t.Context()) }() }

// put puts one record; each stream's frames become a message.
func (b *bench) put(r Record) bool {
	var parts []Part
	for _, s := range r.Streams {
		parts = append(parts, Part{Name: s.Name, Typ: s.Typ, Message: message{s.Frames, &b.freed}})
	}
	ok := b.TryPut(r.Event, r.Created, parts)
	if ok {
		b.given += int64(len(parts))
	}
	return ok
}

func (b *bench) close() {
	b.t.Helper()
	if err := b.Close(b.t.Context()); err != nil {
		b.t.Error(err)
	}
	if err := <-b.run; err != nil {
		b.t.Error(err)
	}
	if got := b.freed.Load(); got != b.given {
		b.t.Errorf("%d messages were freed, %d given", got, b.given)
	}
	if n := b.Waiting(); n != 0 {
		b.t.Errorf("%d bytes wait behind the end", n)
	}
}

// wantLog compares the messages of the log.
func (b *bench) wantLog(want ...string) {
	b.t.Helper()
	var got []string
	for _, e := range b.log.AllEntries() {
		got = append(got, e.Message)
	}
	if len(got) != len(want) {
		b.t.Fatalf("log %q, want %q", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			b.t.Errorf("log %q, want %q", got, want)
		}
	}
}

func (b *bench) wantCounts(records, dropped, failures uint64) {
	b.t.Helper()
	c := &b.count
	if r, d, f := c.Records.Load(), c.Dropped.Load(), c.Failures.Load(); r != records || d != dropped || f != failures {
		b.t.Errorf("records %d, dropped %d, failures %d; want %d, %d, %d", r, d, f, records, dropped, failures)
	}
}
