package source

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"

	"ingestor/internal/zmq"
)

// blob is bytes as testdata/measure.py writes them.
type blob []byte

func (b *blob) UnmarshalJSON(raw []byte) error {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		*b = blob(text)
		return nil
	}
	var coded struct {
		B64 []byte `json:"b64"`
	}
	err := json.Unmarshal(raw, &coded)
	*b = coded.B64
	return err
}

// row is a header and what the peer makes of it.
type row struct {
	header  blob
	verdict string
}

func (r *row) UnmarshalJSON(raw []byte) error {
	return json.Unmarshal(raw, &[]any{&r.header, &r.verdict})
}

type splitRow struct {
	in  blob
	out []blob
}

func (r *splitRow) UnmarshalJSON(raw []byte) error {
	return json.Unmarshal(raw, &[]any{&r.in, &r.out})
}

type bodyRow struct {
	path   string
	body   blob
	status int
	out    *string
}

func (r *bodyRow) UnmarshalJSON(raw []byte) error {
	return json.Unmarshal(raw, &[]any{&r.path, &r.body, &r.status, &r.out})
}

type measurements struct {
	Rows      []row
	Sequences []struct{ In, Out [][]blob }
	Split     []splitRow
	Bodies    []bodyRow
}

func measured(t testing.TB, protocol string) measurements {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "measured", protocol+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var m measurements
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// quiet is an upstream for machines without a socket.
func quiet() *Upstream {
	log := logrus.New()
	log.SetOutput(nowhere{})
	return &Upstream{
		Pool: &zmq.Pool{}, Count: &Counters{}, Log: log, QueueBytes: 1 << 20, Wake: func() {},
		Watch: func(*zmq.Socket) {}, Unwatch: func(*zmq.Socket) {},
	}
}

type nowhere struct{}

func (nowhere) Write(b []byte) (int, error) { return len(b), nil }

var kindNames = map[kind]string{invalid: "invalid", start: "start", data: "data", end: "end", other: "other"}

var lecroyNames = map[kind]string{invalid: "invalid", prepare: "prepare", sequenceStart: "sequenceStart", sequenceEnd: "sequenceEnd", data: "data", end: "end"}

// protocols are those with headers, as testdata/measure.py calls them.
var protocols = map[string]struct {
	source string
	schema func() *schema
	names  map[kind]string
}{
	"stins":        {"zmqpull_single", stins, kindNames},
	"eiger_legacy": {"zmqpull_eiger_legacy", eigerLegacy, kindNames},
	"xspress":      {"zmqsub_xspress3", xspressSchema, kindNames},
	"albaem":       {"zmqsub_albaem", albaem, kindNames},
	"pcap":         {"zmqsub_pcap", pcapSchema, kindNames},
	"lecroy":       {"zmqsub_lecroy", lecroySchema, lecroyNames},
	"contrast":     {"zmqsub_contrast", nil, kindNames},
}

func classifier(name string) func(header []byte) kind {
	if s := protocols[name].schema; s != nil {
		schema := s()
		return func(header []byte) kind { k, _ := schema.classify(header); return k }
	}
	return func(header []byte) kind {
		m := zmq.NewMessage()
		defer m.Free()
		m.Append(header)
		return contrast{}.judge(m).kind
	}
}

func TestHeaders_AreJudgedAsThePeersJudgeThem(t *testing.T) {
	for name, p := range protocols {
		t.Run(name, func(t *testing.T) {
			judge := classifier(name)
			rows := measured(t, name).Rows
			if len(rows) < 300 {
				t.Fatalf("only %d rows", len(rows))
			}
			for _, r := range rows {
				if got := p.names[judge(r.header)]; got != r.verdict {
					t.Errorf("%.300q is %s, the peer says %s", r.header, got, r.verdict)
				}
			}
		})
	}
}

func machineOf(t testing.TB, source string, up *Upstream) machine {
	t.Helper()
	s, err := New(Settings{Stream: "s", Source: source, URL: "tcp://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	u, ok := s.(*upstream)
	if p, is := s.(pulling); is {
		u, ok = p.upstream, true
	}
	if !ok {
		t.Fatalf("%s is a %T", source, s)
	}
	return u.build(&reporter{log: up.Log, count: up.Count}, up)
}

// parts copies a message, which goes back to its pool.
func parts(up *Upstream, m *zmq.Message) []blob {
	out := []blob{}
	for i := range m.Parts() {
		out = append(out, append(blob{}, m.Part(i)...))
	}
	up.Pool.Put(m)
	return out
}

func TestSequences_GiveTheEventsThatThePeersGive(t *testing.T) {
	for name, p := range protocols {
		t.Run(name, func(t *testing.T) {
			for n, s := range measured(t, name).Sequences {
				up := quiet()
				machine := machineOf(t, p.source, up)
				got := [][]blob{}
				for _, in := range s.In {
					m := up.Pool.Get()
					for _, part := range in {
						m.Append(part)
					}
					for event := machine.feed(m); event != nil; event = machine.more() {
						got = append(got, parts(up, event))
					}
				}
				if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", s.Out) {
					t.Errorf("sequence %d gives\n%q\nwant\n%q", n, got, s.Out)
				}
				machine.restart()
				up.Pool.Close()
			}
		})
	}
}

func TestPCAP_RowsAreWrittenAsThePeersWriteThem(t *testing.T) {
	for _, r := range measured(t, "pcap").Split {
		up := quiet()
		p := machineOf(t, "zmqsub_pcap", up).(*pcap)
		p.state = running
		m := up.Pool.Get()
		m.Append(r.in)
		got := []blob{}
		for event := p.feed(m); event != nil; event = p.more() {
			got = append(got, parts(up, event)...)
		}
		if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", r.out) {
			t.Errorf("%s gives\n%q\nwant\n%q", r.in, got, r.out)
		}
	}
}

func TestSardana_BodiesAreValidatedAndWrittenAsThePeersDo(t *testing.T) {
	paths := map[string]sardanaModel{}
	for i, path := range []string{"/v1/data_desc", "/v1/record_data", "/v1/record_end"} {
		paths[path] = sardanaModels()[i]
	}
	for _, r := range measured(t, "sardana").Bodies {
		var got []byte
		var err error
		if model, ok := paths[r.path]; ok {
			got, err = model.rewrite(withoutMark(r.body))
		} else {
			err = isObject(withoutMark(r.body))
		}
		if ok := r.status == 200; ok != (err == nil) {
			// The peers take some of these here and break over them later.
			if !ok || !strings.Contains(err.Error(), "UTF-8") && !strings.Contains(err.Error(), "surrogate") && !strings.Contains(err.Error(), "nested") {
				t.Errorf("%s %.200q: %v, the peer answers %d", r.path, r.body, err, r.status)
			}
			continue
		}
		if r.out != nil && err == nil && string(got) != *r.out {
			t.Errorf("%s %.200q gives\n%s\nwant\n%s", r.path, r.body, got, *r.out)
		}
	}
}
