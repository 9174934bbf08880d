package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// retry runs offline-ingestor retry as a person does, beside the daemon or
// without one.
func (s *site) retry(args ...string) string {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), offlineProgram, append([]string{"retry", "-c", s.config()}, args...)...)
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "TMPDIR=" + os.TempDir()}
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("retry %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// spoil puts something else in the place of a measurement's file, and gives back
// what mends it.
func (s *site) spoil(r run) (mend func()) {
	s.t.Helper()
	whole := r.path + ".whole"
	if err := os.Rename(r.path, whole); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(r.path, []byte("this is no HDF5 file"), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return func() {
		s.t.Helper()
		if err := os.Rename(whole, r.path); err != nil {
			s.t.Fatal(err)
		}
	}
}

// What was given up is tried again when asked for, by the daemon that runs or,
// without one, by the command; what fails again stays listed.
func retryReplays(t *testing.T, b *broker, _ scale) {
	s := newSite(t, b, 1)
	box := s.deadLetters()
	mended, still, alone := s.measure(), s.measure(), s.measure()
	mend, _, mendAlone := s.spoil(mended), s.spoil(still), s.spoil(alone)
	s.announce(mended, still, alone)
	d := s.start()
	box.awaitLetters(t, 3, d)
	await(t, "three outcomes", func() bool { return d.outcomes("dead_lettered") == 3 || d.ended() }, d)
	list := func(want ...run) {
		t.Helper()
		text := s.retry("--list")
		for _, r := range []run{mended, still, alone} {
			wanted := false
			for _, w := range want {
				wanted = wanted || w == r
			}
			if strings.Contains(text, r.path) != wanted {
				t.Errorf("of %s the list says (wanted: %v):\n%s", r.path, wanted, text)
			}
		}
	}
	list(mended, still, alone)

	mend()
	said := s.retry("--job", mended.job) + s.retry("--job", still.job)
	t.Log(strings.TrimSpace(said))
	await(t, "the mended file", func() bool { return s.catalogue.registered(mended) || d.ended() }, d)
	letters := box.awaitLetters(t, 4, d)
	if got, want := headersOf(t, letters[3])["ingestor-source"], fmt.Sprintf("%s/0/1", s.topic); got != want {
		t.Errorf("the second letter is from %s, not %s", got, want)
	}
	await(t, "the list without it", func() bool { return !strings.Contains(s.retry("--list"), mended.path) }, d)
	list(still, alone)
	s.finish(d)
	if sums := d.sums(); sums["registered"] != 1 || sums["dead_lettered"] != 4 || sums["messages"] != 5 {
		t.Errorf("sums %v", sums)
	}

	mendAlone()
	t.Log(strings.TrimSpace(s.retry("--job", alone.job)))
	list(still)
	s.catalogue.checkOnce(mended, alone)
}
