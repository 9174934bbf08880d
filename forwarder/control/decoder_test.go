package control

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// written is a batch as text: "4[w1 w2]-" is event 4, stream 0 to two workers,
// no frame of stream 1.
func written(b Batch) string {
	var out []string
	for i, e := range b.Events {
		s := fmt.Sprint(e)
		for _, set := range b.Sets[i*b.Streams : (i+1)*b.Streams] {
			if set == nil {
				s += "-"
			} else {
				s += fmt.Sprint(set.Names)
			}
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

func TestDecoder(t *testing.T) {
	for _, c := range []struct {
		name    string
		active  []string
		entries []string
		want    string
		fault   string // of the last entry
	}{
		{"the example of the protocol", []string{"contrast", "pcap"}, []string{
			`[{"event_number":1,"assignments":{"stins":["w1"]}}, {"event_number":2,"assignments":{"stins":[]}},
			{"event_number":3,"assignments":{"otherstream":["w1"]}},
			{"event_number":4,"assignments":{"contrast":["w1"],"eiger":["w1","w2"],"pcap":["w2"]}}]`}, "4[w1][w2]", ""},
		{"an empty list is no absent stream", []string{"x", "y"}, []string{`[{"event_number":2,"assignments":{"x":[]}}]`}, "2[]-", ""},
		{"an empty array", []string{"x"}, []string{`[]`}, "", ""},
		{"fields in another order, and unknown ones", []string{"x"}, []string{`[{"z":{"x":[1]},"assignments":{"x":["w"]},"event_number":7}]`}, "7[w]", ""},
		{"a worker named twice gets one frame", []string{"x"}, []string{`[{"event_number":0,"assignments":{"x":["w","v","w"]}}]`}, "0[w v]", ""},
		{"of a repeated field the last counts", []string{"x", "y"}, []string{
			`[{"event_number":0,"event_number":1,"assignments":{"x":["a"]},"assignments":{"y":["b"],"y":["c"]}}]`}, "1-[c]", ""},
		{"numbers may leave gaps", []string{"x"}, []string{one(3, `"x":["w"]`), one(18446744073709551, `"x":[]`)}, "3[w] 18446744073709551[]", ""},
		{"repeated and backward numbers are left out", []string{"x"}, []string{
			one(0, `"x":["w"]`), one(0, `"x":["w"]`), one(5, `"q":[]`), one(4, `"x":["w"]`), one(5, `"x":["w"]`), one(6, `"x":["w"]`)}, "0[w] 6[w]", ""},
		{"what was before a malformed entry stays", []string{"x"}, []string{one(1, `"x":["w"]`),
			`[{"event_number":2,"assignments":{"x":["w"]}},{"event_number":3}]`}, "1[w]", "assignment 1: assignments is missing"},
		{"no event number", []string{"x"}, []string{`[{"assignments":{"x":["w"]}}]`}, "", "assignment 0: event_number is missing"},
		{"a negative number", []string{"x"}, []string{one(-1, `"x":["w"]`)}, "", "whole number"},
		{"a worker that is no text", []string{"x"}, []string{one(1, `"x":["w",2]`)}, "", `workers of stream "x"`},
		{"null instead of workers", []string{"x"}, []string{one(1, `"x":null`)}, "", `workers of stream "x"`},
		{"no array", []string{"x"}, []string{`{}`}, "", "an array was expected"},
		{"an entry cut off", []string{"x"}, []string{`[{"event_number":1,"assignments":{"x":["w"]}},`}, "", "ends too early"},
		{"a second array", []string{"x"}, []string{`[][]`}, "", "something follows"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDecoder(c.active)
			var err error
			for _, e := range c.entries {
				if err != nil {
					t.Fatal(err)
				}
				err = d.add([]byte(e))
			}
			b, _, _ := d.take()
			if got := written(b); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if (err == nil) != (c.fault == "") || (err != nil && !strings.Contains(err.Error(), c.fault)) {
				t.Errorf("error %v, want %q", err, c.fault)
			}
		})
	}
}

func TestDecoder_EqualSetsAreOnePointer(t *testing.T) {
	d := newDecoder([]string{"x", "y"})
	for i, e := range []string{`"x":["w1","w2"],"y":["w1","w2"]`, `"x":[ "w1" , "w2" ],"y":[]`, `"x":["\u0077\u0031","w2"],"y":["w1\",\"w2"]`} {
		if err := d.add([]byte(one(i, e))); err != nil {
			t.Fatal(err)
		}
	}
	b, read, _ := d.take()
	for i := range 3 {
		if b.Sets[2*i] != b.Sets[0] {
			t.Errorf("event %d: another pointer for %v", i, b.Sets[2*i].Names)
		}
	}
	if b.Sets[1] != b.Sets[0] || b.Sets[5] == b.Sets[0] || b.Sets[3].Names == nil && len(b.Sets[3].Names) != 0 {
		t.Errorf("sets %v", b.Sets)
	}
	if err := d.add([]byte(one(9, `"x":["w1","w2"]`))); err != nil {
		t.Fatal(err)
	}
	later, _, _ := d.take()
	if later.Sets[0] != b.Sets[0] || read != 3 {
		t.Error("another pointer in the next batch")
	}
}

func TestDecoder_BatchesDoNotShareMemory(t *testing.T) {
	d := newDecoder([]string{"x"})
	if err := d.add([]byte(one(1, `"x":["a"]`))); err != nil {
		t.Fatal(err)
	}
	first, _, _ := d.take()
	if err := d.add([]byte(one(2, `"x":["b"]`))); err != nil {
		t.Fatal(err)
	}
	second, _, _ := d.take()
	if written(first) != "1[a]" || written(second) != "2[b]" {
		t.Errorf("%q, %q", written(first), written(second))
	}
}

// large is an entry of n assignments of one or more streams.
func large(n int, streams ...string) []byte {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,{"event_number":%d,"assignments":{`, i)
		for j, s := range streams {
			fmt.Fprintf(&b, `%.*s"%s":["w%d"]`, min(j, 1), ",", s, i/10%8)
		}
		b.WriteString("}}")
	}
	return []byte("[" + b.String()[1:] + "]")
}

func TestDecoder_LargeEntriesNeedNoAllocationAnAssignment(t *testing.T) {
	text := large(10000, "x", "other")
	d := newDecoder([]string{"x"})
	run := func() {
		d.any = false
		if err := d.add(text); err != nil {
			t.Fatal(err)
		}
		if b, _, _ := d.take(); len(b.Events) != 10000 {
			t.Fatalf("%d events", len(b.Events))
		}
	}
	run()
	if n := testing.AllocsPerRun(5, run); n > 2 {
		t.Errorf("%v allocations for 10000 assignments, want the two of the batch", n)
	}
}

func BenchmarkDecoder(b *testing.B) {
	for _, streams := range [][]string{{"x"}, {"x", "y", "z"}} {
		b.Run(fmt.Sprintf("%d_streams", len(streams)), func(b *testing.B) {
			const n = 10000
			text := large(n, streams...)
			d := newDecoder(streams)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				d.any = false
				if err := d.add(text); err != nil {
					b.Fatal(err)
				}
				d.take()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/assignment")
		})
	}
}

// FuzzDecoder: no input panics; what is taken is what encoding/json reads, its
// numbers only grow, and every event concerns a stream of ours.
func FuzzDecoder(f *testing.F) {
	f.Add([]byte(`[{"event_number":4,"assignments":{"x":["w1"],"eiger":["w1","w2"],"y":[]}}]`), []byte(`[{"event_number":5,"assignments":{"x":["w1"]}}]`))
	f.Add([]byte(`[{"event_number":4,"assignments":{"z":["w1"]}},{"event_number":3,"assignments":{"x":["w1"]}}]`), []byte(`[]`))
	f.Add([]byte(`[{"assignments":{"x":["\u0041","A"]},"event_number":1,"q":null}]`), []byte(`[{"event_number":1.0}]`))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		d := newDecoder([]string{"x", "y"})
		var last uint64
		begun := false
		for _, entry := range [][]byte{first, second} {
			err := d.add(entry)
			b, _, _ := d.take()
			if len(b.Sets) != len(b.Events)*2 || (err != nil && len(b.Events) > 0) {
				t.Fatalf("%d events, %d sets, error %v", len(b.Events), len(b.Sets), err)
			}
			if err != nil {
				continue
			}
			var want []struct {
				Event       uint64              `json:"event_number"`
				Assignments map[string][]string `json:"assignments"`
			}
			plain := json.Unmarshal(entry, &want) == nil
			names := map[uint64]map[string][]string{}
			for _, w := range want {
				names[w.Event] = w.Assignments
			}
			for i, e := range b.Events {
				if begun && e <= last {
					t.Fatalf("event %d after %d", e, last)
				}
				last, begun = e, true
				if b.Sets[2*i] == nil && b.Sets[2*i+1] == nil {
					t.Fatalf("event %d concerns nobody", e)
				}
				// encoding/json also takes keys in other cases; and repeated ones.
				if !plain || strings.Count(strings.ToLower(string(entry)), "x") != 1 || b.Sets[2*i] == nil {
					continue
				}
				unique := slices.Compact(slices.Sorted(slices.Values(names[e]["x"])))
				if got := slices.Sorted(slices.Values(b.Sets[2*i].Names)); !slices.Equal(got, unique) {
					t.Fatalf("event %d: %q, want %q", e, got, unique)
				}
			}
		}
	})
}
