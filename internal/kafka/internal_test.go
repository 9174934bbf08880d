package kafka

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	ck "github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/sirupsen/logrus"
	"github.com/sirupsen/logrus/hooks/test"

	"ingestor/internal/intake"
	"ingestor/internal/offsets"
)

func TestSecrets_AreBlanked(t *testing.T) {
	s := newSecrets(map[string]string{"sasl.password": "hunter2", "ssl.key.password": "ab", "sasl.username": "me"})
	if got := s.blank("login of me\nwith hunter2 failed: ab"); got != "login of me with *** failed: ab" {
		t.Errorf("%q", got)
	}
	if got := newSecrets(nil).blank("a  b"); got != "a b" {
		t.Errorf("%q", got)
	}
}

func TestReports_WriteALineOnceInAWhile(t *testing.T) {
	log, hook := test.NewNullLogger()
	log.SetLevel(logrus.DebugLevel)
	r := newReports(log, newSecrets(nil))
	now := time.Unix(0, 0)
	r.now = func() time.Time { return now }
	for i := range 5 {
		r.write(logrus.WarnLevel, fmt.Sprintf("broker 1 refused after %d ms", i))
	}
	now = now.Add(repeatAfter)
	r.write(logrus.WarnLevel, "broker 1 refused after 9 ms")
	r.write(logrus.InfoLevel, "something else")
	r.forget()
	r.write(logrus.InfoLevel, "something else")
	var got []string
	for _, e := range hook.AllEntries() {
		got = append(got, e.Message)
	}
	want := []string{
		"broker 1 refused after 0 ms", "broker 1 refused after 9 ms (and 4 times since)", "something else", "something else",
	}
	if !slices.Equal(got, want) {
		t.Errorf("logged %q", got)
	}
	for i := range 3 * mostLines {
		r.write(logrus.DebugLevel, strings.Repeat("x", i))
	}
	if len(r.seen) > mostLines {
		t.Errorf("%d lines are remembered", len(r.seen))
	}
}

func TestLevelOf_FollowsSyslog(t *testing.T) {
	for _, c := range []struct {
		tag   string
		level int
		want  logrus.Level
	}{
		{"X", 0, logrus.ErrorLevel}, {"X", 3, logrus.ErrorLevel}, {"X", 4, logrus.WarnLevel},
		{"X", 5, logrus.InfoLevel}, {"X", 6, logrus.InfoLevel}, {"X", 7, logrus.DebugLevel},
		{"FAIL", 3, logrus.DebugLevel}, {"CONFWARN", 4, logrus.DebugLevel},
	} {
		if got := levelOf(ck.LogEvent{Tag: c.tag, Level: c.level}); got != c.want {
			t.Errorf("%s %d: %s", c.tag, c.level, got)
		}
	}
}

