package kafka_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"ingestor/internal/fault"
	"ingestor/internal/intake"
	"ingestor/internal/kafka"
	"ingestor/internal/kafka/embedded"
)

// letter is one with all that a letter can have.
func letter(offset int64) intake.DeadLetter {
	return intake.DeadLetter{
		Message: intake.Message{
			Source: "kafka", Topic: "files", Partition: 3, Offset: offset, Key: []byte("k"), Value: []byte("value\x00\xff"),
			Headers: []intake.Header{{Key: "a", Value: []byte("1")}, {Key: "a", Value: nil}, {Key: "ingestor-reason", Value: []byte("an earlier one")}},
			Time:    time.Unix(1_700_000_000, 0),
		},
		Reason: "no title\nin the file", Attempts: 2, Given: time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600)),
		Stderr: append(bytes.Repeat([]byte("x"), 5000), "the end"...),
	}
}

func newDeadLetters(t *testing.T, address, topic string) *kafka.DeadLetters {
	t.Helper()
	d, err := kafka.NewDeadLetters(kafka.DeadLetterOptions{Topic: topic, Properties: map[string]string{
		"bootstrap.servers": address, "group.id": "of a consumer", "topic.metadata.propagation.max.ms": "200",
		"reconnect.backoff.max.ms": "200",
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// letters reads all of a topic of one partition.
func (c *cluster) letters(t *testing.T, topic string, n int) []intake.Message {
	t.Helper()
	r := c.consume(t, name(t, fmt.Sprint("reader-", time.Now().UnixNano())), true, quick, topic)
	r.awaitCount(t, n)
	r.close(t)
	return r.messages()
}

func headers(m intake.Message) map[string]string {
	all := map[string]string{}
	for _, h := range m.Headers {
		all[h.Key] += string(h.Value) + ";"
	}
	return all
}

func TestDeadLetters_KeepTheOriginalAndSayWhy(t *testing.T) {
	b, err := embedded.Start(embedded.Options{Topics: []string{"dead"}})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	d := newDeadLetters(t, b.Address(), " dead ")
	want := letter(7)
	if err := d.Send(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	plain := letter(8)
	plain.Stderr, plain.Value, plain.Headers = nil, nil, nil
	if err := d.Send(t.Context(), plain); err != nil {
		t.Fatal(err)
	}
	got := newCluster(t, b.Address()).letters(t, "dead", 2)
	if !bytes.Equal(got[0].Value, want.Value) || string(got[0].Key) != "k" {
		t.Errorf("key %q, value %q", got[0].Key, got[0].Value)
	}
	for key, text := range map[string]string{
		"a": "1;;", "ingestor-reason": "no title in the file;", "ingestor-attempts": "2;", "ingestor-source": "files/3/7;",
		"ingestor-time": "2026-01-02T02:04:05Z;", "ingestor-stderr": strings.Repeat("x", 4096-7) + "the end;",
	} {
		if h := headers(got[0])[key]; h != text {
			t.Errorf("header %s is %.100q, not %.100q", key, h, text)
		}
	}
	if _, there := headers(got[1])["ingestor-stderr"]; there || got[1].Value != nil || len(got[1].Headers) != 4 {
		t.Errorf("a letter without stderr, of a tombstone: %+v", got[1])
	}
}

func TestDeadLetters_TooLargeForTheTopicGoWithoutTheirValue(t *testing.T) {
	b, err := embedded.Start(embedded.Options{Topics: []string{"dead"}})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	d := newDeadLetters(t, b.Address(), "dead")
	large := letter(1)
	large.Value = bytes.Repeat([]byte("0123456789abcdef"), 40<<20/16)
	endless := letter(2)
	endless.Key = large.Value
	for _, l := range []intake.DeadLetter{large, endless, letter(3)} {
		if err := d.Send(t.Context(), l); err != nil {
			t.Fatal(err)
		}
	}
	got := newCluster(t, b.Address()).letters(t, "dead", 3)
	for i, want := range []struct{ key, value, omitted, a string }{
		{"k", "", "omitted;", "1;;"}, {"", "", "omitted;", ""}, {"k", "value\x00\xff", "", "1;;"},
	} {
		h := headers(got[i])
		if string(got[i].Key) != want.key || string(got[i].Value) != want.value || h["ingestor-value"] != want.omitted ||
			h["a"] != want.a || h["ingestor-source"] != fmt.Sprintf("files/3/%d;", i+1) {
			t.Errorf("letter %d: key %.20q, value %.20q, headers %.200v", i+1, got[i].Key, got[i].Value, h)
		}
	}
}

func TestDeadLetters_SayWhatIsWrong(t *testing.T) {
	b, err := embedded.Start(embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	err = newDeadLetters(t, b.Address(), "absent").Send(t.Context(), letter(1))
	if fault.KindOf(err) != fault.BadInput || !strings.Contains(err.Error(), "topic absent does not exist") || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v of kind %s", err, fault.KindOf(err))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	err = newDeadLetters(t, "127.0.0.1:1", "dead").Send(ctx, letter(1))
	if fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "127.0.0.1:1") || !strings.Contains(err.Error(), "refused") {
		t.Errorf("%v of kind %s", err, fault.KindOf(err))
	}
	for what, o := range map[string]kafka.DeadLetterOptions{
		"no topic":         {Properties: map[string]string{"bootstrap.servers": "h:1"}},
		"no broker":        {Topic: "dead"},
		"unknown property": {Topic: "dead", Properties: map[string]string{"bootstrap.servers": "h:1", "akcs": "all"}},
	} {
		if _, err := kafka.NewDeadLetters(o); fault.KindOf(err) != fault.BadConfiguration {
			t.Errorf("%s: %v of kind %s", what, err, fault.KindOf(err))
		}
	}
}

func TestDeadLetters_RestWhileThereAreNone(t *testing.T) {
	b, err := embedded.Start(embedded.Options{Topics: []string{"dead"}})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	d := newDeadLetters(t, b.Address(), "dead")
	d.RestAfter(50 * time.Millisecond)
	if !d.Rests() {
		t.Error("a client before the first letter")
	}
	for i := range int64(3) {
		if err := d.Send(t.Context(), letter(i)); err != nil {
			t.Fatal(err)
		}
		await(t, "the rest", d.Rests)
	}
	newCluster(t, b.Address()).onceEach(t, "dead", 3)
}

func TestDeadLetters_EndWithTheirClose(t *testing.T) {
	d := newDeadLetters(t, "127.0.0.1:1", "dead")
	done := make(chan error)
	go func() { done <- d.Send(t.Context(), letter(1)) }()
	time.Sleep(50 * time.Millisecond) // most likely under way by then; both orders are to end
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; err == nil {
		t.Error("a letter was sent to nobody")
	}
	if err := d.Send(t.Context(), letter(1)); err == nil {
		t.Error("a closed one sends")
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}
