package forwardertest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// Compare reports what a run gave otherwise than the recording.
func Compare(t testing.TB, want, got Vector) {
	t.Helper()
	compareInputs(t, want.Input, got.Input)
	compareOutputs(t, want.Output, got.Output)
	compareConfig(t, "after the data", want.Config.AfterData, got.Config.AfterData)
	compareConfig(t, "after the end", want.Config.AfterFinish, got.Config.AfterFinish)
	if got.Config.TTL < 7 || got.Config.TTL > 10 {
		t.Errorf("the config lives %d s more, want 7 to 10", got.Config.TTL)
	}
	compareReady(t, want.Config.Ready, got.Config.Ready)
	exit := want.Config.Exit
	if !Python() {
		exit = 0 // the peer's web server ends by the signal
	}
	if got.Config.Exit != exit && (!Python() || got.Config.Exit != -1) {
		t.Errorf("exit code %d, want %d", got.Config.Exit, exit)
	}
	if !got.Config.Deleted {
		t.Error("the config is still there after the end")
	}
	if err := CompareDumps(want.Dump, got.Dump); err != nil {
		t.Errorf("dump: %v", err)
	}
}

func compareInputs(t testing.TB, want, got []Input) {
	t.Helper()
	for i, w := range want {
		// What is no UTF-8 is answered by the peer's web framework with 400;
		// promised is 422 for everything that does not validate. Both will do.
		if refused(w.Status) && refused(got[i].Status) {
			continue
		}
		if w.Status != 0 && w.Status != got[i].Status {
			t.Errorf("input %d is answered with %d, want %d", i, got[i].Status, w.Status)
		}
		if w.Method != "" && w.Status == 0 && got[i].Status >= 500 {
			t.Errorf("input %d is answered with %d", i, got[i].Status)
		}
	}
}

func refused(status int) bool {
	return status == http.StatusBadRequest || status == http.StatusUnprocessableEntity
}

// perWorker sorts outputs by worker and sequence.
func perWorker(list []Output) map[string][]Output {
	m := map[string][]Output{}
	for _, o := range list {
		m[o.Worker] = append(m[o.Worker], o)
	}
	for _, l := range m {
		slices.SortStableFunc(l, func(a, b Output) int { return a.Seq - b.Seq })
	}
	return m
}

func compareOutputs(t testing.TB, want, got []Output) {
	t.Helper()
	w, g := perWorker(want), perWorker(got)
	for _, name := range slices.Sorted(maps.Keys(w)) {
		if len(w[name]) != len(g[name]) {
			t.Errorf("%s got %d messages, want %d", name, len(g[name]), len(w[name]))
		}
		for i := range min(len(w[name]), len(g[name])) {
			if err := compareMessages(w[name][i].Frames, g[name][i].Frames); err != nil {
				t.Errorf("%s, message %d: %v", name, i, err)
			}
		}
	}
	for name := range g {
		if _, ok := w[name]; !ok {
			t.Errorf("%s got %d messages, want none", name, len(g[name]))
		}
	}
}

// header is a message's header; streams stay in their order.
type header struct {
	event   json.Number
	created string
	streams []headerStream
}

type headerStream struct {
	name, typ string
	frames    [][]byte
}

// compareMessages compares two messages but for their time; streams may come
// in any order, and with them their frames.
func compareMessages(want, got [][]byte) error {
	w, err := parseMessage(want)
	if err != nil {
		return fmt.Errorf("the recorded one: %w", err)
	}
	g, err := parseMessage(got)
	if err != nil {
		return err
	}
	if w.event != g.event {
		return fmt.Errorf("event %s, want %s", g.event, w.event)
	}
	if !strings.HasSuffix(g.created, "Z") {
		return fmt.Errorf("created_at %q is not in UTC", g.created)
	}
	if _, err := time.Parse(time.RFC3339Nano, g.created); err != nil {
		return fmt.Errorf("created_at: %w", err)
	}
	byName := func(a, b headerStream) int { return strings.Compare(a.name, b.name) }
	slices.SortFunc(w.streams, byName)
	slices.SortFunc(g.streams, byName)
	if len(w.streams) != len(g.streams) {
		return fmt.Errorf("%d streams, want %d", len(g.streams), len(w.streams))
	}
	for i, ws := range w.streams {
		gs := g.streams[i]
		if ws.name != gs.name || ws.typ != gs.typ {
			return fmt.Errorf("stream %s (%s), want %s (%s)", gs.name, gs.typ, ws.name, ws.typ)
		}
		if err := compareFrames(ws.frames, gs.frames); err != nil {
			return fmt.Errorf("event %s, stream %s: %w", w.event, ws.name, err)
		}
	}
	return nil
}

