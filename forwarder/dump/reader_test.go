package dump

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

func TestReader_Vectors(t *testing.T) {
	for name, b := range vectors(t) {
		t.Run(name, func(t *testing.T) {
			all, err := readAll(bytes.NewReader(b))
			if !errors.Is(err, io.EOF) || len(all) < 2 {
				t.Fatalf("%d records, %v", len(all), err)
			}
			for i, r := range all {
				if r.Created.IsZero() || len(r.Streams) == 0 || i > 0 && r.Event <= all[i-1].Event {
					t.Errorf("record %d: %+v", i, r)
				}
				for _, s := range r.Streams {
					if s.Name == "" || s.Typ == "" || len(s.Frames) == 0 {
						t.Errorf("record %d: %+v", i, s)
					}
				}
			}
		})
	}
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const (
	hexRecord = "d9d9f7 d9a77d "
	hexStream = "d9a77e 82 6141 81 4101 " // typ A, one frame of one byte
)

// hexTime is a time as a text of CBOR, without tag.
func hexTime(s string) string { return hex.EncodeToString(appendText(nil, s)) }

// TestReader_TakesWhatThePeerTakes: each of these was given to dranspose 0.2.0
// with cbor2, with the same outcome but where said.
func TestReader_TakesWhatThePeerTakes(t *testing.T) {
	one := []Stream{{Name: "s", Typ: "A", Frames: [][]byte{{1}}}}
	at := time.Date(2026, 11, 21, 22, 5, 6, 0, time.UTC)
	for _, c := range []struct {
		name, hex string
		want      Record
		fault     string
	}{
		{"no time, as older programs", hexRecord + "82 05 a1 6173" + hexStream, Record{Event: 5, Streams: one}, ""},
		{"not marked as CBOR", "d9a77d 82 05 a1 6173" + hexStream, Record{Event: 5, Streams: one}, ""},
		{"marked twice", "d9d9f7" + hexRecord + "82 05 a1 6173" + hexStream, Record{Event: 5, Streams: one}, ""},
		{"more elements than are known", hexRecord + "85 05 a1 6173" + hexStream + "c0" + hexTime("2026-11-21T22:05:06Z") + "a1 01 9f 02 ff d864 5f 41 01 ff",
			Record{Event: 5, Streams: one, Created: at}, ""},
		{"lengths that are not the shortest", hexRecord + "9b0000000000000002 1b0000000000000005 b801 7900 0173 da0000a77e 9a00000002 7801 41 81 4101", Record{Event: 5, Streams: one}, ""},
		{"indefinite lists, maps and strings", hexRecord + "9f 05 bf 6173 d9a77e 9f 7f 6141 6142 ff 9f 5f 4101 42 0203 ff ff ff ff ff",
			Record{Event: 5, Streams: []Stream{{"s", "AB", [][]byte{{1, 2, 3}}}}}, ""},
		{"the largest event number", hexRecord + "82 1bffffffffffffffff a0", Record{Event: 1<<64 - 1, Streams: []Stream{}}, ""},
		{"a name twice: the last", hexRecord + "82 05 a3 6173" + hexStream + "6174" + hexStream + "6173 d9a77e 82 6142 82 4102 40",
			Record{Event: 5, Streams: []Stream{{"s", "B", [][]byte{{2}, {}}}, {"t", "A", [][]byte{{1}}}}}, ""},
		{"a stream without frames", hexRecord + "82 05 a1 6173 d9a77e 82 6141 80", Record{Event: 5, Streams: []Stream{{Name: "s", Typ: "A"}}}, ""},
		{"a frame as text, a typ as bytes", hexRecord + "82 05 a1 6173 d9a77e 82 4141 81 6101", Record{Event: 5, Streams: one}, ""},
		{"a fraction of nanoseconds", hexRecord + "83 05 a0 c0" + hexTime("2026-11-21T22:05:06.123456789Z"), Record{Event: 5, Created: at.Add(123456789), Streams: []Stream{}}, ""},
		{"another zone", hexRecord + "83 05 a0 c0" + hexTime("2026-11-21T23:05:06+01:00"), Record{Event: 5, Created: at, Streams: []Stream{}}, ""},
		{"a time without tag", hexRecord + "83 05 a0" + hexTime("2026-11-21T22:05:06Z"), Record{Event: 5, Created: at, Streams: []Stream{}}, ""},
		{"a time in seconds", hexRecord + "83 05 a0 c1 1a65000000", Record{Event: 5, Created: time.Unix(0x65000000, 0).UTC(), Streams: []Stream{}}, ""},
		{"a time in fractions of seconds", hexRecord + "83 05 a0 c1 fb41d9400000100000", Record{Event: 5, Created: time.Unix(0x65000000, 250e6).UTC(), Streams: []Stream{}}, ""},

		{"one element", hexRecord + "81 05", Record{}, "a record has 1 elements"},
		{"no element", hexRecord + "80", Record{}, "a record has 0 elements"},
		{"a stream of one element", hexRecord + "82 05 a1 6173 d9a77e 81 6141", Record{}, "a stream has 1 elements"},
		{"a stream without tag", hexRecord + "82 05 a1 6173 82 6141 81 4101", Record{}, "the data of a stream is expected, not a list"},
		{"another tag", "d9d9f7 d9a77c 82 05 a0", Record{}, "tag 42877 is expected, not tag 42876"},
		{"a number", "01", Record{}, "a record is expected, not a number"},
		{"a break", "ff", Record{}, "a record is expected, not the end of a list"},
		{"no name", hexRecord + "82 05 a1 f6" + hexStream, Record{}, "a stream's name is expected, not a simple value"},
		{"a name that is no text", hexRecord + "82 05 a1 61ff" + hexStream, Record{}, "no UTF-8"},
		{"no time where one is", hexRecord + "83 05 a0 f6", Record{}, "a time is expected"},
		{"a time without zone", hexRecord + "83 05 a0 c0" + hexTime("2026-11-21T22:05:06"), Record{}, "no time of RFC 3339"},
		{"a negative event, ours alone", hexRecord + "82 20 a0", Record{}, "an event number is expected, not a negative number"},
		{"an event in text, ours alone", hexRecord + "82 6135 a0", Record{}, "an event number is expected, not a text"},
		{"not CBOR", hexRecord + "82 1c", Record{}, "0x1c begins no item"},
		{"a piece of another kind", hexRecord + "82 05 a1 7f 4101", Record{}, "a piece of the same string is expected, not bytes"},
		{"a piece without length", hexRecord + "82 05 a1 7f 7f", Record{}, "a piece of a string has no length"},
		{"a frame longer than any file", hexRecord + "82 05 a1 6173 d9a77e 82 6141 81 5bffffffffffffffff", Record{}, "beyond any file"},
		{"a name longer than any", hexRecord + "82 05 a1 7a00010001", Record{}, "longer than 65536"},
		{"lists in lists", hexRecord + "84 05 a0 c1 00" + strings.Repeat("81", 40), Record{}, "not expected here"},
		{"seconds that are no time", hexRecord + "83 05 a0 c1 fb7ff8000000000000", Record{}, "no time"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := unhex(t, c.hex)
			r := NewReader(bytes.NewReader(b))
			got, err := r.Next()
			var bad *FormatError
			switch {
			case c.fault == "" && err != nil:
				t.Error(err)
			case c.fault == "" && !reflect.DeepEqual(got, c.want):
				t.Errorf("got %+v\nwant %+v", got, c.want)
			case c.fault != "" && (!errors.As(err, &bad) || bad.Torn || !strings.Contains(err.Error(), c.fault)):
				t.Errorf("got %+v, %v; want %q", got, err, c.fault)
			}
			if _, again := r.Next(); again == nil || err != nil && again.Error() != err.Error() {
				t.Errorf("after %v comes %v", err, again)
			}
		})
	}
}

