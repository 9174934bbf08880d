package main_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ingestor/internal/intake"
	"ingestor/internal/kafka"
	"ingestor/schemas/filewriter"
)

// Each promise of the last section of the specification of the online ingestor
// has a scenario of that name in TestEmbedded and TestReal (suite_test.go).
//
//	attempts            PromiseAttempts, PromiseOutagesCountForNoAttempt, TokenRefused, CatalogueAway
//	dead letter         PromiseDeadLetter…, PromiseAttempts, PromiseRetry…
//	commits             FaultB_…, FaultA_…, FrozenWhileChildrenRun, TestChaos
//	children            PromiseChildren…, FaultC_…, FaultB_KilledWhileChildrenRun
//	drain               PromiseDrain…, SecondTermEndsTheDrain, FaultC_…
//	restart             FaultC_TermWhileChildrenRun
//	log                 PromiseLogReaderMayGo, FaultF13_…
//	broker              WaitForBroker, TestStartFault/BrokerAway, PromiseBroker…, FaultE_…, FrozenWhileChildrenRun
//	health              Health, PromiseHealth…, PromiseStorageAwayCostsNoFile
//	poison              PromisePoison…, FaultK_…
//	message file, overrides, log file, pl72: FaultJ, FaultF14, FaultF13, FaultL

// Exit 65 is final. All else that is the file's own affair gets max_attempts,
// and then one dead letter; its count of attempts is that of the starts.
func attempts(t *testing.T, b *broker, _ scale) {
	s := newSite(t, b, 1)
	box := s.deadLetters()
	s.settings["ingestion.max_attempts"] = 3
	in := s.standIn(`echo "the stand-in has met $name" >&2
case "$name" in
signal) kill -9 $$ ;;
once) [ "$n" = 1 ] && exit 75 ;;
exit*) exit "${name#exit}" ;;
esac`)
	want := map[string]int{"exit65": 1, "exit1": 3, "exit2": 3, "exit70": 3, "exit75": 3, "exit42": 3, "exit255": 3, "signal": 3}
	names := slices.Sorted(maps.Keys(want))
	s.send(1, s.calledAll(append(names, "once", "good")...)...)
	d := s.start()
	letters := box.awaitLetters(t, len(want), d)
	await(t, "the others", func() bool { return d.outcomes("registered") == 2 || d.ended() }, d)
	s.finish(d)
	starts := in.starts()
	if starts["once"] != 2 || starts["good"] != 1 {
		t.Errorf("starts %v", starts)
	}
	for name, n := range want {
		if starts[name] != n {
			t.Errorf("%s was tried %d times, not %d", name, starts[name], n)
		}
	}
	seen := map[string]bool{}
	for _, l := range letters {
		w, err := filewriter.DecodeWritingDone(l.Value)
		if err != nil {
			t.Fatalf("%q: %v", l.Value, err)
		}
		name := strings.TrimPrefix(w.JobID, "job-of-")
		if seen[name] {
			t.Errorf("%s has two dead letters", name)
		}
		seen[name] = true
		headers := headersOf(t, l)
		if headers["ingestor-attempts"] != strconv.Itoa(want[name]) {
			t.Errorf("%s: attempts %s, not %d", name, headers["ingestor-attempts"], want[name])
		}
		if code, ok := strings.CutPrefix(name, "exit"); ok && !strings.Contains(headers["ingestor-reason"], "exit "+code) {
			t.Errorf("%s: reason %q", name, headers["ingestor-reason"])
		}
	}
	if sums := d.sums(); sums["dead_lettered"] != len(want) || sums["registered"] != 2 {
		t.Errorf("sums %v", sums)
	}
}

// Exits 69, 77 and 78 concern all files: the intake is held, as many files as
// there are children and a few probes are tried meanwhile, none is given up, and
// all are done within a minute after it is mended.
func outagesCountForNoAttempt(t *testing.T, b *broker, _ scale) {
	s := newSite(t, b, 1)
	box := s.deadLetters()
	in := s.standIn(`read -r code < "$dir/code"; exit "$code"`)
	names := numbered("run", 12)
	s.send(1, s.calledAll(names...)...)
	in.leave("code", "69\n")
	d := s.start()
	d.awaitSays("Intake held", "hold=catalogue-down", "exit 69")
	total := func() (n int) {
		for _, k := range in.starts() {
			n += k
		}
		return n
	}
	for _, code := range []string{"77\n", "78\n", "69\n"} {
		before := total()
		in.leave("code", code)
		await(t, "another try", func() bool { return total() > before || d.ended() }, d)
	}
	if tried := len(in.starts()); tried > 4+3 {
		t.Errorf("%d files were tried during the outage, with 4 children\n%s", tried, d)
	}
	if n := s.committedOffset(); n != 0 {
		t.Errorf("committed is %d", n)
	}
	in.leave("code", "0\n")
	awaitFor(t, time.Minute, "all files", func() bool { return d.outcomes("registered") == len(names) || d.ended() }, d)
	s.finish(d)
	if sums := d.sums(); sums["registered"] != len(names) || sums["dead_lettered"] != 0 || len(box.letters()) != 0 {
		t.Errorf("sums %v, %d dead letters", sums, len(box.letters()))
	}
}

