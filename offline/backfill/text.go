package backfill

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// words says of each count what it means.
var words = map[Count]string{
	Registered:      "registered",
	Existed:         "found in the catalogue",
	Published:       "published",
	Candidate:       "would be tried",
	Known:           "registered before",
	PublishedBefore: "published before, not registered yet",
	Changed:         "changed since they were registered",
	Failed:          "failed for good",
	FailedBefore:    "failed for good before, not tried again",
	Waiting:         "failed, tried again by the next run",
	Left:            "not tried, left to the next run",
}

// WriteText writes a report for people.
func (r *Report) WriteText(w io.Writer) error {
	t := &text{}
	t.line("job %s (%s): %s in %s", r.Job, r.Mode, r.ending(), time.Duration(r.Seconds*float64(time.Second)).Round(time.Millisecond))
	l := r.Looked
	t.line("looked at   %s in %s", several(l.Files, "file", "files"), several(l.Folders, "folder", "folders"))
	for _, row := range []struct {
		n    int64
		what string
	}{
		{l.Old, "seen by an earlier run"}, {l.TooYoung, "too young"}, {l.Outside, "outside of the time asked for"}, {l.Links, "symbolic links, not followed"},
		{l.Special, "no regular files"}, {l.BadNames, "with names that are no UTF-8"},
	} {
		if row.n > 0 {
			t.line("left out    %d %s", row.n, row.what)
		}
	}
	if l.Closed > 0 {
		t.line("NOT READ    %s: %s", several(l.Closed, "folder", "folders"), printable(strings.Join(l.Named, " ")))
	}
	for _, c := range Counts() {
		if n := r.Counts[c]; n > 0 {
			t.line("%9d   %s%s", n, words[c], r.size(c))
		}
	}
	for _, g := range r.Failures {
		t.line("failure     %d × %s: %s", g.Count, g.Class, printable(g.Cause))
		t.line("    such as %s: %s", printable(g.Example.File), printable(g.Example.Error))
	}
	t.names("failed", r.FailedFiles, r.Counts[Failed])
	t.names("refused", r.RefusedFiles, r.Refused)
	t.names("changed", r.ChangedFiles, r.Counts[Changed])
	if r.Exit != 0 {
		t.line("exit %d: %s", r.Exit, printable(r.Reason))
	}
	if _, err := io.WriteString(w, t.String()); err != nil {
		return fmt.Errorf("print the report: %w", err)
	}
	return nil
}

func (r *Report) ending() string {
	switch {
	case r.Whole:
		return "done"
	case r.Mode == "dry run":
		return "looked"
	case r.Exit > 1:
		return "ended early"
	}
	return "done in part"
}

// size is how much was registered in how much time, beside its count.
func (r *Report) size(c Count) string {
	if c != Registered && c != Published && c != Candidate {
		return ""
	}
	text := ", " + Size(r.Bytes)
	if c != Candidate && r.Seconds > 0 {
		text += fmt.Sprintf(" (%.1f files a second)", float64(r.Counts[c])/r.Seconds)
	}
	return text
}

type text struct{ strings.Builder }

func (t *text) line(format string, args ...any) { fmt.Fprintf(t, format+"\n", args...) }

// names lists files, so that they can be looked after.
func (t *text) names(what string, list []string, all int64) {
	for _, name := range list {
		t.line("%-11s %s", what, printable(name))
	}
	if more := all - int64(len(list)); more > 0 && len(list) > 0 {
		t.line("%-11s … and %d more", what, more)
	}
}

// printable is a text of foreign origin for a terminal.
func printable(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return r == unicode.ReplacementChar || !unicode.IsPrint(r) }) {
		return strconv.Quote(s)
	}
	return s
}

// Size is a number of bytes for people, in powers of 1000.
func Size(n int64) string {
	f, unit := float64(n), 0
	units := []string{"B", "kB", "MB", "GB", "TB", "PB"}
	for f >= 1000 && unit < len(units)-1 {
		f /= 1000
		unit++
	}
	if unit == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", f, units[unit])
}

func several(n int64, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}
