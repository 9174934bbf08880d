package source

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"ingestor/internal/fault"
	"ingestor/internal/zmq"
)

func discards(up *Upstream) (d [reasons]uint64) {
	for r := range reasons {
		d[r] = up.Count.Discarded(r)
	}
	return d
}

func TestPull_WhatIsStaleIsDroppedWhileAStartIsWaitedFor(t *testing.T) {
	up, push := pushing(t, "tcp://127.0.0.1:*")
	s := open(t, up, Settings{Source: "zmqpull_single", URL: push.Endpoint()})
	for _, h := range []string{stinsImage(7, 8), stinsEnd(9), "junk", stinsHeader(0), stinsImage(0, 1), stinsEnd(2)} {
		send(t, push, h)
	}
	expect(t, up, s, stinsHeader(0), stinsImage(0, 1), stinsEnd(2))
	if d := discards(up); d[NoStart] != 2 || d[Invalid] != 1 {
		t.Errorf("discards %v", up.Count.Discards())
	}
}

func TestPull_RestartKeepsWhatHasComeAndLooksThroughItForTheNextStart(t *testing.T) {
	up, push := pushing(t, "tcp://127.0.0.1:*")
	s := open(t, up, Settings{Source: "zmqpull_single", URL: push.Endpoint()})
	// The first series is left in its middle; its rest and the next series have come.
	for _, h := range []string{stinsHeader(0), stinsImage(0, 1), stinsImage(1, 2), stinsEnd(3), stinsHeader(0), stinsImage(0, 1), stinsEnd(2)} {
		send(t, push, h)
	}
	expect(t, up, s, stinsHeader(0), stinsImage(0, 1))
	s.(Restarter).Restart()
	expect(t, up, s, stinsHeader(0), stinsImage(0, 1), stinsEnd(2))
	silence(t, s)
	s.(Restarter).Restart()
	send(t, push, stinsHeader(5))
	expect(t, up, s, stinsHeader(5))
}

func TestPull_ASecondStartIsSwallowedAndAfterTheEndAllIsDropped(t *testing.T) {
	up, push := pushing(t, "tcp://127.0.0.1:*")
	s := open(t, up, Settings{Source: "zmqpull_single", URL: push.Endpoint()})
	for _, h := range []string{stinsHeader(0), stinsHeader(1), stinsImage(0, 2), stinsEnd(3), stinsHeader(4), stinsImage(0, 5)} {
		send(t, push, h)
	}
	expect(t, up, s, stinsHeader(0), stinsImage(0, 2), stinsEnd(3))
	silence(t, s)
	if d := discards(up); d[Repeated] != 1 || d[AfterEnd] != 2 {
		t.Errorf("discards %v", up.Count.Discards())
	}
}

func TestSub_CloseForgetsAndOpenBeginsAnew(t *testing.T) {
	up, pub := sending(t, zmq.Pub, "tcp://127.0.0.1:*")
	s := open(t, up, Settings{Source: "zmqsub_albaem", URL: pub.Endpoint()})
	if _, ok := s.(Restarter); ok {
		t.Error("a SUB keeps its socket over mappings")
	}
	begin := `{"message_type":"series-start","message_id":1,"version":1}`
	for range 2 {
		time.Sleep(200 * time.Millisecond)
		send(t, pub, begin)
		expect(t, up, s, begin)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		send(t, pub, begin) // lost
		if err := s.Open(up); err != nil {
			t.Fatal(err)
		}
		silence(t, s)
	}
}