// A dead letter is the message as it was, key, value and headers, and four
// headers that say what became of it. A message that can not be a file's gets
// one too.
func deadLetter(t *testing.T, b *broker, _ scale) {
	s := newSite(t, b, 2)
	box := s.deadLetters()
	s.standIn("echo 'first line' >&2; printf 'the reason, the last line of the child\\n' >&2; exit 65")
	done := s.called("bad")
	records := []kafka.Record{
		{Key: []byte("key \x00\xff"), Value: s.called("keyed"), Headers: []intake.Header{{Key: "origin", Value: []byte("line 1\nline 2")}, {Key: "bytes", Value: []byte{0, 255}}}},
		{Value: s.called("plain")},
		{Value: append([]byte{255, 255, 255, 127}, done[4:]...)},
		{Value: filewriter.WritingDone{JobID: "j", FileName: "/data/a\x00b.hdf"}.Encode()},
		// As if a letter had been sent back to where it came from.
		{Value: s.called("again"), Headers: []intake.Header{{Key: "ingestor-attempts", Value: []byte("5")}, {Key: "ingestor-reason", Value: []byte("old")}}},
	}
	for i := range records {
		records[i].Topic, records[i].Pinned, records[i].Partition = s.topic, true, int32(i%2)
	}
	began := time.Now().Add(-time.Second)
	places, err := b.producer.ProduceAll(t.Context(), records)
	if err != nil {
		t.Fatal(err)
	}
	d := s.start()
	letters := box.awaitLetters(t, len(records), d)
	s.finish(d)
	for i, r := range records {
		source := fmt.Sprintf("%s/%d/%d", s.topic, places[i].Partition, places[i].Offset)
		n := slices.IndexFunc(letters, func(m intake.Message) bool { return headersOf(t, m)["ingestor-source"] == source })
		if n < 0 {
			t.Errorf("no letter is from %s: %v", source, letters)
			continue
		}
		l := letters[n]
		headers := headersOf(t, l)
		if string(l.Value) != string(r.Value) || string(l.Key) != string(r.Key) || (l.Key == nil) != (r.Key == nil) {
			t.Errorf("%s: key %q, value %q", source, l.Key, l.Value)
		}
		for _, h := range r.Headers {
			if !strings.HasPrefix(h.Key, "ingestor-") && headers[h.Key] != string(h.Value) {
				t.Errorf("%s: header %s is %q", source, h.Key, headers[h.Key])
			}
		}
		attempts := "1"
		if i == 2 || i == 3 {
			attempts = "0"
		} else if !strings.Contains(headers["ingestor-reason"], "the reason, the last line of the child") {
			t.Errorf("%s: reason %q", source, headers["ingestor-reason"])
		}
		if headers["ingestor-attempts"] != attempts {
			t.Errorf("%s: attempts %q, not %s", source, headers["ingestor-attempts"], attempts)
		}
		if reason := headers["ingestor-reason"]; reason == "" || strings.ContainsAny(reason, "\n\r\x00") {
			t.Errorf("%s: reason %q", source, reason)
		}
		if at, err := time.Parse(time.RFC3339, headers["ingestor-time"]); err != nil || at.Before(began.Add(-time.Second)) || at.After(time.Now().Add(time.Second)) {
			t.Errorf("%s: time %q (%v)", source, headers["ingestor-time"], err)
		}
	}
}

// While the dead-letter topic is not there, a message that needs it stays
// uncommitted and others go on; once it is there, one letter comes.
func deadLetterTopicIsMissing(t *testing.T, b *broker, _ scale) {
	s := newSite(t, b, 1)
	topic := s.topic + ".late"
	s.settings["kafka.dead_letter_topic"] = topic
	in := s.standIn(`[ "$name" = bad ] && exit 65; :`)
	s.send(1, s.calledAll("good1", "bad", "good2", "good3")...)
	d := s.start()
	await(t, "the good files", func() bool { return in.starts()["good3"] == 1 || d.ended() }, d)
	d.awaitSays("Dead letter can not be sent", topic)
	stays(t, time.Second, "commits before the bad file only", func() bool { return s.committedOffset() <= 1 }, d)
	box := s.letterbox(topic)
	box.awaitLetters(t, 1, d)
	s.finish(d)
	if starts := in.starts(); starts["bad"] != 1 || len(box.letters()) != 1 {
		t.Errorf("starts %v, %d letters", starts, len(box.letters()))
	}
	if sums := d.sums(); sums["dead_lettered"] != 1 || sums["registered"] != 3 {
		t.Errorf("sums %v", sums)
	}
}
