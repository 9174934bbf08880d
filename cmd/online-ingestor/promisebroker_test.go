package main_test

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"ingestor/internal/kafka/embedded"
	"ingestor/schemas/filewriter"
)

// A topic that is there only later is noticed within a minute, and blanks around
// its name do no harm.
func lateTopicIsNoticed(t *testing.T, b *broker, _ scale) {
	s := newSite(t, b, 0)
	s.settings["kafka.topics"] = []string{"  " + s.topic + "\t"}
	d := s.start()
	stays(t, 2*time.Second, "alive without its topic", func() bool { return !d.ended() }, d)
	if err := b.admin.CreateTopic(t.Context(), s.topic, 2); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	runs := s.measureAll(4)
	values := make([][]byte, len(runs))
	for i, r := range runs {
		values[i] = r.written()
	}
	s.send(2, values...)
	awaitFor(t, time.Minute, "the files", func() bool { return s.catalogue.registered(runs...) || d.ended() }, d)
	t.Logf("done %s after the topic is there", time.Since(began).Truncate(time.Millisecond))
	s.finish(d)
	s.catalogue.checkOnce(runs...)
}

// The loss of the broker shows in the health check within 30 s.
func healthTellsTheLossOfTheBroker(t *testing.T, b *broker, _ scale) {
	lose, back := func() error { return b.real.Stop() }, func() error { return b.real.Start(t.Context()) }
	if b.real == nil {
		node, err := embedded.Start(embedded.Options{}) // one of its own
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(node.Close)
		b = newBroker(t, node.Address(), b.session)
		lose, back = func() error { node.Close(); return nil }, nil
	}
	s := newSite(t, b, 1)
	d := s.start()
	d.awaitReady()
	await(t, "health", func() bool { got, _ := d.health("/health"); return got == 200 }, d)
	if err := lose(); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	awaitFor(t, 30*time.Second, "503 without Kafka", func() bool {
		got, parts := d.health("/health")
		return got == 503 && !parts["kafka"] && parts["scicat"] && parts["storage"]
	}, d)
	t.Logf("503 after %s", time.Since(began).Truncate(time.Millisecond))
	if back != nil {
		if err := back(); err != nil {
			t.Fatal(err)
		}
		await(t, "health", func() bool { got, _ := d.health("/health"); return got == 200 }, d)
	}
	d.stop()
}

