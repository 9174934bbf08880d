package directory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"ingestor/internal/intake"
	"ingestor/schemas/filewriter"
)

// settle is what the tests wait for a file to rest.
const settle = 100 * time.Millisecond

// bed is a folder with a source on it, and all that it delivered.
type bed struct {
	t      *testing.T
	dir    string
	opt    Options
	source *Source
	stop   context.CancelFunc
	ended  chan error
	logged *safeBuffer

	mu   sync.Mutex
	got  []intake.Message
	acks []intake.Ack
	// answer acknowledges a delivery; nil leaves that to the test.
	answer func(intake.Message, intake.Ack)
}

// newBed makes a folder and a source that scans so rarely that what is found, events
// have told, unless change says otherwise.
func newBed(t *testing.T, change func(*Options)) *bed {
	t.Helper()
	b := &bed{t: t, dir: t.TempDir(), logged: &safeBuffer{}, answer: func(_ intake.Message, ack intake.Ack) { ack(nil) }}
	log := logrus.New()
	log.SetLevel(logrus.DebugLevel)
	log.SetOutput(b.logged)
	b.opt = Options{Path: b.dir, Include: []string{"*.hdf"}, Settle: settle, ScanEvery: time.Hour, Recursive: true, Log: log}
	if change != nil {
		change(&b.opt)
	}
	t.Cleanup(func() {
		b.end()
		if t.Failed() {
			t.Logf("log:\n%s", b.logged)
		}
	})
	return b
}

// start begins a run.
func (b *bed) start() *bed {
	b.t.Helper()
	var err error
	if b.source, err = New(b.opt); err != nil {
		b.t.Fatal(err)
	}
	return b.again()
}

// again begins a run of the source that is there.
func (b *bed) again() *bed {
	ctx, stop := context.WithCancel(b.t.Context())
	b.stop, b.ended = stop, make(chan error, 1)
	s, ended := b.source, b.ended
	go func() { ended <- s.Run(ctx, b.deliver) }()
	return b
}

// watching waits until the whole folder was looked through once.
func (b *bed) watching() *bed {
	b.t.Helper()
	b.eventually("the first scan", func() bool { return strings.Contains(b.logged.String(), "for the first time") })
	return b
}

func (b *bed) deliver(m intake.Message, ack intake.Ack) {
	b.mu.Lock()
	b.got = append(b.got, m)
	b.acks = append(b.acks, ack)
	answer := b.answer
	b.mu.Unlock()
	if answer != nil {
		answer(m, ack)
	}
}

// end stops the run.
func (b *bed) end() {
	if b.stop == nil {
		return
	}
	b.stop()
	b.stop = nil
	select {
	case err := <-b.ended:
		if err != nil {
			b.t.Error(err)
		}
	case <-time.After(30 * time.Second):
		b.t.Error("the run does not end")
	}
}

// messages are those delivered so far.
func (b *bed) messages() []intake.Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.got)
}

// names are the files delivered so far, below the folder.
func (b *bed) names() []string {
	var names []string
	for _, m := range b.messages() {
		w, err := filewriter.DecodeWritingDone(m.Value)
		if err != nil || w.FileName != m.Topic || w.Failed {
			b.t.Errorf("message %+v, %+v, %v", m, w, err)
		}
		names = append(names, strings.TrimPrefix(w.FileName, b.opt.Path+"/"))
	}
	return names
}

// wants waits for these files, in any order, and no more.
func (b *bed) wants(names ...string) {
	b.t.Helper()
	slices.Sort(names)
	var got []string
	b.eventually(fmt.Sprintf("%d files", len(names)), func() bool {
		got = b.names()
		return len(got) >= len(names)
	})
	slices.Sort(got)
	if !slices.Equal(got, names) {
		b.t.Fatalf("delivered %v, want %v", some(got), some(names))
	}
}

// quiet waits long enough for a delivery that should not be, and wants none.
func (b *bed) quiet() {
	b.t.Helper()
	before := len(b.messages())
	time.Sleep(4 * settle)
	if got := b.names(); len(got) > before {
		b.t.Errorf("delivered %v besides", some(got[before:]))
	}
}

func some(names []string) []string {
	if len(names) > 20 {
		return append(slices.Clone(names[:20]), fmt.Sprintf("... %d", len(names)))
	}
	return names
}

func (b *bed) eventually(what string, is func() bool) {
	b.t.Helper()
	for until := time.Now().Add(60 * time.Second); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(until) {
			b.t.Fatalf("%s: not within a minute; delivered %v", what, some(b.names()))
		}
	}
}

// write makes a file, with its folders. Its time is ago before now.
func (b *bed) write(name string, ago time.Duration) string {
	b.t.Helper()
	path := filepath.Join(b.opt.Path, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(name), 0o644); err != nil {
		b.t.Fatal(err)
	}
	if ago > 0 {
		b.age(path, ago)
	}
	return path
}

func (b *bed) age(path string, ago time.Duration) {
	b.t.Helper()
	when := time.Now().Add(-ago)
	if err := os.Chtimes(path, when, when); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bed) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// book is a ledger in memory.
type book struct {
	mu    sync.Mutex
	ended map[string]bool
	asked int
	fails bool
}

func newBook() *book { return &book{ended: map[string]bool{}} }

func (k *book) done(_ context.Context, m intake.Message) (bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asked++
	if k.fails {
		return false, errors.New("disk I/O error")
	}
	return k.ended[m.Position()], nil
}

// end notes a message as dealt with, then acknowledges it, as the daemon does.
func (k *book) end(m intake.Message, ack intake.Ack) {
	k.mu.Lock()
	k.ended[m.Position()] = true
	k.mu.Unlock()
	ack(nil)
}

func (k *book) questions() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.asked
}

// safeBuffer is a log that is read while it is written.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