// TestReader_TornAnywhere: what is whole is read, and the rest has a name.
func TestReader_TornAnywhere(t *testing.T) {
	whole := vectors(t)["multi_stream"][:700]
	var ends []int64
	for r := NewReader(bytes.NewReader(whole)); ; {
		o, err := r.Outline(0)
		if err != nil {
			break
		}
		ends = append(ends, o.Offset+o.Bytes)
	}
	for n := range whole {
		records, start := 0, int64(0)
		for _, e := range ends {
			if e <= int64(n) {
				records, start = records+1, e
			}
		}
		all, err := readAll(iotest.OneByteReader(bytes.NewReader(whole[:n])))
		var bad *FormatError
		switch {
		case len(all) != records:
			t.Fatalf("%d bytes: %d records, want %d", n, len(all), records)
		case int64(n) == start:
			if !errors.Is(err, io.EOF) {
				t.Errorf("%d bytes: %v", n, err)
			}
		case !errors.Is(err, ErrTorn) || !errors.As(err, &bad) || bad.Offset != start || bad.Record != records ||
			!strings.Contains(err.Error(), fmt.Sprintf("only %d bytes", int64(n)-start)):
			t.Errorf("%d bytes: %v; want record %d at %d", n, err, records, start)
		}
	}
}

func TestReader_TheFilesOwnErrorsStay(t *testing.T) {
	b := vectors(t)["stins"]
	r := NewReader(io.MultiReader(bytes.NewReader(b[:20]), iotest.ErrReader(os.ErrDeadlineExceeded)))
	_, err := r.Next()
	var bad *FormatError
	if !errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &bad) {
		t.Error(err)
	}
}