func compareFrames(want, got [][]byte) error {
	if len(want) != len(got) {
		return fmt.Errorf("%d frames, want %d", len(got), len(want))
	}
	for i := range want {
		if !bytes.Equal(want[i], got[i]) {
			return fmt.Errorf("frame %d is %.300q, want %.300q", i, got[i], want[i])
		}
	}
	return nil
}

// parseMessage reads a header strictly: these keys and no others.
func parseMessage(parts [][]byte) (header, error) {
	var h header
	d := json.NewDecoder(bytes.NewReader(parts[0]))
	d.DisallowUnknownFields()
	d.UseNumber()
	var raw struct {
		Event   json.Number     `json:"event_number"`
		Streams json.RawMessage `json:"streams"`
		Created string          `json:"created_at"`
	}
	if err := d.Decode(&raw); err != nil {
		return h, fmt.Errorf("header %s: %w", parts[0], err)
	}
	h.event, h.created = raw.Event, raw.Created
	keys, err := objectKeys(raw.Streams)
	if err != nil {
		return h, fmt.Errorf("header %s: %w", parts[0], err)
	}
	var streams map[string]struct {
		Typ    string `json:"typ"`
		Length int    `json:"length"`
	}
	if err := json.Unmarshal(raw.Streams, &streams); err != nil {
		return h, fmt.Errorf("header %s: %w", parts[0], err)
	}
	rest := parts[1:]
	for _, k := range keys {
		n := streams[k].Length
		if n > len(rest) {
			return h, fmt.Errorf("header %s: only %d frames", parts[0], len(parts)-1)
		}
		h.streams = append(h.streams, headerStream{k, streams[k].Typ, rest[:n]})
		rest = rest[n:]
	}
	if len(rest) > 0 {
		return h, fmt.Errorf("header %s: %d frames too many", parts[0], len(rest))
	}
	return h, nil
}

