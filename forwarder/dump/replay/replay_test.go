package replay

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ingestor/forwarder/dump"
	"ingestor/internal/fault"
	"ingestor/internal/zmq"
)

func vector(name, file string) string {
	return filepath.Join("..", "..", "testdata", "vectors", name, file)
}

func records(t *testing.T, path string) (all []dump.Record) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for r := dump.NewReader(bytes.NewReader(b)); ; {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, rec)
	}
}

// upstream is what the peer's upstream had sent in the recording.
func upstream(t *testing.T, name string) (all [][][]byte) {
	t.Helper()
	b, err := os.ReadFile(vector(name, "input.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(b) {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var m struct{ Frames []string }
		if err := json.Unmarshal(line, &m); err != nil {
			t.Fatal(err)
		}
		var parts [][]byte
		for _, f := range m.Frames {
			part, err := base64.StdEncoding.DecodeString(f)
			if err != nil {
				t.Fatal(err)
			}
			parts = append(parts, part)
		}
		all = append(all, parts)
	}
	return all
}

func fileOpener(name string) (io.ReadCloser, error) { return os.Open(name) }

// freeAddress is a port of this machine that was free a moment ago.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// receiver is a socket of libzmq that collects messages until it is ended.
func receiver(t *testing.T, kind zmq.Kind, address string, topics ...string) (end func() [][][]byte) {
	t.Helper()
	c, err := zmq.NewContext(zmq.ContextOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Socket(kind, zmq.SocketOptions{ReceiveTimeout: 20 * time.Millisecond, Subscribe: topics})
	if err == nil {
		err = s.Connect("tcp://" + address)
	}
	if err != nil {
		t.Fatal(err)
	}
	stop, done := make(chan struct{}), make(chan struct{})
	var all [][][]byte
	go func() {
		defer close(done)
		for {
			m, err := s.ReceiveBytes()
			switch {
			case err == nil:
				all = append(all, m)
				continue
			case !errors.Is(err, zmq.ErrAgain):
				t.Error(err)
			}
			select {
			case <-stop: // and nothing is there any more
				return
			default:
			}
		}
	}()
	return func() [][][]byte {
		close(stop)
		<-done
		if err := errors.Join(s.Close(), c.Close()); err != nil {
			t.Error(err)
		}
		return all
	}
}

// topics are all for a SUB.
func topics(kind zmq.Kind) []string {
	if kind == zmq.Sub {
		return []string{""}
	}
	return nil
}

func play(t *testing.T, o Options) error {
	t.Helper()
	o.Open = fileOpener
	if o.Rounds == 0 {
		o.Rounds = 1
	}
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	return p.Run(ctx)
}

func equal(a, b [][]byte) bool { return slices.EqualFunc(a, b, bytes.Equal) }

// TestReplay_ZeroMQVectors: libzmq receives what the upstream had sent, but for
// what the ingester had dropped.
func TestReplay_ZeroMQVectors(t *testing.T) {
	for name, kind := range map[string]zmq.Kind{
		"stins": zmq.Pull, "eiger_legacy": zmq.Pull, "contrast": zmq.Sub, "xspress3": zmq.Sub,
		"albaem": zmq.Sub, "lecroy_sequential": zmq.Sub, "pcap_zmq": zmq.Sub,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := freeAddress(t)
			end := receiver(t, kind, address, topics(kind)...)
			if err := play(t, Options{Files: []string{vector(name, "dump.cbors")}, Addresses: map[string]string{"": "tcp://" + address}}); err != nil {
				t.Fatal(err)
			}
			got := end()
			events := records(t, vector(name, "dump.cbors"))
			switch name {
			case "lecroy_sequential":
			case "pcap_zmq": // each row became a message
				wantPCAP(t, got, events)
				return
			default:
				if len(got) != len(events) {
					t.Fatalf("%d messages, want %d", len(got), len(events))
				}
				for i, e := range events {
					if !equal(got[i], e.Streams[0].Frames) {
						t.Errorf("message %d is %q, want %q", i, got[i], e.Streams[0].Frames)
					}
				}
			}
			wantOf(t, got, upstream(t, name))
		})
	}
}

