package dump

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"golang.org/x/sys/unix"
)

// TestWriter_Vectors: byte for byte what the peer wrote, in one go and by two
// appends, with frames that are gathered and frames that are not.
func TestWriter_Vectors(t *testing.T) {
	for name, want := range vectors(t) {
		all, _ := readAll(bytes.NewReader(want))
		for _, cut := range []int{0, 2} {
			path := filepath.Join(t.TempDir(), "x.cbors")
			for _, half := range [][]Record{all[:cut], all[cut:]} {
				b := newBench(t, WriterOptions{Path: path})
				b.start()
				for _, r := range half {
					if !b.put(r) {
						t.Fatal("no room")
					}
				}
				b.close()
				b.wantLog()
				b.wantCounts(uint64(len(half)), 0, 0)
			}
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s: got %x\nwant %x", name, got, want)
			}
		}
	}
}

// record makes one with frames of some sizes.
func record(event uint64, sizes ...int) Record {
	s := Stream{Name: "s", Typ: "A"}
	for i, n := range sizes {
		s.Frames = append(s.Frames, bytes.Repeat([]byte{byte(event + uint64(i))}, n))
	}
	return Record{Event: event, Created: time.Unix(1e9, 0).UTC(), Streams: []Stream{s}}
}

// TestWriter_AnotherReaderOfCBOR agrees on lengths of all sizes.
func TestWriter_AnotherReaderOfCBOR(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.cbors")
	b := newBench(t, WriterOptions{Path: path})
	b.start()
	sizes := []int{0, 23, 24, 255, 256, straight - 1, straight, 65535, 65536, gather + 1}
	events := []uint64{0, 23, 24, 255, 256, 65535, 65536, 1<<32 - 1, 1 << 32, 1<<64 - 1}
	for _, e := range events {
		if !b.put(record(e, sizes...)) {
			t.Fatal("no room")
		}
	}
	b.close()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d := cbor.NewDecoder(f)
	for _, e := range events {
		var rec cbor.RawTag // this reader passes over the mark 55799 by itself
		if err := d.Decode(&rec); err != nil {
			t.Fatal(err)
		}
		var fields []cbor.RawMessage
		var event uint64
		var streams map[string]cbor.RawTag
		var created time.Time
		for _, step := range []error{cbor.Unmarshal(rec.Content, &fields),
			cbor.Unmarshal(fields[0], &event), cbor.Unmarshal(fields[1], &streams), cbor.Unmarshal(fields[2], &created)} {
			if step != nil {
				t.Fatal(step)
			}
		}
		var data []any
		if err := cbor.Unmarshal(streams["s"].Content, &data); err != nil {
			t.Fatal(err)
		}
		if rec.Number != 42877 || streams["s"].Number != 42878 || event != e || !created.Equal(time.Unix(1e9, 0)) || data[0] != "A" {
			t.Errorf("event %d: %d, %v, %v", e, event, created, data[0])
		}
		for i, frame := range data[1].([]any) {
			if len(frame.([]byte)) != sizes[i] {
				t.Errorf("event %d: frame of %d bytes, want %d", e, len(frame.([]byte)), sizes[i])
			}
		}
	}
}

func TestCreated_IsWrittenAsThePeerDoes(t *testing.T) {
	zone := time.FixedZone("", 3600)
	for want, at := range map[string]time.Time{
		"2026-11-21T22:05:06.000001Z": time.Date(2026, 11, 21, 22, 5, 6, 1999, time.UTC),
		"2026-11-21T22:05:06.100000Z": time.Date(2026, 11, 21, 23, 5, 6, 100e6, zone),
		"2026-11-21T22:05:06Z":        time.Date(2026, 11, 21, 22, 5, 6, 999, time.UTC),
	} {
		b := appendCreated(nil, at)
		if got := string(b[len(b)-len(want):]); got != want || !endsRecord(b) || !endsRecord(append([]byte{1, 2}, b...)) {
			t.Errorf("got %q, want %q", got, want)
		}
		if endsRecord(b[:len(b)-1]) || endsRecord(append(b, 0)) || endsRecord(b[1:]) {
			t.Errorf("half of %q counts as an end", want)
		}
	}
}

// TestTryPut_NeverWaits: beyond the bytes it says so, takes nothing, and tells
// when there is room; an event larger than all room is taken alone.
func TestTryPut_NeverWaits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.cbors")
	b := newBench(t, WriterOptions{Path: path, QueueBytes: 10000})
	if !b.put(record(0, 100000)) || b.put(record(1, 1)) {
		t.Fatal("a large event is not taken, or another one beside it")
	}
	b.start()
	for deadline := time.Now().Add(time.Minute); b.woken.Load() == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nobody was told that there is room")
		}
	}
	for i := uint64(1); i < 2000; {
		if b.put(record(i, 3000)) {
			i++
		} else if w := b.Waiting(); w > 10000 {
			t.Fatalf("%d bytes wait", w)
		}
	}
	b.close()
	b.wantCounts(2000, 0, 0)
	for i, r := range mustReadFile(t, path) {
		if r.Event != uint64(i) {
			t.Fatalf("record %d is event %d", i, r.Event)
		}
	}
}

func TestTryPut_BehindTheEndIsDropped(t *testing.T) {
	b := newBench(t, WriterOptions{Path: filepath.Join(t.TempDir(), "x.cbors")})
	b.start()
	b.close()
	if !b.put(record(1, 1)) || b.freed.Load() != 1 {
		t.Error("not taken, or not freed")
	}
	b.wantCounts(0, 1, 0)
}