func TestSource_ClosedGivesNothingAndClosesTwice(t *testing.T) {
	for _, name := range Names() {
		s, err := New(Settings{
			Stream: "s", Source: name, URL: map[bool]string{true: "http://127.0.0.1:0", false: "tcp://127.0.0.1:1"}[name == "http_sardana"],
			Declarative: &Declarative{Typ: "T", Field: "f", Start: []string{"a"}, Data: []string{"b"}, End: []string{"c"}},
			Trigger:     &Trigger{Frames: []string{"x"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		up := connected(t)
		if r, ok := s.(Restarter); ok {
			r.Restart()
		}
		for range 2 {
			if m, err := s.Next(); m != nil || err != nil {
				t.Errorf("%s gives %v, %v", name, m, err)
			}
			if err := s.Close(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if err := s.Open(up); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if err := s.Open(up); err != nil {
				t.Errorf("%s opened twice: %v", name, err)
			}
			if m, err := s.Next(); m != nil || err != nil {
				t.Errorf("%s gives %v, %v", name, m, err)
			}
			if err := s.Close(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if err := s.Close(); err != nil {
				t.Errorf("%s closed twice: %v", name, err)
			}
		}
	}
}

func TestPull_GapsAndRepeatsAreCountedAndTheFrameIsSent(t *testing.T) {
	up, push := pushing(t, "tcp://127.0.0.1:*")
	s := open(t, up, Settings{Source: "zmqpull_single", URL: push.Endpoint()})
	var want []string
	want = append(want, stinsHeader(0))
	for n, frame := range []int{3, 4, 7, 7, 5, 6} {
		want = append(want, stinsImage(frame, n))
	}
	for _, h := range want {
		send(t, push, h)
	}
	expect(t, up, s, want...)
	if c := up.Count; c.Gaps.Load() != 1 || c.Missing.Load() != 2 || c.Repeats.Load() != 2 {
		t.Errorf("gaps %d, missing %d, repeats %d", c.Gaps.Load(), c.Missing.Load(), c.Repeats.Load())
	}
}

func TestPull_LargeFramesLowerWhatMayWaitInTheSocket(t *testing.T) {
	up, push := pushing(t, "tcp://127.0.0.1:*")
	up.QueueBytes = 4 << 20
	s := open(t, up, Settings{Source: "zmqpull_single", URL: push.Endpoint()})
	in := s.(pulling).inputs[0]
	send(t, push, stinsHeader(0))
	expect(t, up, s, stinsHeader(0))
	if in.limit != firstLimit {
		t.Errorf("a small message sets the limit to %d", in.limit)
	}
	send(t, push, stinsImage(0, 1), strings.Repeat("x", 1<<20))
	s.(interface{ LookAhead() }).LookAhead()
	up.Pool.Put(event(t, s))
	if in.limit != 4 { // two messages were read: see input.lower
		t.Errorf("the limit is %d messages of 1 MiB", in.limit)
	}
	for n := range 2 {
		send(t, push, stinsImage(n+1, n+2), "x")
		up.Pool.Put(event(t, s))
	}
	if in.limit != 3 {
		t.Errorf("soon after it is still %d", in.limit)
	}
	for n := range 20 {
		send(t, push, stinsImage(n+3, n+4), "x")
		up.Pool.Put(event(t, s))
	}
	if in.limit != 3 {
		t.Errorf("small messages raise the limit to %d", in.limit)
	}
}

// lines collects what is logged.
func lines(up *Upstream) *bytes.Buffer {
	var b bytes.Buffer
	log := logrus.New()
	log.SetOutput(&b)
	log.SetFormatter(&logrus.TextFormatter{DisableColors: true})
	up.Log = log
	return &b
}

func TestReport_AFloodOfJunkGivesFewLinesOfASCII(t *testing.T) {
	up, push := pushing(t, "tcp://127.0.0.1:*")
	b := lines(up)
	s := open(t, up, Settings{Source: "zmqpull_single", URL: push.Endpoint()})
	for n := range 5000 {
		send(t, push, "\x1b[31m\n\xff é "+strings.Repeat("x", 1000))
		if n%100 == 0 {
			if m, err := s.Next(); m != nil || err != nil {
				t.Fatal(m, err)
			}
		}
	}
	send(t, push, stinsHeader(0))
	expect(t, up, s, stinsHeader(0))
	if n := up.Count.Discarded(Invalid); n != 5000 {
		t.Errorf("%d dropped", n)
	}
	text := b.String()
	if n := strings.Count(text, "\n"); n == 0 || n > 3 || len(text) > 3000 {
		t.Errorf("%d lines of %d bytes", n, len(text))
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r > 126 || r < 32 && r != '\n' }) || !strings.Contains(text, "level=error") {
		t.Errorf("%q", text)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "dropped=4999") {
		t.Errorf("the rest is not told: %s", b)
	}
}

func TestReport_AnUnreadableMessageBeforeTheStartIsAWarningForSub(t *testing.T) {
	up := quiet()
	b := lines(up)
	m := machineOf(t, "zmqsub_albaem", up).(*series)
	m.report.sub = true
	feed := func(text string) {
		in := up.Pool.Get()
		in.Append([]byte(text))
		if out := m.feed(in); out != nil {
			up.Pool.Put(out)
		}
	}
	feed("junk")
	if !strings.Contains(b.String(), "level=warning") {
		t.Error(b)
	}
	m.report.flush()
	feed(`{"message_type":"series-start","message_id":1,"version":1}`)
	feed("junk")
	if !strings.Contains(b.String(), "level=error") {
		t.Error(b)
	}
}

func TestHostile_HugeAndOddMessagesAreDropped(t *testing.T) {
	hostile := [][]string{
		{""}, {"", "", ""}, {strings.Repeat("[", 1<<20)}, {strings.Repeat(`{"a":`, 1<<18)}, {`{"a":"` + strings.Repeat("x", 8<<20) + `"}`},
		{"{" + strings.Repeat(`"a":1,`, 1<<18) + `"b":2}`}, append([]string{"junk"}, strings.Split(strings.Repeat("x", 1000), "")...),
		{strings.Repeat("\xff", 1000)}, {`{"htype":"` + "\xc3\x28" + `"}`}, {"\x80\x04" + strings.Repeat("(", 1<<20)}, {"null"}, {`{"frame":1e999999999}`},
		{`{"msg_number":` + strings.Repeat("9", 1<<20) + `}`},
	}
	for name, p := range protocols {
		up := quiet()
		m := machineOf(t, p.source, up)
		fed := 0
		for _, in := range hostile {
			msg := up.Pool.Get()
			for _, part := range in {
				msg.Append([]byte(part))
			}
			if out := m.feed(msg); out != nil {
				t.Errorf("%s takes %.50q", name, in)
			}
			fed++
		}
		var sum uint64
		for _, n := range up.Count.Discards() {
			sum += n
		}
		if sum != uint64(fed) {
			t.Errorf("%s: %d of %d are counted", name, sum, fed)
		}
	}
}

func TestNew_SaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		s    Settings
		want string
	}{
		{Settings{Source: "zmqpull_singel", URL: "tcp://h:1"}, `did you mean "zmqpull_single"`},
		{Settings{Source: "ZmqSubPcap", URL: "tcp://h:1"}, `did you mean`},
		{Settings{Source: "", URL: "tcp://h:1"}, "no source is called"},
		{Settings{Source: "zmqpull_single"}, "needs an upstream URL"},
		{Settings{Source: "zmqpull_single", URL: "http://h:1"}, "not \"http://h:1\""},
		{Settings{Source: "zmqpull_single", URL: "tcp://h"}, "names no port"},
		{Settings{Source: "zmqpull_single", URL: "tcp://:1"}, "names no host"},
		{Settings{Source: "zmqpull_single", URL: "tcp://h:1\x00"}, "can not be read"},
		{Settings{Source: "zmqsub_albaem", URL: "tcp://h:1", Connections: 2}, "works with one"},
		{Settings{Source: "tcp_positioncap", URL: "panda"}, "tcp://panda:8889"},
		{Settings{Source: "http_sardana", URL: "ftp://h"}, "listens at a URL"},
		{Settings{Source: "software_trigger"}, "needs the frames"},
		{Settings{Source: "declarative", URL: "tcp://h:1"}, "needs its description"},
		{Settings{Source: "declarative", URL: "tcp://h:1", Declarative: &Declarative{Socket: "push", Subscribe: "x", Start: []string{"a"}, Data: []string{"a"}, MinParts: 3, MaxParts: 2}},
			"socket is pull or sub, not \"push\"\nsubscribe is for socket sub\ntyp is missing\nfield is missing, the key that tells what a message is\n\"a\" is a value of start and of data\nend has no values\nthe bounds of the parts contradict each other"},
		{Settings{Source: "declarative", URL: "tcp://h:1", Connections: 2, Declarative: &Declarative{Typ: "T", Field: "f", Start: []string{"a"}, Data: []string{"b"}, End: []string{"c"}}}, "need socket pull that connects, and a frame_field"},
	} {
		_, err := New(c.s)
		if fault.KindOf(err) != fault.BadConfiguration || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.s, err, c.want)
		}
	}
}

func TestNew_KnowsThePeersClassesWithAndWithoutModule(t *testing.T) {
	for name, typ := range map[string]string{
		"ZmqPullSingleIngester": "STINS", "dranspose.ingesters.zmqpull_eiger_legacy:ZmqPullEigerLegacyIngester": "EIGER_LEGACY",
		"dranspose.ingesters.ZmqSubContrastIngester": "contrast", "ZMQSUB_XSPRESS3": "xspress", "ZmqSubPCAPIngester": "PCAP", "zmqsub_albaem": "albaem",
		"ZmqSubLecroyIngester": "lecroy_9fwdWp6Rq7", "TcpPcapIngester": "PCAP_RAW", "HttpSardanaIngester": "sardana",
		"dranspose.ingesters.http_sardana:app": "sardana",
	} {
		s, err := New(Settings{Stream: "s", Source: name, URL: map[bool]string{true: "http://127.0.0.1:1", false: "tcp://127.0.0.1:1"}[typ == "sardana"]})
		if err != nil || s.Typ() != typ {
			t.Errorf("%s: %v, %v", name, s, err)
		}
	}
}
