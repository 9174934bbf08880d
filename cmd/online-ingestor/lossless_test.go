package main_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"ingestor/internal/nexus/nexustest"
	"ingestor/schemas/filewriter"
)

// mixed are messages of every kind, and what must become of them.
type mixed struct {
	values   [][]byte
	good     []run
	outcomes map[string]int
}

func (m *mixed) add(outcome string, values ...[]byte) {
	m.values = append(m.values, values...)
	m.outcomes[outcome] += len(values)
}

// mix makes n messages: ten files that fail for good, one in ten messages that
// is not for us, a few of every other kind, the rest good files, in an order
// that is always the same.
func (s *site) mix(n int) mixed {
	s.t.Helper()
	m := mixed{outcomes: map[string]int{}}
	m.add("dead_lettered", s.hopeless()...)

	start := filewriter.RunStart{JobID: "j", FileName: filepath.Join(s.dir, "odin", "raw", "run_0001.hdf")}.Encode()
	m.add("ignored", start, start)
	for _, id := range []string{"f144", "ep01", "6s4t", "answ", "WRDN"} {
		other := bytes.Clone(start)
		copy(other[4:], id)
		m.add("ignored", other)
	}
	noise := rand.New(rand.NewPCG(1, 2))
	for i := range 6 {
		garbage := make([]byte, 1+i*40)
		for j := range garbage {
			garbage[j] = byte(noise.Uint32())
		}
		m.add("ignored", nil, garbage) // nil is a tombstone
	}
	m.add("ignored", []byte{})

	done := filewriter.WritingDone{ServiceID: "fw", JobID: "j", FileName: "/x"}.Encode()
	m.add("malformed", done[:8], done[:20], append([]byte{255, 255, 255, 127}, done[4:]...))
	m.add("invalid_path",
		filewriter.WritingDone{JobID: "j", FileName: "/data/a\x00b.hdf"}.Encode(),
		filewriter.WritingDone{JobID: "j"}.Encode(),
		filewriter.WritingDone{JobID: "j", FileName: "--config-file=/etc/passwd"}.Encode())
	failed := s.measure()
	for range 3 {
		m.add("writer_failed", filewriter.WritingDone{JobID: failed.job, FileName: failed.path, Failed: true, Message: "disk full"}.Encode())
	}
	m.good = s.measureAll(n - len(m.values) - 4)
	for _, r := range m.good {
		m.add("registered", r.written())
	}
	for range 4 { // one file, announced five times
		m.add("existed", m.good[0].written())
	}
	noise.Shuffle(len(m.values), func(i, j int) { m.values[i], m.values[j] = m.values[j], m.values[i] })
	return m
}

// hopeless are ten files that fail for good, each in its own way.
func (s *site) hopeless() (values [][]byte) {
	s.t.Helper()
	add := func(path string) {
		values = append(values, filewriter.WritingDone{ServiceID: "fw", JobID: "j-" + filepath.Base(path), FileName: path}.Encode())
	}
	odd := filepath.Join(s.dir, "odin", "raw")
	for _, name := range []string{"text1.hdf", "text2.hdf", "text3.hdf"} {
		path := filepath.Join(odd, name)
		if err := os.WriteFile(path, []byte("this is no HDF5 file"), 0o600); err != nil {
			s.t.Fatal(err)
		}
		add(path)
	}
	for _, name := range []string{"cut1.hdf", "cut2.hdf"} {
		path := filepath.Join(odd, name)
		whole := s.measure().path
		if err := os.Rename(whole, path); err != nil {
			s.t.Fatal(err)
		}
		if err := os.Truncate(path, 2000); err != nil {
			s.t.Fatal(err)
		}
		add(path)
	}
	for _, name := range []string{"missing1.hdf", "missing2.hdf"} {
		add(filepath.Join(odd, name))
	}
	empty := filepath.Join(odd, "empty.hdf") // HDF5, but nothing is in it
	if err := nexustest.Write(empty, nexustest.Group{}); err != nil {
		s.t.Fatal(err)
	}
	add(empty)
	for _, name := range []string{"other1.hdf", "other2.hdf"} { // no schema is for it
		path := filepath.Join(s.dir, name)
		if err := os.Rename(s.measure().path, path); err != nil {
			s.t.Fatal(err)
		}
		add(path)
	}
	return values
}

// A mix of everything that a topic can hold: each good file is registered
// exactly once, and every message is accounted for.
func everyFileOnce(t *testing.T, b *broker, size scale) {
	const partitions = 3
	s := newSite(t, b, partitions)
	m := s.mix(size.messages)
	if len(m.values) != size.messages || m.outcomes["dead_lettered"] != 10 {
		t.Fatalf("%d messages of which %v", len(m.values), m.outcomes)
	}
	s.send(partitions, m.values...)
	d := s.start()
	running := countChildren(t, d.cmd.Process.Pid)
	await(t, "an outcome for every message", func() bool { return d.times("outcome=") == size.messages || d.ended() }, d)
	took := time.Since(d.began)
	s.finish(d)

	t.Logf("%d messages, %v, within %s of the start", size.messages, m.outcomes, took.Truncate(time.Millisecond))
	sums := d.sums()
	total := 0
	for _, o := range []string{"registered", "existed", "dry_run", "ignored", "writer_failed", "malformed", "invalid_path", "dead_lettered"} {
		total += sums[o]
		if sums[o] != m.outcomes[o] {
			t.Errorf("%d messages are %s, not %d", sums[o], o, m.outcomes[o])
		}
		if n := d.times(" outcome=" + o); n != m.outcomes[o] {
			t.Errorf("%d log lines say %s, not %d", n, o, m.outcomes[o])
		}
	}
	if total != size.messages || sums["messages"] != size.messages || sums["returned"] != 0 {
		t.Errorf("%d outcomes of %d messages: %v", total, size.messages, sums)
	}
	s.catalogue.checkOnce(m.good...)
	if posts := s.catalogue.count("POST", "/datasets"); posts != len(m.good) {
		t.Errorf("%d datasets were posted, of %d files", posts, len(m.good))
	}
	if most := running.highest(); most > 4 || most < 2 {
		t.Errorf("%d children at once; at most 4 are allowed, and one is too few", most)
	}
}