// objectKeys are the keys of a JSON object, in order.
func objectKeys(raw []byte) ([]string, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if tok, err := d.Token(); err != nil || tok != json.Delim('{') {
		return nil, fmt.Errorf("not an object: %s: %w", raw, err)
	}
	var keys []string
	for d.More() {
		tok, err := d.Token()
		if err != nil {
			return nil, err
		}
		keys = append(keys, tok.(string))
		var skip json.RawMessage
		if err := d.Decode(&skip); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// compareConfig compares two published states: the same fields in the same
// order, and their values but for what is of one run.
func compareConfig(t testing.TB, when string, wantRaw, gotRaw json.RawMessage) {
	t.Helper()
	wk, err1 := objectKeys(wantRaw)
	gk, err2 := objectKeys(gotRaw)
	var w, g Config
	if err := firstError(err1, err2, json.Unmarshal(wantRaw, &w), json.Unmarshal(gotRaw, &g)); err != nil {
		t.Errorf("config %s: %v", when, err)
		return
	}
	if !slices.Equal(wk, gk) {
		t.Errorf("config %s: fields %v, want %v", when, gk, wk)
	}
	if g.ServiceUUID.Version() != 4 {
		t.Errorf("config %s: service_uuid %s is not of version 4", when, g.ServiceUUID)
	}
	if !strings.HasPrefix(g.URL, "tcp://") {
		t.Errorf("config %s: url %s", when, g.URL)
	}
	names := func(c Config) []string {
		list := []string{}
		for id, cw := range c.Workers {
			if cw.ServiceUUID.String() != id {
				t.Errorf("config %s: worker %s under the key %s", when, cw.ServiceUUID, id)
			}
			list = append(list, cw.Name)
		}
		slices.Sort(list)
		return list
	}
	now := float64(time.Now().UnixMilli()) / 1000
	for _, cw := range g.Workers {
		if cw.LastSeen < now-30 || cw.LastSeen > now+1 {
			t.Errorf("config %s: last_seen %f, now is %f", when, cw.LastSeen, now)
		}
	}
	type values struct {
		Mapping, Version, Hash string
		Processed              int
		Name                   string
		Streams, Workers       []string
	}
	of := func(c Config) values {
		return values{text(c.Mapping), text(c.Version), text(c.ParametersHash), c.Processed, c.Name, c.Streams, names(c)}
	}
	if wv, gv := of(w), of(g); !reflect.DeepEqual(wv, gv) {
		t.Errorf("config %s: %+v, want %+v", when, gv, wv)
	}
}

func text[T any](p *T) string {
	if p == nil {
		return "null"
	}
	return fmt.Sprint(*p)
}

func compareReady(t testing.TB, want, got []Entry) {
	t.Helper()
	if len(want) != len(got) {
		t.Errorf("%d ready messages, want %d: %v", len(got), len(want), got)
		return
	}
	for i := range want {
		var w, g any
		if err := firstError(json.Unmarshal([]byte(want[i].Data), &w), json.Unmarshal([]byte(got[i].Data), &g)); err != nil {
			t.Errorf("ready message %s: %v", got[i].Data, err)
		}
		if !reflect.DeepEqual(w, g) {
			t.Errorf("ready message %s, want %s", got[i].Data, want[i].Data)
		}
	}
}

// CompareDumps compares two dumps byte for byte but for the times, and for the
// order of streams within a record.
func CompareDumps(want, got []byte) error {
	w, err := DumpRecords(want)
	if err != nil {
		return fmt.Errorf("the recorded one: %w", err)
	}
	g, err := DumpRecords(got)
	if err != nil {
		return err
	}
	for i := range min(len(w), len(g)) {
		if !bytes.Equal(w[i].Prefix, g[i].Prefix) || !bytes.Equal(w[i].Event, g[i].Event) {
			return fmt.Errorf("record %d begins with %x %x, want %x %x", i, g[i].Prefix, g[i].Event, w[i].Prefix, w[i].Event)
		}
		if a, b := slices.Sorted(maps.Keys(w[i].Streams)), slices.Sorted(maps.Keys(g[i].Streams)); !slices.Equal(a, b) {
			return fmt.Errorf("record %d holds %v, want %v", i, b, a)
		}
		for name, ws := range w[i].Streams {
			if !bytes.Equal(ws, g[i].Streams[name]) {
				return fmt.Errorf("record %d, stream %s: %x, want %x", i, name, g[i].Streams[name], ws)
			}
		}
	}
	if len(w) != len(g) {
		return fmt.Errorf("%d records, want %d", len(g), len(w))
	}
	return nil
}

// DumpRecord is one record of a dump, as encoded.
type DumpRecord struct {
	Prefix, Event []byte
	Streams       map[string]cbor.RawMessage
	Created       time.Time
}

// DumpRecords reads the records of a dump.
func DumpRecords(b []byte) ([]DumpRecord, error) {
	var list []DumpRecord
	d := cbor.NewDecoder(bytes.NewReader(b))
	for {
		// The decoder passes over the self-describing tag; so the bytes are
		// taken from between its offsets.
		from := d.NumBytesRead()
		var raw cbor.RawMessage
		if err := d.Decode(&raw); errors.Is(err, io.EOF) {
			return list, nil
		} else if err != nil {
			return list, fmt.Errorf("record %d: %w", len(list), err)
		}
		r, err := dumpRecord(b[from:d.NumBytesRead()])
		if err != nil {
			return list, fmt.Errorf("record %d: %w", len(list), err)
		}
		list = append(list, r)
	}
}

// prefixLength is that of two tags and the head of an array.
const prefixLength = 7

func dumpRecord(raw []byte) (DumpRecord, error) {
	r := DumpRecord{Prefix: raw[:min(prefixLength, len(raw))]}
	var inner cbor.RawTag
	var fields []cbor.RawMessage
	if err := cbor.Unmarshal(raw, &inner); err != nil {
		return r, err
	}
	if err := cbor.Unmarshal(inner.Content, &fields); err != nil {
		return r, err
	}
	if len(fields) != 3 {
		return r, fmt.Errorf("%d fields", len(fields))
	}
	r.Event = fields[0]
	var created string
	var tag cbor.RawTag
	err := firstError(cbor.Unmarshal(fields[1], &r.Streams), cbor.Unmarshal(fields[2], &tag))
	if err == nil {
		err = cbor.Unmarshal(tag.Content, &created)
	}
	if err != nil {
		return r, err
	}
	if tag.Number != 0 || !strings.HasSuffix(created, "Z") {
		return r, fmt.Errorf("time %d(%q)", tag.Number, created)
	}
	r.Created, err = time.Parse(time.RFC3339Nano, created)
	return r, err
}
