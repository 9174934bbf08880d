package dump

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"testing"
	"testing/iotest"
)

// FuzzReader: whatever the bytes, Next and Outline agree with one another and
// with themselves reading from a pipe, and what was read can be written and
// read again.
func FuzzReader(f *testing.F) {
	for _, b := range vectors(f) {
		f.Add(b)
		f.Add(b[:len(b)*2/3])
	}
	f.Add(unhex(f, hexRecord+"9f 05 bf 6173 d9a77e 9f 7f 6141 6142 ff 9f 5f 4101 42 0203 ff ff ff ff ff"))
	f.Add(unhex(f, hexRecord+"85 05 a1 6173"+hexStream+"c1 fb41d9400000100000 a1 01 9f 02 ff d864 5f 41 01 ff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := readAll(bytes.NewReader(b))
		var bad *FormatError
		if !errors.Is(err, io.EOF) && !errors.As(err, &bad) {
			t.Fatalf("%v is no error of the format", err)
		}
		piped, pipeErr := readAll(iotest.HalfReader(bytes.NewReader(b)))
		if !reflect.DeepEqual(all, piped) || err.Error() != pipeErr.Error() {
			t.Fatalf("file: %v, %v\npipe: %v, %v", all, err, piped, pipeErr)
		}
		o := NewReader(bytes.NewReader(b))
		var again []byte
		for _, r := range all {
			got, err := o.Outline(3)
			if err != nil || got.Event != r.Event || len(got.Streams) != len(r.Streams) {
				t.Fatalf("outline %+v, %v of %+v", got, err, r)
			}
			again = appendRecord(again, r.Event, len(r.Streams))
			for i, s := range r.Streams {
				if got.Streams[i].Bytes() != int64(len(bytes.Join(s.Frames, nil))) {
					t.Fatalf("outline %+v of %+v", got, r)
				}
				again = appendStream(again, s.Name, s.Typ, len(s.Frames))
				for _, frame := range s.Frames {
					again = append(appendHead(again, majorBytes, uint64(len(frame))), frame...)
				}
			}
			again = appendCreated(again, r.Created)
		}
		if _, outlineErr := o.Outline(3); outlineErr.Error() != err.Error() {
			t.Fatalf("outline ends by %v, not %v", outlineErr, err)
		}
		twice, err := readAll(bytes.NewReader(again))
		if !errors.Is(err, io.EOF) || len(twice) != len(all) {
			t.Fatalf("written again: %d of %d records, %v", len(twice), len(all), err)
		}
		for i := range all {
			if !reflect.DeepEqual(all[i].Streams, twice[i].Streams) || all[i].Event != twice[i].Event {
				t.Fatalf("written again: %+v, not %+v", twice[i], all[i])
			}
		}
	})
}
