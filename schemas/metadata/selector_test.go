package metadata

import (
	"strings"
	"testing"
)

func selectorOf(t testing.TB, text string) (Selector, []Fault) {
	t.Helper()
	root, _, err := parseYAML([]byte("selector: " + text + "\n"))
	if err != nil {
		t.Skip(err)
	}
	n := root.get("selector")
	if n == nil {
		t.Skip("no selector")
	}
	return parseSelector(n, "selector")
}

func TestSelector_MatchesThePathAsGiven(t *testing.T) {
	const path = "/ess/raw/coda:1/2024/coda_1.hdf"
	for text, want := range map[string]bool{
		"'*'":                       true,
		"filename:contains:coda":    true,
		"filename:contains:Coda":    false,
		"datafile:starts_with:/ess": true, "nexusfile:starts_with:ess": false,
		"filename:ends_with:.hdf": true, "filename:ends_with:coda": false,
		"filename:contains:coda:1/2024": true, "filename:contains:a:b": false,
		"{source: filename, operator: contains, operand_2: 2024}":                                true,
		"{or: [filename:contains:zzz, filename:contains:coda]}":                                  true,
		"{and: [filename:contains:zzz, filename:contains:coda]}":                                 false,
		"{and: ['*'], or: [filename:contains:zzz]}":                                              false,
		"{or: [{and: ['*', filename:contains:zzz]}, {or: [filename:contains:1]}]}":               true,
		"{or: [filename:contains:z, {source: nexusfile, operator: ends_with, operand_2: .hdf}]}": true,
	} {
		s, faults := selectorOf(t, text)
		if len(faults) > 0 {
			t.Errorf("%s: %v", text, faults)
			continue
		}
		if s.Match(path) != want {
			t.Errorf("%s: got %v, want %v", text, !want, want)
		}
	}
}

func TestSelector_AllElseIsAnError(t *testing.T) {
	for text, problem := range map[string]string{
		"{}": "empty", "[]": "list", "[filename:contains:a]": "list", "~": "empty", "all": "source:function:operand", "5": "source:function:operand",
		"{not: [filename:contains:a]}": "not", "{or: '*'}": "list", "{or: []}": "empty", "{and: []}": "empty", "{and: ~}": "list",
		"filename:matches:a": "matches", "jobid:contains:a": "jobid", "filename:contains": "operand", "{or: [all]}": "all", "{and: [[a]]}": "list",
		"{source: filename, operator: contains}": "operand_2", "{source: filename, operator: contains, operand_2: a, operand_1: b}": "operand_1",
		"{source: filename, operator: like, operand_2: a}": "like", "{or: ['*'], xor: ['*']}": "xor",
	} {
		s, faults := selectorOf(t, text)
		if s != nil || len(faults) == 0 || !strings.Contains(faults[0].String(), problem) {
			t.Errorf("%s: got %v, %v, want a fault about %q", text, s, faults, problem)
		}
	}
}

func FuzzSelector(f *testing.F) {
	for _, seed := range []string{"'*'", "filename:contains:a:b", "{or: [filename:ends_with:.hdf, {and: ['*']}]}", "{source: datafile, operator: starts_with, operand_2: 5}", "{not: []}"} {
		f.Add(seed, "/data/a.hdf")
	}
	f.Fuzz(func(t *testing.T, text, path string) {
		s, faults := selectorOf(t, text)
		if (s == nil) == (len(faults) == 0) {
			t.Fatalf("%q: selector %v, faults %v", text, s, faults)
		}
		if s == nil {
			return
		}
		s.Match(path) // must come back
		if s.String() == "" {
			t.Errorf("%q has no text form", text)
		}
	})
}