// TestOutline_SaysWhatNextReads, from a file and from a pipe.
func TestOutline_SaysWhatNextReads(t *testing.T) {
	for name, b := range vectors(t) {
		all, _ := readAll(bytes.NewReader(b))
		for _, source := range []io.Reader{bytes.NewReader(b), iotest.HalfReader(bytes.NewReader(b))} {
			r := NewReader(source)
			at := int64(0)
			for i, want := range all {
				o, err := r.Outline(10)
				if err != nil {
					t.Fatal(name, err)
				}
				if o.Index != i || o.Offset != at || o.Event != want.Event || !o.Created.Equal(want.Created) || len(o.Streams) != len(want.Streams) {
					t.Errorf("%s: %+v\nwant %+v", name, o, want)
				}
				at += o.Bytes
				for k, s := range o.Streams {
					w := want.Streams[k]
					if s.Name != w.Name || s.Typ != w.Typ || len(s.Sizes) != len(w.Frames) || !bytes.Equal(s.Head, w.Frames[0][:min(10, len(w.Frames[0]))]) {
						t.Errorf("%s: %+v\nwant %+v", name, s, w)
					}
					for f, size := range s.Sizes {
						if size != int64(len(w.Frames[f])) {
							t.Errorf("%s: frame %d has %d bytes, want %d", name, f, size, len(w.Frames[f]))
						}
					}
				}
			}
			if _, err := r.Outline(0); !errors.Is(err, io.EOF) || at != int64(len(b)) {
				t.Errorf("%s: %v at %d of %d", name, err, at, len(b))
			}
		}
	}
}

func TestCopy_GivesTheBytesOfTheFramesThatAreWanted(t *testing.T) {
	b := vectors(t)["xspress3"]
	all, _ := readAll(bytes.NewReader(b))
	for _, keep := range []int{0, 5, 1000} {
		var got bytes.Buffer
		for r := NewReader(bytes.NewReader(b)); ; {
			_, err := r.Copy(keep, func(event uint64, stream string, frame int) io.Writer {
				if event == 2 && stream == "xspress3" && frame != 1 {
					return &got
				}
				return nil
			})
			if err != nil {
				break
			}
		}
		want := append(bytes.Clone(all[2].Streams[0].Frames[0]), all[2].Streams[0].Frames[2]...)
		if !bytes.Equal(got.Bytes(), want) {
			t.Errorf("keep %d: got %q, want %q", keep, got.Bytes(), want)
		}
	}
}

// TestOutline_OfHugeFramesTakesNoMemory: 2 GiB that take no space on disk either.
func TestOutline_OfHugeFramesTakesNoMemory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "huge.cbors")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	head := appendHead(appendStream(appendRecord(nil, 7, 1), "s", "A", 1), majorBytes, 2<<30)
	end := appendCreated(nil, time.Unix(0, 0))
	for at, b := range map[int64][]byte{0: head, int64(len(head)) + 2<<30: end} {
		if _, err := f.WriteAt(b, at); err != nil {
			t.Fatal(err)
		}
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	o, err := NewReader(f).Outline(100)
	runtime.ReadMemStats(&after)
	if err != nil || o.Streams[0].Sizes[0] != 2<<30 || len(o.Streams[0].Head) != 100 {
		t.Fatalf("%+v, %v", o, err)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20 {
		t.Errorf("took %d bytes", took)
	}
	if err := f.Truncate(2 << 30); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if _, err := NewReader(f).Outline(100); !errors.Is(err, ErrTorn) {
		t.Errorf("cut off: %v", err)
	}
}

// TestNext_ALengthIsNotBelieved: what a file says is not allocated before it is there.
func TestNext_ALengthIsNotBelieved(t *testing.T) {
	lie := appendHead(appendStream(appendRecord(nil, 7, 1), "s", "A", 1), majorBytes, 1<<50)
	for _, source := range []io.Reader{bytes.NewReader(lie), iotest.OneByteReader(bytes.NewReader(lie))} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := NewReader(source).Next()
		runtime.ReadMemStats(&after)
		if !errors.Is(err, ErrTorn) {
			t.Error(err)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 4<<20 {
			t.Errorf("took %d bytes", took)
		}
	}
}
