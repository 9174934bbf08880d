package metadata

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

func inspected(t *testing.T, variables, items string) []string {
	t.Helper()
	dir := schemaDirectory(t, map[string]string{"a.imsc.yml": "id: a\nname: a\ninstrument: i\nselector: '*'\norder: 1\nvariables: {" + variables + "}\nschema: {" + items + "}\n"})
	_, faults, err := Inspect(filepath.Join(dir, "a.imsc.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range faults {
		got = append(got, fmt.Sprintf("%d %v", f.Line, f))
	}
	return got
}

func TestInspect_FindsNamesThatNeverHaveAValue(t *testing.T) {
	got := inspected(t, `a: {source: VALUE, value: <b>, value_type: string}, b: {source: VALUE, value: <data_file_nam>, value_type: string}, c: {source: SC, url: 'proposals/<b>/<x>', field: f, value_type: string}`,
		`f: {field_type: scientific_metadata, machine_name: f, value: ['<c>', <d_unknown_name>], type: list}, g: {field_type: scientific_metadata, machine_name: g, value: <now> 1 < 2, type: string}`)
	want := []string{
		"6 variables.a.value: the variable b is only defined further down, so this always fails (move its definition up)",
		"6 variables.b.value: there is no variable data_file_nam, so this always fails (did you mean <data_file_name>?)",
		"6 variables.c.url: there is no variable x, so this always fails (did you mean <a>?)",
		"7 schema.f.value: there is no variable d_unknown_name, so this always fails (define it below variables)",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}

func TestInspect_TellsAllOfAFileThatStops(t *testing.T) {
	dir := schemaDirectory(t, map[string]string{"a.imsc.yml": "name: a\nselector: all\nvariables: {q: {source: FOO}}\nschema: []\n"})
	schema, faults, err := Inspect(filepath.Join(dir, "a.imsc.yml"))
	if schema != nil || err != nil || len(faults) != 6 {
		t.Errorf("got %v, %v, %v", schema, faults, err)
	}
	if _, _, err := Inspect(filepath.Join(dir, "none")); err == nil {
		t.Error("a missing file is inspected")
	}
}

func TestRivalries_OneSelectorImpliesAnother(t *testing.T) {
	s, c, e := func(o string) Selector { return comparison{"filename", "starts_with", o} }, func(o string) Selector { return comparison{"datafile", "contains", o} },
		func(o string) Selector { return comparison{"nexusfile", "ends_with", o} }
	or, and := func(p ...Selector) Selector { return combination{true, p} }, func(p ...Selector) Selector { return combination{false, p} }
	for _, row := range []struct {
		a, b           Selector
		implies, apart bool
	}{
		{c("a"), everyFile{}, true, false}, {everyFile{}, c("a"), false, false}, {everyFile{}, c(""), true, false},
		{c("abc"), c("b"), true, false}, {c("b"), c("abc"), false, false}, {s("/a/b"), s("/a"), true, false}, {s("/a"), s("/b"), false, true},
		{e(".nxs"), e("s"), true, false}, {e(".nxs"), e(".hdf"), false, true}, {s("/odin"), c("odin"), true, false}, {c("odin"), s("/odin"), false, false},
		{or(c("ab"), c("b")), c("b"), true, false}, {or(c("ab"), c("x")), c("b"), false, false}, {and(c("ab"), c("x")), c("b"), true, false},
		{c("ab"), or(c("x"), c("a")), true, false}, {c("ab"), and(c("b"), c("a")), true, false}, {c("ab"), and(c("x"), c("a")), false, false},
		{and(s("/a"), c("x")), s("/b"), false, true}, {or(s("/a"), s("/c")), s("/b"), false, true}, {or(s("/a"), s("/b")), s("/b"), false, false},
		{s("/b"), or(s("/a"), s("/c")), false, true},
	} {
		if got := implies(row.a, row.b); got != row.implies {
			t.Errorf("%v implies %v: %v", row.a, row.b, got)
		}
		if got := apart(row.a, row.b); got != row.apart {
			t.Errorf("%v apart from %v: %v", row.a, row.b, got)
		}
	}
}

func TestSameContent_NamesTheFirstDifference(t *testing.T) {
	for yaml, want := range map[string]string{
		"a: {b: [1, '2', null]}\nc: 1.5": "", "a: {b: [1, 2, null]}\nc: 1.5": "line 1: .a.b[1] is 2, not '2'", "a: {b: [1]}\nc: 1.5": "line 1: .a.b has 1 entries, not 3",
		"c: 1.5\na: {b: []}": "line 1: the key .a is 'c', not 'a'", "a: {x: []}\nc: 1.5": "line 1: the key .a.b is 'x', not 'b'", "a: [": "out.yml: not YAML",
	} {
		err := SameContent("in.json", []byte(`{"a": {"b": [1, "2", null]}, "c": 1.5}`), "out.yml", []byte(yaml))
		if (err == nil) != (want == "") {
			t.Errorf("%s: got %v", yaml, err)
		}
		if err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", yaml, err, want)
		}
	}
	if err := SameContent("a.json", []byte("{"), "b.yml", nil); err == nil {
		t.Error("broken JSON is the same")
	}
}