// Clients of the health check that say nothing, or say it slowly, keep nobody
// from an answer; nor does a catalogue that hangs.
func healthHasTimeForEverybody(t *testing.T, b *broker, _ scale) {
	s := newSite(t, b, 1)
	d := s.start()
	await(t, "health", func() bool { got, _ := d.health("/health"); return got == 200 }, d)
	line, _ := d.lineWith("Health check server started", "address=")
	address := regexp.MustCompile(`address=(\S+)`).FindStringSubmatch(line)[1]
	for i := range 40 {
		c, err := net.Dial("tcp", address) //nolint:noctx // to loopback
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if i%2 == 0 {
			if _, err := c.Write([]byte("GET /hea")); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.catalogue.delay("GET", "/health", time.Minute)
	for _, path := range []string{"/health", "/nothing", "/health"} {
		began := time.Now()
		got, _ := d.health(path)
		if want := map[string]bool{"/health": got == 200 || got == 503, "/nothing": got == 404}; !want[path] {
			t.Errorf("GET %s: %d\n%s", path, got, d)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("GET %s took %s", path, took)
		}
	}
	d.stop()
}

// Messages of 10 MB pass like any other, and memory stays within bounds.
func largeMessages(t *testing.T, b *broker, _ scale) {
	s := newSite(t, b, 1)
	const size = 10 << 20
	r := s.measure()
	long := filewriter.WritingDone{ServiceID: "fw", JobID: r.job, FileName: r.path, Metadata: strings.Repeat("m", size)}.Encode()
	noise := make([]byte, size)
	for i := range noise {
		noise[i] = byte(i * 7)
	}
	s.settings["logging.logging_level"] = "INFO"
	s.send(1, noise, noise, noise)
	s.send(1, long, noise, long[:size], noise)
	after := s.measure()
	s.announce(after)
	d := s.start()
	await(t, "the files", func() bool { return s.catalogue.registered(r, after) || d.ended() }, d)
	s.checkMemory(d)
	s.finish(d)
	s.catalogue.checkOnce(r, after)
	if sums := d.sums(); sums["ignored"] != 5 || sums["malformed"] != 1 || sums["registered"] != 2 {
		t.Errorf("sums %v\n%s", sums, d)
	}
}

// checkMemory: under 200 MB, whatever has come. Under the race detector memory
// says nothing.
func (s *site) checkMemory(d *daemon) {
	s.t.Helper()
	peak := d.self().memoryPeak()
	s.t.Logf("peak of memory %.1f MB", float64(peak)/1e6)
	if !raceDetector && (peak > 200e6 || peak == 0) {
		s.t.Errorf("it had %.1f MB at most", float64(peak)/1e6)
	}
}

// A hundred thousand messages of garbage in a row are over within a minute, with
// a good file at their end.
func garbageInARow(t *testing.T, b *broker, _ scale) {
	s := newSite(t, b, 1)
	s.settings["logging.logging_level"] = "CRITICAL"
	n := 100_000
	if raceDetector {
		n /= 10
	}
	done := filewriter.WritingDone{ServiceID: "fw", JobID: "j", FileName: "/x"}.Encode()
	kinds := [][]byte{
		nil, {}, []byte("text"), done[:20], append([]byte{255, 255, 255, 127}, done[4:]...),
		filewriter.RunStart{JobID: "j"}.Encode(), filewriter.WritingDone{JobID: "j", FileName: "/data/a\x00b.hdf"}.Encode(),
		filewriter.WritingDone{JobID: "j", FileName: "/x", Failed: true, Message: "disk full"}.Encode(),
	}
	const part = 5000
	for i := 0; i < n; i += part {
		values := make([][]byte, part)
		for j := range values {
			values[j] = kinds[(i+j)%len(kinds)]
		}
		s.send(1, values...)
	}
	r := s.measure()
	s.announce(r)
	began := time.Now()
	d := s.start()
	awaitFor(t, time.Minute, "the file behind the garbage", func() bool { return s.catalogue.registered(r) || d.ended() }, d)
	s.checkMemory(d)
	s.finish(d)
	t.Logf("%d messages in %s", n, time.Since(began).Truncate(time.Millisecond))
	s.catalogue.checkOnce(r)
	next := s.start()
	fresh := s.measure()
	s.announce(fresh)
	await(t, "a file after that", func() bool { return s.catalogue.registered(fresh) || next.ended() }, next)
	s.finish(next)
}

// The storage goes away, and messages come meanwhile: no file is given up for
// that, and all are done when it is back.
func storageAway(t *testing.T, b *broker, _ scale) {
	s := newSite(t, b, 1)
	box := s.deadLetters()
	before, meanwhile := s.measure(), s.measureAll(6)
	d := s.start()
	s.announce(before)
	await(t, "a file", func() bool { return s.catalogue.registered(before) || d.ended() }, d)
	away := filepath.Join(s.dir, "away")
	if err := os.Rename(filepath.Join(s.dir, "odin"), away); err != nil {
		t.Fatal(err)
	}
	s.announce(meanwhile...)
	d.awaitSays("Intake held", "hold=storage-down")
	if err := os.Rename(away, filepath.Join(s.dir, "odin")); err != nil {
		t.Fatal(err)
	}
	await(t, "all files", func() bool {
		return s.catalogue.registered(meanwhile...) || d.outcomes("dead_lettered") > 0 || d.ended()
	}, d)
	s.finish(d)
	s.catalogue.checkOnce(append(meanwhile, before)...)
	if n := len(box.letters()); n > 0 {
		t.Errorf("%d files were given up\n%s", n, d)
	}
}
