package telemetry

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
)

func graylog(t *testing.T) (*net.UDPConn, LogOptions) {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	port := conn.LocalAddr().(*net.UDPAddr).Port
	return conn, LogOptions{Program: "p", GraylogHost: "127.0.0.1", GraylogPort: port, GraylogFacility: "scicat.ingestor"}
}

// unpack reads a GELF message.
func unpack(t *testing.T, packed []byte) map[string]any {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return decode(t, plain)
}

func decode(t *testing.T, plain []byte) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(plain, &m); err != nil {
		t.Fatalf("%q: %v", plain, err)
	}
	return m
}

func TestGelf_MessageOverUDP(t *testing.T) {
	conn, o := graylog(t)
	log, _, _ := logger(t, o)
	before := float64(time.Now().Unix())
	log.WithFields(logrus.Fields{"job_id": "j", "attempt": 3, "id": "x", "took time": 2 * time.Second, "err": errors.New("no")}).Error("went\nwrong")
	m := unpack(t, packet(t, conn))
	for name, want := range map[string]any{
		"version": "1.1", "short_message": "went\nwrong", "level": 3.0, "facility": "scicat.ingestor",
		"_program": "p", "_job_id": "j", "_attempt": 3.0, "_id_": "x", "_took_time": "2s", "_err": "no",
	} {
		if m[name] != want {
			t.Errorf("%s is %v, want %v", name, m[name], want)
		}
	}
	if host, _ := m["host"].(string); host == "" {
		t.Error("no host")
	}
	if at, _ := m["timestamp"].(float64); at < before || at > before+3600 {
		t.Errorf("timestamp %v", m["timestamp"])
	}
}

func TestGelf_LargeMessageComesInChunks(t *testing.T) {
	conn, o := graylog(t)
	log, _, _ := logger(t, o)
	random := rand.New(rand.NewPCG(1, 2))
	var long strings.Builder
	for long.Len() < 5*gelfChunk {
		long.WriteByte(byte('!' + random.IntN(90)))
	}
	log.Info(long.String())
	first := packet(t, conn)
	count := int(first[11])
	parts := make([][]byte, count)
	for i, p := 0, first; ; i, p = i+1, packet(t, conn) {
		if len(p) > gelfChunk || p[0] != 0x1e || p[1] != 0x0f || !bytes.Equal(p[2:10], first[2:10]) || int(p[11]) != count {
			t.Fatalf("chunk %d begins % x", i, p[:gelfHeader])
		}
		parts[p[10]] = p[gelfHeader:]
		if i == count-1 {
			break
		}
	}
	if m := unpack(t, bytes.Join(parts, nil)); count < 2 || m["short_message"] != long.String() {
		t.Errorf("%d chunks do not make the message", count)
	}
}

func TestGelfSplit_RefusesWhatTheFormatCannotHold(t *testing.T) {
	const most = gelfChunks * (gelfChunk - gelfHeader)
	if chunks, err := gelfSplit(make([]byte, most), 1); err != nil || len(chunks) != gelfChunks {
		t.Errorf("%d chunks, %v", len(chunks), err)
	}
	if _, err := gelfSplit(make([]byte, most+1), 1); err == nil {
		t.Error("129 chunks")
	}
}

func TestGelf_TextsAreCutToWhatTheChunksHold(t *testing.T) {
	conn, o := graylog(t)
	log, _, _ := logger(t, o)
	log.WithField("stderr", strings.Repeat("y", 10*gelfText)).Info(strings.Repeat("x", 10*gelfText))
	m := unpack(t, packet(t, conn))
	for _, name := range []string{"short_message", "_stderr"} {
		if text, _ := m[name].(string); len(text) != gelfText+3 || !strings.HasSuffix(text, "...") {
			t.Errorf("%s has %d bytes", name, len(text))
		}
	}
}

func TestGelf_MessagesOverTCPEndInAZeroByte(t *testing.T) {
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	log, _, _ := logger(t, LogOptions{GraylogHost: "127.0.0.1", GraylogPort: listener.Addr().(*net.TCPAddr).Port, GraylogProtocol: "tcp"})
	log.Info("one")
	log.Info("two")
	if err := listener.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(conn)
	for _, want := range []string{"one", "two"} {
		record, err := r.ReadBytes(0)
		if err != nil {
			t.Fatal(err)
		}
		if m := decode(t, record[:len(record)-1]); m["short_message"] != want {
			t.Errorf("got %v, want %s", m, want)
		}
	}
}

func TestGelf_ServerAwayIsOneWarning(t *testing.T) {
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	log, end, stderr := logger(t, LogOptions{GraylogHost: "127.0.0.1", GraylogPort: port, GraylogProtocol: "tcp"})
	for range 5 {
		log.Info("work goes on")
	}
	if err := end(); err == nil {
		t.Error("the loss is not told at the end")
	}
	if got := stderr.String(); strings.Count(got, "WARNING") != 1 || strings.Count(got, "work goes on") != 5 {
		t.Errorf("got %s", got)
	}
}

// A line that is written to a connection whose other end is closed is lost without
// a word; so the connection is left before.
func TestGelf_NothingIsLostWhenTheServerIsRestarted(t *testing.T) {
	first, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	address := first.Addr().(*net.TCPAddr)
	log, _, _ := logger(t, LogOptions{GraylogHost: "127.0.0.1", GraylogPort: address.Port, GraylogProtocol: "tcp"})
	take := func(l *net.TCPListener, want ...string) *net.TCPConn {
		t.Helper()
		deadline := time.Now().Add(time.Minute)
		if err := l.SetDeadline(deadline); err != nil {
			t.Fatal(err)
		}
		conn, err := l.AcceptTCP()
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.SetDeadline(deadline); err != nil {
			t.Fatal(err)
		}
		for r, n := bufio.NewReader(conn), 0; n < len(want); {
			record, err := r.ReadBytes(0)
			if err != nil {
				t.Fatal(err)
			}
			text := decode(t, record[:len(record)-1])["short_message"]
			if n == 0 && strings.Contains(text.(string), "log lines") {
				continue // that Graylog was away
			}
			if text != want[n] {
				t.Errorf("got %v, want %s", text, want[n])
			}
			n++
		}
		return conn
	}
	log.Info("one")
	conn := take(first, "one")
	if err := errors.Join(conn.Close(), first.Close()); err != nil {
		t.Fatal(err)
	}
	log.Info("two") // while it is away
	second, err := net.ListenTCP("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = second.Close() }()
	conn = take(second, "two")
	if err := conn.Close(); err != nil { // only the connection ends
		t.Fatal(err)
	}
	log.Info("three")
	_ = take(second, "three").Close()
}

func TestLazyConn_LooksAnewForAServerThatNeverAnswers(t *testing.T) {
	conn, o := graylog(t)
	s := newGelfSink(o)
	if err := s.conn.send([]byte("a")); err != nil {
		t.Fatal(err)
	}
	before := s.conn.conn
	packet(t, conn)
	s.conn.made = s.conn.made.Add(-2 * gelfRenew)
	if err := s.conn.send([]byte("b")); err != nil {
		t.Fatal(err)
	}
	if packet(t, conn); s.conn.conn == before {
		t.Error("the name is never resolved again")
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
}