const cannotOpen = "Cannot open the dump: this mapping is not dumped"

// TestWriter_CannotOpen: it is said once, and everything put is let go.
func TestWriter_CannotOpen(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "text")
	if err := os.WriteFile(file, []byte("no dump at all\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	other := newBench(t, WriterOptions{Path: filepath.Join(dir, "locked.cbors")})
	other.start()
	if !other.put(record(1, 1)) {
		t.Fatal("no room")
	}
	for other.count.Records.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	fifo := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ path, why string }{
		"no directory":             {filepath.Join(dir, "none", "x.cbors"), "no such file"},
		"a directory":              {dir, "is a directory"},
		"a file that is no dump":   {file, "which is no dump"},
		"a dump that another has":  {filepath.Join(dir, "locked.cbors"), "another ingester"},
		"a pipe that nobody reads": {fifo, "no such device"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, WriterOptions{Path: c.path})
			b.start()
			for i := range uint64(100) {
				if !b.put(record(i, 1)) {
					t.Fatal("no room")
				}
			}
			b.close()
			b.wantLog(cannotOpen)
			b.wantCounts(0, 100, 1)
			if err, _ := b.log.LastEntry().Data["error"].(error); err == nil || !strings.Contains(err.Error(), c.why) {
				t.Errorf("%v, want %q", err, c.why)
			}
		})
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "no dump at all\n" {
		t.Errorf("what was no dump is %q, %v", b, err)
	}
	other.close()
}

// TestWriter_NoSpace on a device: there is nothing to cut off.
func TestWriter_NoSpace(t *testing.T) {
	b := newBench(t, WriterOptions{Path: "/dev/full", QueueBytes: 1 << 20})
	b.start()
	for i := range uint64(1000) {
		for !b.put(record(i, 100000)) {
			time.Sleep(time.Millisecond)
		}
	}
	b.close()
	b.wantLog(cannotWrite)
	b.wantCounts(0, 1000, 1)
}

// TestWriter_ThePathVanished: bytes that nobody will find are reported.
func TestWriter_ThePathVanished(t *testing.T) {
	for name, replace := range map[string]bool{"removed": false, "replaced": true} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.cbors")
			b := newBench(t, WriterOptions{Path: path})
			b.start()
			if !b.put(record(0, 10)) {
				t.Fatal("no room")
			}
			for b.count.Records.Load() == 0 {
				time.Sleep(time.Millisecond)
			}
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if replace {
				if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			b.close()
			b.wantLog("The end of the dump may not be on disk")
		})
	}
}

// TestWriter_AfterAKill: half a record at the end is cut off before anything is
// added; whole ones of any program stay.
func TestWriter_AfterAKill(t *testing.T) {
	whole := vectors(t)["stins"]
	all, _ := readAll(bytes.NewReader(whole))
	old := unhex(t, hexRecord+"82 05 a1 6173"+hexStream)
	for _, c := range []struct {
		name   string
		before []byte
		keep   int
		log    []string
	}{
		{"half a record", whole[:len(whole)-1], len(all) - 1, []string{tornLog}},
		{"a few bytes of the first", whole[:2], 0, []string{tornLog}},
		{"whole", whole, len(all), nil},
		{"whole, without times", append(bytes.Clone(old), old...), 2, nil},
		{"half, without times", append(bytes.Clone(old), old[:9]...), 1, []string{tornLog}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.cbors")
			if err := os.WriteFile(path, c.before, 0o600); err != nil {
				t.Fatal(err)
			}
			b := newBench(t, WriterOptions{Path: path})
			b.start()
			if !b.put(record(77, 10)) {
				t.Fatal("no room")
			}
			b.close()
			b.wantLog(c.log...)
			got := mustReadFile(t, path)
			if len(got) != c.keep+1 || got[c.keep].Event != 77 {
				t.Errorf("%d records, want %d and one", len(got), c.keep)
			}
		})
	}
}

const tornLog = "The dump ended in half a record, which a killed program had left: cut off"

// TestClose_IsBounded: a reader of a pipe that does not read holds the dump,
// and neither the pump nor the end of the program.
func TestClose_IsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, WriterOptions{Path: path})
	b.start()
	if !b.put(record(1, 1<<20)) {
		t.Fatal("no room")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := b.Close(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "bytes wait") {
		t.Errorf("%v", err)
	}
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	b.close()
	b.wantLog(cannotWrite)
}

// TestRun_TheEndOfItsContextLetsEverythingGo.
func TestRun_TheEndOfItsContextLetsEverythingGo(t *testing.T) {
	b := newBench(t, WriterOptions{Path: filepath.Join(t.TempDir(), "x.cbors")})
	ctx, cancel := context.WithCancel(t.Context())
	for i := range uint64(10) {
		if !b.put(record(i, 10)) {
			t.Fatal("no room")
		}
	}
	cancel()
	if err := b.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if b.freed.Load() != 10 || b.Waiting() != 0 {
		t.Errorf("%d freed, %d wait", b.freed.Load(), b.Waiting())
	}
	if err := b.Run(t.Context()); err == nil {
		t.Error("it ran twice")
	}
}

func TestNewWriter_NamesWhatIsMissing(t *testing.T) {
	for _, o := range []WriterOptions{{}, {Path: "x", QueueBytes: -1}} {
		if _, err := NewWriter(o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}
