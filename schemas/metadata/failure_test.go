package metadata

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"ingestor/internal/nexus"
	"ingestor/internal/nexus/nexustest"
)

func TestFailures_AFailedVariableNamesTheFieldsItCosts(t *testing.T) {
	result := evaluated(t, `gone: {source: NXS, path: /e/none, value_type: string}
also: {source: NXS, path: /e/no, value_type: string}
next: {source: VALUE, value: '<gone>', value_type: string}
fine: {source: VALUE, value: fine, value_type: string}`,
		`a: {field_type: scientific_metadata, machine_name: a, value: <gone>, type: string}
b: {field_type: scientific_metadata, machine_name: b, value: '<gone> and <also>', type: string}
c: {field_type: scientific_metadata, machine_name: c, value: <next>, type: string}
d: {field_type: scientific_metadata, machine_name: d, value: <fine>, type: integer}
e: {field_type: scientific_metadata, machine_name: e, value: '<gane>', type: string}`)
	want := map[string]string{
		"variable gone": "costs a b", "variable also": "costs b", "variable next": "costs c",
		"field a": "because gone", "field b": "because gone also", "field c": "because next", "field d": "", "field e": "",
	}
	if len(result.Failures) != len(want) {
		t.Errorf("got %v", result.Failures)
	}
	for _, f := range result.Failures {
		got := ""
		if len(f.Costs) > 0 {
			got = "costs " + strings.Join(f.Costs, " ")
		}
		if len(f.Because) > 0 {
			got += "because " + strings.Join(f.Because, " ")
		}
		if w := want[f.What+" "+f.Name]; got != w {
			t.Errorf("%v: got %q, want %q", f, got, w)
		}
	}
}

func TestReader_SaysOnceWhichPathIsAbsent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.hdf")
	if err := nexustest.Write(path, nexustest.Group{Children: []nexustest.Node{
		nexustest.SoftLink{Name: "soft", Target: "/gone"}, nexustest.ExternalLink{Name: "other", File: "b.hdf", Target: "/x"},
		nexustest.Group{Name: "group"},
	}}); err != nil {
		t.Fatal(err)
	}
	file, err := nexus.Open(t.Context(), path, nexus.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for path, want := range map[string]string{
		"/gone": "/gone: there is no such dataset in the file", "group/x/": "group/x/: there is no such dataset in the file",
		"/soft": "/soft: is a link to /gone, which does not exist", "/other": "/other: is a link to /x in the file b.hdf, which does not exist",
		"/group": "/group: is a group, not a dataset",
	} {
		_, err := newReader(file).variable(Definition{Path: path, Type: "string"})
		if err == nil || err.Error() != want {
			t.Errorf("%s: got %v", path, err)
		}
		if absent := !strings.Contains(path, "/group"); errors.Is(err, nexus.ErrNotFound) != absent {
			t.Errorf("%s: %v", path, err)
		}
	}
}