func TestPlain_KeepsAddressAndReason(t *testing.T) {
	for in, want := range map[string]string{
		"no address at all: x": "no address at all: x",
		"GroupCoordinator: 127.0.0.1:1: Connect to ipv4#127.0.0.1:1 failed: Connection refused (after 0ms in state CONNECT)": "Connect to ipv4#127.0.0.1:1 failed: Connection refused",
		"127.0.0.1:1/bootstrap: Connect failed (after 0ms in state CONNECT)":                                                 "127.0.0.1:1: Connect failed",
		"plaintext://h:1/bootstrap: Connect to ipv4#10.0.0.1:1 failed: Connection refused (after 0ms in state CONNECT)":      "h:1: Connect to ipv4#10.0.0.1:1 failed: Connection refused",
		"sasl_ssl://h:1/3: Authentication failed (after 5ms in state AUTH_REQ, 2 identical error(s) suppressed)":             "h:1: Authentication failed",
		"ssl://127.0.0.1:9/bootstrap: Connect to ipv4#127.0.0.1:9 failed: Connection refused (after 0ms in state CONNECT)":   "Connect to ipv4#127.0.0.1:9 failed: Connection refused",
	} {
		if got := plain(in); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}

func TestProperties_KnowSecondNames(t *testing.T) {
	got, overruled := properties(consumerDefaults, consumerReserved, map[string]string{
		"metadata.broker.list": "a", "max.partition.fetch.bytes": "5", " client.id ": "me", "auto.commit.interval.ms": "9",
	})
	for key, want := range map[string]string{
		"bootstrap.servers": "a", "fetch.message.max.bytes": "5", "client.id": "me", "auto.commit.interval.ms": "250",
	} {
		if got[key] != want {
			t.Errorf("%s = %q, not %q", key, got[key], want)
		}
	}
	if _, both := got["max.partition.fetch.bytes"]; both {
		t.Error("one property under two names")
	}
	if !slices.Equal(overruled, []string{"auto.commit.interval.ms"}) {
		t.Errorf("overruled: %q", overruled)
	}
}

func TestRecord_TheReasonIsOneLineThatMovesNoCursor(t *testing.T) {
	for reason, want := range map[string]string{
		"no title\nin  the file\t":  "no title in the file",
		"a\x1b[2Jb\rc\a\x00\u009bd": "a [2Jb c d",
		"left\u202eto right":        "left to right",
		"ü😀\xff":                    "ü😀\uFFFD",
		"\x1b":                      "",
	} {
		for _, h := range record("t", intake.DeadLetter{Reason: reason}).Headers {
			if h.Key == headerReason && string(h.Value) != want {
				t.Errorf("%q becomes %q, not %q", reason, h.Value, want)
			}
		}
	}
}

func TestBeginsAtEnd_KnowsAllNames(t *testing.T) {
	for value, want := range map[string]bool{
		"latest": true, "largest": true, "end": true, " Latest": true,
		"earliest": false, "smallest": false, "beginning": false, "": false,
	} {
		if got := beginsAtEnd(map[string]string{"auto.offset.reset": value}); got != want {
			t.Errorf("%q: %v", value, got)
		}
	}
}

func TestPartition_KnowsTheEpochOfAMark(t *testing.T) {
	p := newPartition(time.Time{})
	if p.epochOf(5) != nil {
		t.Error("an epoch without any message")
	}
	one, two := int32(1), int32(2)
	for offset, epoch := range []*int32{&one, &one, &two, &two} {
		p.delivered(int64(offset), epoch)
	}
	for mark, want := range map[int64]int32{1: 1, 2: 1} {
		if got := p.epochOf(mark); got == nil || *got != want {
			t.Errorf("mark %d: epoch %v, not %d", mark, got, want)
		}
	}
	for mark := int64(3); mark <= 4; mark++ {
		if got := p.epochOf(mark); got == nil || *got != two {
			t.Errorf("mark %d: epoch %v, not 2", mark, got)
		}
	}
	if len(p.epochs) != 1 {
		t.Errorf("%d epochs are remembered", len(p.epochs))
	}
}

func TestPartition_LagIsWhatIsLeft(t *testing.T) {
	for name, c := range map[string]struct{ committed, low, high, want int64 }{
		"nothing known":          {-1, -1, -1, -1},
		"committed":              {3, 0, 10, 7},
		"never committed":        {-1, 2, 10, 8},
		"committed but expired":  {1, 4, 10, 6},
		"end not known":          {3, 0, -1, -1},
		"committed past the end": {12, 0, 10, -1},
	} {
		p := partition{committed: c.committed, low: c.low, high: c.high}
		if got := p.lag(); got != c.want {
			t.Errorf("%s: lag %d, not %d", name, got, c.want)
		}
	}
}

func TestPending_IsBoundedAndKeepsOrder(t *testing.T) {
	message := func(partition int32, offset int64, size int) *ck.Message {
		topic := "t"
		return &ck.Message{TopicPartition: ck.TopicPartition{Topic: &topic, Partition: partition, Offset: ck.Offset(offset)}, Value: make([]byte, size)}
	}
	var p pending
	if !p.low() || p.full() {
		t.Error("empty, and not low or full")
	}
	p.push(message(0, 0, pendingBytes))
	if !p.full() || p.low() {
		t.Error("one large message does not fill it")
	}
	if _, ok := p.pop(); !ok || p.full() || p.bytes != 0 {
		t.Errorf("%d bytes are left", p.bytes)
	}
	for i := range int64(pendingMessages) {
		p.push(message(int32(i%2), i, 1))
	}
	if !p.full() {
		t.Error("many small messages do not fill it")
	}
	p.drop(offsets.Key{Topic: "t", Partition: 0})
	for want := int64(1); want < pendingMessages; want += 2 {
		m, ok := p.pop()
		if !ok || int64(m.TopicPartition.Offset) != want {
			t.Fatalf("%v comes instead of offset %d", m, want)
		}
	}
	if _, ok := p.pop(); ok || p.bytes != 0 {
		t.Error("something is left")
	}
}
