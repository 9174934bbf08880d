package main_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"ingestor/internal/nexus/nexustest"
	"ingestor/schemas/filewriter"
)

// stage writes the files of a plan and plays their writers: a file that is late
// or still open is so until a while after the first attempt at it.
type stage struct {
	dir, raw, crashes string

	mu      sync.Mutex
	pending map[string]func() // by path: what the first attempt sets off
}

// grace is how long after the first attempt a late or open file is complete.
const grace = 800 * time.Millisecond

// newStage writes every file and fills in the messages' values.
func newStage(t *testing.T, dir string, p *plan) *stage {
	t.Helper()
	s := &stage{dir: dir, raw: filepath.Join(dir, "odin", "raw"), crashes: filepath.Join(dir, "crashes"), pending: map[string]func(){}}
	for _, d := range []string{s.raw, s.crashes, filepath.Join(dir, "hidden"), filepath.Join(dir, "elsewhere")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	r := rand.New(rand.NewPCG(p.seed, 3))
	for _, m := range p.messages {
		if m.kind != again {
			m.run.path = filepath.Join(s.raw, fmt.Sprintf("%s_%04d.hdf", m.kind, m.number))
		}
		if err := s.write(m, r); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range p.messages {
		if m.kind == again {
			m.run = m.of.run
		}
		m.value = valueOf(m)
	}
	return s
}

func (s *stage) write(m *message, r *rand.Rand) error {
	path := m.run.path
	measure := func(path string) error {
		return nexustest.Write(path, nexustest.Run(nexustest.RunInfo{
			JobID: m.run.job, RunNumber: m.number + 1, Title: fmt.Sprintf("Run %d", m.number),
			Temperature: []float64{270 + 50*r.Float64()}, Detector: [3]int{1, 8, 8},
		}))
	}
	switch m.kind {
	case plain, moody, writerFailed:
		return measure(path)
	case crash:
		if err := os.WriteFile(filepath.Join(s.crashes, filepath.Base(path)), nil, 0o600); err != nil {
			return err
		}
		return measure(path)
	case late:
		hidden := filepath.Join(s.dir, "hidden", filepath.Base(path))
		s.pending[path] = func() { _ = os.Rename(hidden, path) } // a failure shows: the file stays away
		return measure(hidden)
	case open:
		if err := measure(path); err != nil {
			return err
		}
		writer, err := os.Open(path)
		if err != nil {
			return err
		}
		s.pending[path] = func() { _ = writer.Close() } // which lets go of the lock
		return syscall.Flock(int(writer.Fd()), syscall.LOCK_EX)
	case notHDF5:
		return os.WriteFile(path, []byte("this is no HDF5 file"), 0o600)
	case truncated:
		if err := measure(path); err != nil {
			return err
		}
		return os.Truncate(path, 2000)
	case empty:
		return nexustest.Write(path, nexustest.Group{})
	case foreign:
		m.run.path = filepath.Join(s.dir, "elsewhere", filepath.Base(path))
		return measure(m.run.path)
	default:
		return nil
	}
}

func valueOf(m *message) []byte {
	service := fmt.Sprintf("filewriter-%d", m.number) // so that every message differs
	done := filewriter.WritingDone{ServiceID: service, JobID: m.run.job, FileName: m.run.path}
	switch m.kind {
	case tombstone:
		return nil
	case otherSchema:
		return filewriter.RunStart{JobID: m.run.job, FileName: m.run.path}.Encode()
	case writerFailed:
		done.Failed, done.Message = true, "disk full"
	case badPath:
		done.FileName = "/data/a\x00" + service
	case malformed:
		return append([]byte{255, 255, 255, 127}, bytes.Clone(done.Encode())[4:]...)
	}
	return done.Encode()
}

// attempted is told of each attempt at a file.
func (s *stage) attempted(path string) {
	s.mu.Lock()
	complete := s.pending[path]
	delete(s.pending, path)
	s.mu.Unlock()
	if complete != nil {
		time.AfterFunc(grace, complete)
	}
}

// waiting is how many files nobody has tried yet.
func (s *stage) waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.pending)
}

// crasher is an offline ingestor whose first run for certain files dies at once.
func (s *stage) crasher(t *testing.T) string {
	t.Helper()
	path := filepath.Join(s.dir, "offline-ingestor")
	script := fmt.Sprintf(`#!/bin/sh
file= before=
for word; do
	[ "$before" = --nexus-file ] && file=$word
	before=$word
done
rm '%s'/"${file##*/}" 2>/dev/null && kill -9 $$
exec '%s' "$@"
`, s.crashes, offlineProgram)
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}
