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
	reason = oneLine(reason)
	why := cause(reason, f.Path)
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
	s := strings.ReplaceAll(reason, path, "…")
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
