package source

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"testing"
	"unicode/utf8"

	"ingestor/internal/zmq"
)

// seeds are some of the measured headers of a protocol.
func seeds(f *testing.F, protocol string) {
	f.Helper()
	for n, r := range measured(f, protocol).Rows {
		if n%7 == 0 && len(r.header) < 400 {
			f.Add([]byte(r.header), []byte(r.header))
		}
	}
}

// fuzzSchema: a header means the same whatever came before it.
func fuzzSchema(f *testing.F, protocol string) {
	seeds(f, protocol)
	make := protocols[protocol].schema
	f.Fuzz(func(t *testing.T, before, header []byte) {
		s, fresh := make(), make()
		s.classify(before)
		k, why := s.classify(header)
		want, because := fresh.classify(header)
		if k != want || s.frame != fresh.frame || s.hasFrame != fresh.hasFrame || s.kept != fresh.kept || s.hasKept != fresh.hasKept {
			t.Fatalf("%q is %d of frame %d after %q, alone %d of %d", header, k, s.frame, before, want, fresh.frame)
		}
		if k == invalid && (why == "" || because == "") {
			t.Fatalf("no reason for %q", header)
		}
		if k != invalid && !utf8.Valid(header) {
			t.Fatalf("%q is no UTF-8", header)
		}
	})
}

func FuzzSTINS(f *testing.F)       { fuzzSchema(f, "stins") }
func FuzzEigerLegacy(f *testing.F) { fuzzSchema(f, "eiger_legacy") }
func FuzzXspress(f *testing.F)     { fuzzSchema(f, "xspress") }
func FuzzAlbaem(f *testing.F)      { fuzzSchema(f, "albaem") }
func FuzzPCAP(f *testing.F)        { fuzzSchema(f, "pcap") }
func FuzzLecroy(f *testing.F)      { fuzzSchema(f, "lecroy") }

// FuzzContrast: no pickle breaks the judge.
func FuzzContrast(f *testing.F) {
	for n, r := range measured(f, "contrast").Rows {
		if n%5 == 0 && len(r.header) < 1000 {
			f.Add([]byte(r.header))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m := zmq.NewMessage()
		defer m.Free()
		m.Append(b)
		if v := (contrast{}).judge(m); v.kind == invalid && v.why == "" {
			t.Fatalf("no reason for %q", b)
		}
	})
}

// FuzzDeclarative: no header breaks the judge.
func FuzzDeclarative(f *testing.F) {
	f.Add([]byte(`{"kind":"shot","nr":7}`))
	f.Add([]byte(`{"kind":null,"nr":"1_0"}`))
	d := newDeclared(*described())
	f.Fuzz(func(t *testing.T, b []byte) {
		if v, err := d.header(b); err == nil && (!utf8.Valid(b) || v.kind == invalid) {
			t.Fatalf("%q is taken as %+v", b, v)
		}
	})
}

// FuzzPCAPSplit: rows are valid JSON, and as many as the lists are long.
func FuzzPCAPSplit(f *testing.F) {
	for _, r := range measured(f, "pcap").Split {
		f.Add([]byte(r.in))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s := pcapSchema()
		if k, _ := s.classify(b); k != data {
			return
		}
		r, err := split(b)
		if err != nil {
			return
		}
		for i := range min(r.count, 100) {
			row := r.append(nil, i)
			var object struct {
				Version     int             `json:"version"`
				MessageType string          `json:"message_type"`
				Frame       json.RawMessage `json:"frame_number"`
			}
			d := json.NewDecoder(bytes.NewReader(row))
			d.UseNumber()
			if err := d.Decode(&object); err != nil || len(object.Frame) == 0 {
				t.Fatalf("row %d of %q is %q: %v", i, b, row, err)
			}
			if k, why := pcapSchema().classify(row); k != data {
				t.Fatalf("row %d of %q is %q: %s", i, b, row, why)
			}
		}
	})
}

// FuzzSardana: what is taken is written as JSON that is taken again, unchanged.
func FuzzSardana(f *testing.F) {
	for n, r := range measured(f, "sardana").Bodies {
		if n%20 == 0 && len(r.body) < 400 {
			f.Add(n%3, []byte(r.body))
		}
	}
	f.Fuzz(func(t *testing.T, which int, b []byte) {
		model := sardanaModels()[uint(which)%3]
		once, err := model.rewrite(b)
		if err != nil {
			return
		}
		twice, err := model.rewrite(once)
		if model.typ == "RecordData" && bytes.Contains(once, []byte(`"timestamp":null`)) {
			return // what is not finite is written as null, which is no number
		}
		if err != nil || !bytes.Equal(once, twice) || !json.Valid(once) {
			t.Fatalf("%q gives %q, then %q, %v", b, once, twice, err)
		}
	})
}

// FuzzLines: whatever a server says, lines come out whole.
func FuzzLines(f *testing.F) {
	f.Add([]byte(pandaHeader + " 1\nEND\n" + pandaHeader))
	f.Add([]byte("arm_time: \n\n\n\nEND"))
	f.Fuzz(func(t *testing.T, b []byte) {
		q := newQueue(1<<30, func() {})
		r := &lineReader{log: quiet().Log, count: &Counters{}, queue: q}
		lines := bufio.NewReaderSize(bytes.NewReader(b), 16)
		var err error
		for err == nil {
			err = r.one(lines)
		}
		total := 0
		for {
			event, err := q.take()
			if event == nil || err != nil {
				break
			}
			if event[len(event)-1] != '\n' {
				t.Fatalf("%q is no line", event)
			}
			total += len(event)
		}
		if total > len(b) {
			t.Fatalf("%d bytes of %d", total, len(b))
		}
		if _, err := lines.ReadByte(); err != io.EOF {
			t.Fatal("it is not read to the end")
		}
	})
}

// FuzzSequence: no order of messages breaks a machine, and nothing is lost from sight:
// a message is forwarded, counted, or waits.
func FuzzSequence(f *testing.F) {
	f.Add(uint8(0), []byte{0, 1, 2, 3, 4})
	names := []string{"stins", "eiger_legacy", "xspress", "albaem", "pcap", "lecroy", "contrast"}
	pools := map[string][][]blob{}
	for _, name := range names {
		for _, s := range measured(f, name).Sequences[:4] {
			pools[name] = append(pools[name], s.In...)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, order []byte) {
		name := names[int(which)%len(names)]
		up := quiet()
		defer up.Pool.Close()
		m := machineOf(t, protocols[name].source, up)
		for _, o := range order {
			pool := pools[name]
			in := up.Pool.Get()
			for _, part := range pool[int(o)%len(pool)] {
				in.Append(part)
			}
			for event := m.feed(in); event != nil; event = m.more() {
				if event.Parts() == 0 {
					t.Fatal("an event without frames")
				}
				up.Pool.Put(event)
			}
			if o == 255 {
				m.restart()
			}
		}
		m.restart()
		_ = fmt.Sprint(up.Count.Discards())
	})
}
