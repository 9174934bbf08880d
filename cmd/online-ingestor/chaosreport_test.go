package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// timeline is what happened during a run, in order.
type timeline struct {
	began time.Time
	mu    sync.Mutex
	lines []string
	// wrong is what must not be; each at its time.
	wrong []string
}

func newTimeline() *timeline { return &timeline{began: time.Now()} }

// stamp is a moment as the daemons' logs write it.
func stamp(t time.Time) string { return t.Format("15:04:05.000") }

func (l *timeline) add(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.lines = append(l.lines, fmt.Sprintf("%s %7.1fs  %s", stamp(now), now.Sub(l.began).Seconds(), fmt.Sprintf(format, args...)))
}

// fail notes something that must not be.
func (l *timeline) fail(format string, args ...any) {
	l.add("WRONG: "+format, args...)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wrong = append(l.wrong, fmt.Sprintf(format, args...))
}

func (l *timeline) failed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.wrong) > 0
}

func (l *timeline) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

// report tells what went wrong: the timeline, the fate of the first messages
// that are not as they must be, and where all logs are.
func (c *chaos) report(t *testing.T) {
	t.Helper()
	c.timeline.mu.Lock()
	wrong := slices.Clone(c.timeline.wrong)
	c.timeline.mu.Unlock()
	if len(wrong) == 0 {
		if testing.Verbose() {
			t.Logf("timeline:\n%s", c.timeline)
		}
		return
	}
	const mostWrong, mostFates, mostLines, longest = 20, 3, 120, 700
	var b strings.Builder
	fmt.Fprintf(&b, "%d things are wrong (seed %d):\n", len(wrong), c.plan.seed)
	for _, w := range wrong[:min(len(wrong), mostWrong)] {
		fmt.Fprintf(&b, "  %s\n", w)
	}
	fmt.Fprintf(&b, "\ntimeline:\n%s\n", c.timeline)
	for _, m := range c.offenders[:min(len(c.offenders), mostFates)] {
		fmt.Fprintf(&b, "\nthe fate of message %d (%s), %s:\n", m.number, m.kind, m.run.path)
		for _, line := range c.fateOf(m, mostLines) {
			fmt.Fprintf(&b, "  %s\n", line[:min(len(line), longest)])
		}
	}
	dir, err := os.MkdirTemp("", "ingestor-chaos-") //nolint:usetesting // it is to stay
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "report"), []byte(b.String()), 0o600)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "daemons.log"), []byte(strings.Join(c.fleet.journal.all(), "\n")), 0o600)
	}
	if err != nil {
		t.Errorf("keep the logs: %v", err)
	}
	t.Errorf("%s\nthis report and all logs of the daemons are in %s", b.String(), dir)
}

// fateOf is all that is known of a message: where it stands, what the daemons
// and the catalogue say of its file.
func (c *chaos) fateOf(m *message, most int) (lines []string) {
	words := []string{}
	if m.run.path != "" {
		words = append(words, filepath.Base(m.run.path))
	}
	for _, p := range c.observer.positionsOf(m) {
		lines = append(lines, fmt.Sprintf("stands at partition %d offset %d; outcomes %v; letters %d",
			p.partition, p.offset, c.fleet.journal.outcomesOf(p), len(c.observer.lettersOf(p))))
		words = append(words, fmt.Sprintf("offset=%d partition=%d ", p.offset, p.partition))
		for _, o := range m.wants() {
			words = append(words, fmt.Sprintf("offset=%d outcome=%s partition=%d ", p.offset, o, p.partition))
		}
	}
	lines = append(lines, c.fleet.journal.about(words...)...)
	for _, l := range c.catalogue.about(m.run.job) {
		lines = append(lines, "catalogue: "+l)
	}
	slices.SortStableFunc(lines, func(a, b string) int { return strings.Compare(clock(a), clock(b)) })
	if len(lines) > most {
		lines = append(lines[:most], fmt.Sprintf("… and %d more", len(lines)-most))
	}
	return lines
}

// clock is the time of day in a line of a log; the daemons write a comma.
func clock(line string) string {
	for i := 0; i+12 <= len(line); i++ {
		if line[i+2] == ':' && line[i+5] == ':' && (line[i+8] == ',' || line[i+8] == '.') {
			return strings.ReplaceAll(line[i:i+12], ",", ".")
		}
	}
	return ""
}
