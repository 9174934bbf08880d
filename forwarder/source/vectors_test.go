package source

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"ingestor/forwarder/dump"
	"ingestor/internal/zmq"
)

// recorded are the captures of the peers: forwarder/testdata/vectors.
func recorded(t testing.TB, name, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "testdata", "vectors", name, file))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// input is what the detector sent.
func recordedInput(t testing.TB, name string) (messages [][][]byte, posts []post) {
	t.Helper()
	for line := range bytes.Lines(recorded(t, name, "input.jsonl")) {
		var entry struct {
			Frames       [][]byte
			Method, Path string
			Body         []byte
		}
		if err := json.Unmarshal(line, &entry); err != nil {
			t.Fatal(err)
		}
		messages = append(messages, entry.Frames)
		posts = append(posts, post{entry.Method, entry.Path, entry.Body})
	}
	return messages, posts
}

type post struct {
	method, path string
	body         []byte
}

// recordedEvents are the events of one stream, from the peer's dump. Those that it
// was not assigned in are not there.
func recordedEvents(t testing.TB, name, stream string) (events [][]blob, typ string) {
	t.Helper()
	r := dump.NewReader(bytes.NewReader(recorded(t, name, "dump.cbors")))
	for {
		record, err := r.Next()
		if errors.Is(err, io.EOF) {
			return events, typ
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range record.Streams {
			if s.Name == stream {
				var frames []blob
				for _, f := range s.Frames {
					frames = append(frames, blob(f))
				}
				events, typ = append(events, frames), s.Typ
			}
		}
	}
}

// same compares the events of a source with recorded ones.
func same(t *testing.T, up *Upstream, s Source, name, stream string) {
	t.Helper()
	want, typ := recordedEvents(t, name, stream)
	if len(want) < 4 || s.Typ() != typ {
		t.Fatalf("%d events recorded of typ %q, the source says %q", len(want), typ, s.Typ())
	}
	for n, w := range want {
		if got := parts(up, event(t, s)); fmt.Sprintf("%q", got) != fmt.Sprintf("%q", w) {
			t.Fatalf("event %d is\n%q\nwant\n%q", n, got, w)
		}
	}
	silence(t, s)
}

func TestVectors_ByZeroMQ(t *testing.T) {
	for name, v := range map[string]struct {
		source, stream string
		kind           zmq.Kind
	}{
		"stins":             {"ZmqPullSingleIngester", "stins", zmq.Push},
		"eiger_legacy":      {"ZmqPullEigerLegacyIngester", "eiger", zmq.Push},
		"contrast":          {"ZmqSubContrastIngester", "contrast", zmq.Pub},
		"xspress3":          {"ZmqSubXspressIngester", "xspress3", zmq.Pub},
		"pcap_zmq":          {"ZmqSubPCAPIngester", "pcap", zmq.Pub},
		"albaem":            {"ZmqSubAlbaemIngester", "albaem", zmq.Pub},
		"lecroy_sequential": {"ZmqSubLecroyIngester", "lecroy", zmq.Pub},
	} {
		t.Run(name, func(t *testing.T) {
			up, socket := sending(t, v.kind, "tcp://127.0.0.1:*")
			s := open(t, up, Settings{Source: v.source, URL: socket.Endpoint()})
			if v.kind == zmq.Pub {
				time.Sleep(300 * time.Millisecond) // a PUB drops what nobody has subscribed to
			}
			messages, _ := recordedInput(t, name)
			for _, m := range messages {
				if err := socket.SendBytes(m...); err != nil {
					t.Fatal(err)
				}
			}
			var record struct {
				Streams []string
			}
			if err := json.Unmarshal(recorded(t, name, "config.json"), &record); err != nil {
				t.Fatal(err)
			}
			same(t, up, s, name, record.Streams[0])
		})
	}
}

func listen(t testing.TB, address string) net.Listener {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Skipf("the port is taken: %v", err)
	}
	return l
}

// panda serves text as a PandABox does, one connection after the other.
func panda(t testing.TB, connections ...string) string {
	t.Helper()
	l := listen(t, "127.0.0.1:0")
	done := make(chan struct{})
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	go func() {
		defer close(done)
		for _, text := range connections {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if _, err := bufio.NewReader(c).ReadString('\n'); err == nil {
				_, _ = io.WriteString(c, text)
			}
			_ = c.Close()
		}
	}()
	return "tcp://" + l.Addr().String()
}

func TestVectors_ByTCP(t *testing.T) {
	for _, name := range []string{"pcap_tcp", "multi_stream"} {
		t.Run(name, func(t *testing.T) {
			text := "OK\n"
			messages, _ := recordedInput(t, name)
			for _, m := range messages {
				text += string(m[0])
			}
			up := quiet()
			s := open(t, up, Settings{Source: "TcpPcapIngester", URL: panda(t, text)})
			want, typ := recordedEvents(t, name, "pcap")
			if s.Typ() != typ {
				t.Fatalf("typ %q, want %q", s.Typ(), typ)
			}
			for n, w := range want {
				if got := parts(up, event(t, s)); fmt.Sprintf("%q", got) != fmt.Sprintf("%q", w) {
					t.Fatalf("event %d is %q, want %q", n, got, w)
				}
			}
		})
	}
}

func TestVectors_SoftwareTrigger(t *testing.T) {
	s, err := New(Settings{Stream: "dummy", Source: "software_trigger", Trigger: &Trigger{Frames: []string{`{"n": {n}}`, "second"}}})
	if err != nil {
		t.Fatal(err)
	}
	up := quiet()
	want, typ := recordedEvents(t, "multi_stream", "dummy")
	if s.Typ() != typ {
		t.Fatalf("typ %q, want %q", s.Typ(), typ)
	}
	for n, w := range want {
		m, err := s.(Triggered).Step(uint64(n))
		if err != nil {
			t.Fatal(err)
		}
		// Events that the stream is not in are in no dump, and are counted all the same.
		if got := parts(up, m); n < 3 && fmt.Sprintf("%q", got) != fmt.Sprintf("%q", w) {
			t.Errorf("event %d is %q, want %q", n, got, w)
		}
	}
}

func TestVectors_ByHTTP(t *testing.T) {
	up := quiet()
	s, url := sardanaServer(t, up)
	if err := s.Open(up); err != nil {
		t.Fatal(err)
	}
	_, posts := recordedInput(t, "sardana_http")
	for _, p := range posts {
		if status, body := ask(t, p.method, url+p.path, p.body); status != http.StatusOK || body != "null" {
			t.Fatalf("%s is answered %d %s", p.path, status, body)
		}
	}
	same(t, up, s, "sardana_http", "sardana")
}