// wantOf wants all messages from the upstream's, in its order. One of three
// parts may have been three.
func wantOf(t *testing.T, got, sent [][][]byte) {
	t.Helper()
	at := 0
	for i, m := range got {
		for ; ; at++ {
			if at == len(sent) {
				t.Fatalf("message %d was not sent, or not there: %q", i, m)
			}
			if equal(m, sent[at]) {
				break
			}
			if at+len(m) <= len(sent) && equal(m, slices.Concat(sent[at:at+len(m)]...)) {
				at += len(m) - 1
				break
			}
		}
		at++
	}
}

func wantPCAP(t *testing.T, got [][][]byte, events []dump.Record) {
	t.Helper()
	if len(got) != len(events) {
		t.Fatalf("%d messages, want %d", len(got), len(events))
	}
	for i, e := range events {
		event := e.Streams[0].Frames[0]
		if i == 0 || i == len(events)-1 {
			if !bytes.Equal(got[i][0], event) {
				t.Errorf("got %s, want %s", got[i][0], event)
			}
			continue
		}
		// Taking the brackets off again gives the row.
		back := strings.NewReplacer("[", "", "]", "").Replace(string(got[i][0]))
		if back != strings.NewReplacer("[", "", "]", "").Replace(string(event)) || bytes.Equal(got[i][0], event) {
			t.Errorf("got %s of %s", got[i][0], event)
		}
	}
}

func TestUnpack_PCAP(t *testing.T) {
	for in, want := range map[string]string{
		`{"message_type":"data","a":1e+22,"frame_number":3}`:             `{"message_type":"data","a":[1e+22],"frame_number":3}`,
		`{"message_type":"data","a":NaN,"b":-Infinity,"c":null}`:         `{"message_type":"data","a":[NaN],"b":[-Infinity],"c":[null]}`,
		`{"message_type":"data","a":{"x":[1,2]},"b":[1],"\"é":"\u00e9"}`: `{"message_type":"data","a":[{"x":[1,2]}],"b":[[1]],"\"é":["\u00e9"]}`,
		`{"message_type": "series-end", "a": 1}`:                         `{"message_type": "series-end", "a": 1}`,
		`{}`:                                                             `{}`,
	} {
		got, err := newUnpacker().messages(typPCAP, [][]byte{[]byte(in)})
		if err != nil || len(got) != 1 || string(got[0][0]) != want {
			t.Errorf("%s: got %s, %v, want %s", in, got, err, want)
		}
	}
	for _, in := range []string{``, `[]`, `{"message_type":"data"`, `{"message_type":"data","a":}`} {
		if got, err := newUnpacker().messages(typPCAP, [][]byte{[]byte(in)}); err == nil {
			t.Errorf("%s: got %s", in, got)
		}
	}
}

