package backfill

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"ingestor/internal/fault"
	"ingestor/internal/ledger"
)

const (
	// mostCauses and mostNames bound the report, however many files fail.
	mostCauses = 30
	mostNames  = 100
	// otherCauses is the cause of what is beyond.
	otherCauses = "other causes"
)

// paper fills the report of a run.
type paper struct {
	report *Report
	groups map[string]*Group
	untold int64 // of the refused files, those that no earlier run has told of
}

func newPaper(r *Report) *paper {
	r.Counts = map[Count]int64{}
	return &paper{report: r, groups: map[string]*Group{}}
}

// count counts a file that has come to an end; bytes are what was made of it.
func (p *paper) count(as Count, f ledger.File, bytes int64) {
	p.report.Counts[as]++
	switch as {
	case Registered, Published, Candidate:
		p.report.Bytes += bytes
	case Changed:
		p.report.ChangedFiles = named(p.report.ChangedFiles, f.Path)
	}
}

// rest counts what was found and not decided about.
func (p *paper) rest(found int64) {
	for _, n := range p.report.Counts {
		found -= n
	}
	if found > 0 {
		p.report.Counts[Left] += found
	}
}

// inVain says what an exit of SomeFailed is for.
func (p *paper) inVain() string {
	var parts []string
	if n := p.report.Counts[Failed]; n > 0 {
		parts = append(parts, several(n, "file", "files")+" failed for good")
	}
	if n := p.report.Refused; n > 0 {
		parts = append(parts, several(n, "file was", "files were")+" refused each time, while the catalogue is well; see the report")
	}
	return strings.Join(parts, ", ")
}

func named(list []string, path string) []string {
	if len(list) == mostNames {
		return list
	}
	return append(list, path)
}

// fail notes why a file failed, by its cause.
func (p *paper) fail(as Count, f ledger.File, kind fault.Kind, reason string) {
	if as == Failed {
		p.report.FailedFiles = named(p.report.FailedFiles, f.Path)
	}
	why := cause(reason, f.Path)
	reason = oneLine(reason)
	key := kind.Class().String() + " " + why
	g := p.groups[key]
	if g == nil && len(p.groups) >= mostCauses {
		why = otherCauses
		key = kind.Class().String() + " " + why
		g = p.groups[key]
	}
	if g == nil {
		g = &Group{Cause: why, Class: kind.Class().String(), Example: Example{File: f.Path, Error: reason}}
		p.groups[key] = g
	}
	g.Count++
	p.report.Failures = p.report.Failures[:0]
	for _, g := range p.groups {
		p.report.Failures = append(p.report.Failures, *g)
	}
	slices.SortFunc(p.report.Failures, func(a, b Group) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Cause, b.Cause), strings.Compare(a.Class, b.Class))
	})
}

var (
	ids    = regexp.MustCompile(`[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}`)
	quoted = regexp.MustCompile(`"[^"]*"`)
	number = regexp.MustCompile(`\b\d+(\.\d+)?\b`)
)

// longestCause is in bytes.
const longestCause = 200

// cause is a reason without what differs from file to file.
func cause(reason, path string) string {
	// The path before the spaces in it are gone; a worker may have put it on one
	// line already.
	s := strings.NewReplacer(path, "…", strings.ReplaceAll(path, "\n", "; "), "…", oneLine(path), "…").Replace(reason)
	s = oneLine(s)
	s = ids.ReplaceAllString(s, "…")
	s = quoted.ReplaceAllString(s, `"…"`)
	s = number.ReplaceAllString(s, "N")
	if len(s) > longestCause {
		s = strings.ToValidUTF8(s[:longestCause], "") + "…"
	}
	return s
}

// oneLine keeps what errors say on one line.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
