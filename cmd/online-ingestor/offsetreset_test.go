package main_test

import (
	"maps"
	"syscall"
	"testing"

	"ingestor/internal/offsets"
)

// A group that begins at the end of the log (kafka.auto_offset_reset: latest)
// begins there once: what is announced from then on is dealt with, however the
// daemon ends and before anything was ever finished.
func TestLatest_LosesNothingOnTheEmbeddedBroker(t *testing.T) {
	latestLosesNothing(t, embeddedBroker(t, 0))
}

func TestLatest_LosesNothingOnApacheKafka(t *testing.T) {
	needsReal(t)
	latestLosesNothing(t, startReal(t))
}

func latestLosesNothing(t *testing.T, b *broker) {
	for name, signal := range map[string]syscall.Signal{"killed": syscall.SIGKILL, "stopped": syscall.SIGTERM} {
		t.Run(name+" before anything is finished", func(t *testing.T) {
			t.Parallel()
			s := newSite(t, b, 1)
			in := s.atEnd()
			s.send(1, s.called("old"))
			d := s.startAtEnd(1)
			s.send(1, s.calledAll("a", "b")...)
			await(t, "both children", func() bool { return len(in.starts()) == 2 || d.ended() }, d)
			d.signal(signal)
			d.exit()
			if got := s.committedOffset(); got != 1 {
				t.Errorf("committed to %d, and only the message before that is not the group's", got)
			}
			s.goesOn(in, "a", "b")
		})
		t.Run(name+" before anything is announced", func(t *testing.T) {
			t.Parallel()
			s := newSite(t, b, 1)
			in := s.atEnd()
			d := s.startAtEnd(0)
			d.signal(signal)
			d.exit()
			s.send(1, s.calledAll("a", "b")...)
			s.goesOn(in, "a", "b")
		})
	}
}

// atEnd makes the group one that begins at the end; children wait to be let go.
func (s *site) atEnd() *standIn {
	s.settings["kafka.auto_offset_reset"] = "latest"
	s.settings["ingestion.drain_timeout"] = "500ms"
	return s.standIn(`while [ ! -e "$dir/go" ]; do sleep 0.1; done`)
}

// startAtEnd starts the first daemon of such a group, and waits until its start
// is committed, which is a moment after it is ready.
func (s *site) startAtEnd(offset int64) *daemon {
	s.t.Helper()
	d := s.start()
	d.awaitReady()
	want := map[offsets.Key]int64{{Topic: s.topic}: offset}
	await(s.t, "the group's start", func() bool { return maps.Equal(s.committed(), want) || d.ended() }, d)
	return d
}

// goesOn starts the next daemon and waits until it has dealt with these files,
// and with no other.
func (s *site) goesOn(in *standIn, names ...string) {
	s.t.Helper()
	in.leave("go", "")
	d := s.start()
	await(s.t, "the files", func() bool { return d.outcomes("registered") >= len(names) || d.ended() }, d)
	s.finish(d)
	starts := in.starts()
	for _, name := range names {
		if starts[name] == 0 {
			s.t.Errorf("%s is lost", name)
		}
		delete(starts, name)
	}
	if len(starts) > 0 {
		s.t.Errorf("files from before the group's start: %v", starts)
	}
}