func TestUnpack_Lecroy(t *testing.T) {
	const (
		prepare    = `{"htype": "msg", "what": 0, "frame": 0}`
		continuous = `{"htype": "msg", "what": 1, "ntriggers": -1}`
		sequence   = `{"htype": "msg", "what": 1, "ntriggers": 2}`
		traces     = `{"htype": "traces", "ch": 1}`
		seqEnd     = `{"htype": "msg", "what": 2}`
		end        = `{"htype": "msg", "what": 3}`
	)
	for _, c := range []struct {
		name string
		in   [][]string
		want []string // parts joined by +
	}{
		{"sequential: each event begins its sequence", [][]string{{prepare}, {sequence, traces, "w", "[1]", traces, "{}", "", seqEnd}, {sequence, seqEnd}, {end}},
			[]string{prepare, sequence, traces + "+w+[1]", traces + "+{}+", seqEnd, sequence, seqEnd, end}},
		{"continuous: the start is sent once, and again after the next prepare",
			[][]string{{prepare}, {continuous, traces, "w", "t", seqEnd}, {continuous, traces, "x", "t", seqEnd}, {end}, {prepare}, {continuous, seqEnd}, {continuous, seqEnd}, {end}},
			[]string{prepare, continuous, traces + "+w+t", seqEnd, traces + "+x+t", seqEnd, end, prepare, continuous, seqEnd, seqEnd, end}},
		{"parts that should not be there, and missing ones", [][]string{{"\xff", traces, "w", traces, seqEnd, "x", "y"}, {}}, []string{"\xff", traces + "+w", traces, seqEnd + "+x+y"}},
		{"a continuous start of two parts is repeated by one", [][]string{{continuous, "two", traces, "w", "t", seqEnd}, {continuous, traces, "x", "t", seqEnd}, {continuous, continuous, seqEnd}},
			[]string{continuous + "+two", traces + "+w+t", seqEnd, traces + "+x+t", seqEnd, continuous, seqEnd}},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := newUnpacker()
			var got []string
			for _, event := range c.in {
				var frames [][]byte
				for _, f := range event {
					frames = append(frames, []byte(f))
				}
				all, err := u.messages(typLecroy, frames)
				if err != nil {
					t.Fatal(err)
				}
				for _, m := range all {
					got = append(got, string(bytes.Join(m, []byte("+"))))
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestUnpack_Sardana(t *testing.T) {
	for in, want := range map[string]string{
		`{"type":"RecordData","timestamp":null,"v":null}`: `{"type":"RecordData","timestamp":NaN,"v":null}`,
		`{"type":"RecordData", "timestamp":1}`:            `{"type":"RecordData", "timestamp":1}`,
		`{"type":"RecordEnd"}`:                            `{"type":"RecordEnd"}`,
	} {
		if got, err := newUnpacker().sardana([]byte(in)); err != nil || string(got) != want {
			t.Errorf("%s: got %s, %v, want %s", in, got, err, want)
		}
	}
}

func TestUnpack_Xspress(t *testing.T) {
	for in, want := range map[string]string{
		`{"htype":"image"},a,b`:            `{"htype":"image"}+a+b`,
		`{"htype":"image"},a,b,c`:          `{"htype":"image"} a b+c`,
		`{"frame":1},a,b,c,d`:              `{"frame":1} a b+c+d`,
		`{"htype":"series_end"},a,b,c`:     `{"htype":"series_end"}+a+b+c`,
		`{"htype":"header","filename":""}`: `{"htype":"header","filename":""}`,
	} {
		parts := bytes.Split([]byte(in), []byte(","))
		if strings.Contains(in, "filename") {
			parts = [][]byte{[]byte(in)}
		}
		all, err := newUnpacker().messages(typXspress, parts)
		var got []string
		for _, m := range all {
			got = append(got, string(bytes.Join(m, []byte("+"))))
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: got %q, %v, want %s", in, got, err, want)
		}
	}
}

// TestReplay_Lines: a client that asks gets every frame, and the end.
func TestReplay_Lines(t *testing.T) {
	address := freeAddress(t)
	got := make(chan []byte, 1)
	go func() {
		for {
			conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
			if err != nil {
				time.Sleep(5 * time.Millisecond)
				continue
			}
			_, _ = conn.Write([]byte("\n"))
			b, err := io.ReadAll(conn)
			if err != nil {
				t.Error(err)
			}
			_ = conn.Close()
			got <- b
			return
		}
	}()
	// The other stream of the file has a typ of nobody: it is left out.
	file := vector("multi_stream", "dump.cbors")
	if err := play(t, Options{Files: []string{file}, Streams: []string{"pcap"}, Addresses: map[string]string{"pcap": "tcp://" + address}}); err != nil {
		t.Fatal(err)
	}
	want := []byte("OK\n")
	for _, r := range records(t, file) {
		for _, s := range r.Streams {
			if s.Name == "pcap" {
				want = append(want, s.Frames[0]...)
			}
		}
	}
	if b := <-got; !bytes.Equal(b, want) {
		t.Errorf("got %q, want %q", b, want)
	}
}

// TestReplay_Posts: each body goes to its path, also to a server that comes late.
func TestReplay_Posts(t *testing.T) {
	address := freeAddress(t)
	var mu sync.Mutex
	var got []string
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		got = append(got, r.URL.Path+" "+string(b))
		if len(got) > 6 {
			http.Error(w, "refused", http.StatusUnprocessableEntity)
		}
	}))
	file := vector("sardana_http", "dump.cbors")
	o := Options{Files: []string{file}, Addresses: map[string]string{"sardana": "http://" + address}}
	ended := make(chan error, 1)
	go func() { ended <- play(t, o) }()
	time.Sleep(30 * time.Millisecond)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server.Listener = l
	server.Start()
	defer server.Close()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	var want []string
	for i, r := range records(t, file) {
		path := "/v1/record_data"
		switch i {
		case 0:
			path = "/v1/data_desc"
		case 5:
			path = "/v1/record_end"
		}
		want = append(want, path+" "+string(r.Streams[0].Frames[0]))
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if err := play(t, o); fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "422") {
		t.Errorf("a refusal is %v", err)
	}
}
