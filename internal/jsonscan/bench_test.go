package jsonscan

import (
	"encoding/json"
	"testing"
)

var header = []byte(`{"htype": "image", "frame": 4711, "shape": [1024, 512], "type": "uint16", "compression": "none", ` +
	`"msg_number": 4712, "timestamps": {"start": 123456789012, "stop": 123456799012}}`)

func readHeader(s *Scanner) (frame uint64, err error) {
	s.Reset(header)
	if err := s.EnterObject(); err != nil {
		return 0, err
	}
	for {
		key, ok, err := s.NextKey()
		if err != nil {
			return 0, err
		}
		if !ok {
			return frame, s.End()
		}
		if string(key) == "frame" {
			if frame, err = s.Uint(); err != nil {
				return 0, err
			}
		} else if _, err = s.Skip(); err != nil {
			return 0, err
		}
	}
}

func TestScanner_ReadsAHeaderWithoutAllocation(t *testing.T) {
	s := New(Options{})
	if n := testing.AllocsPerRun(100, func() {
		if frame, err := readHeader(s); frame != 4711 || err != nil {
			t.Fatal(frame, err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a header", n)
	}
}

func BenchmarkHeader(b *testing.B) {
	s := New(Options{})
	b.SetBytes(int64(len(header)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := readHeader(s); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHeaderByEncodingJSON(b *testing.B) {
	b.SetBytes(int64(len(header)))
	b.ReportAllocs()
	for b.Loop() {
		var h struct{ Frame uint64 }
		if err := json.Unmarshal(header, &h); err != nil {
			b.Fatal(err)
		}
	}
}
