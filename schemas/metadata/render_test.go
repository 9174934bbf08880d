package metadata

import (
	"strings"
	"testing"

	"ingestor/internal/nexus"
	"ingestor/schemas/metadata/pyvalue"
)

// evaluated evaluates variables that are given as YAML, on a small file.
func evaluated(t testing.TB, variables, items string) *Result {
	t.Helper()
	return evaluatedOn(t, &memoryFile{values: map[string]nexus.Value{
		"/e/u": float1(1.5, 8), "/e/u@units": text1("K"), "/e/n": ints(1, 2), "/e/n@units": text1("K"), "/e/m": int1(3), "/e/m@units": text1("m"),
		"/e/t": text1("a <n> b"), "/e/s": text1("it's"),
	}}, variables, items)
}

func evaluatedOn(t testing.TB, file File, variables, items string) *Result {
	t.Helper()
	text := "id: sid\nname: n\ninstrument: i\nselector: '*'\norder: 1\nvariables:\n"
	for _, section := range []string{variables, "schema:", items} {
		for line := range strings.Lines(section) {
			if section != "schema:" {
				line = "  " + line
			}
			text += strings.TrimRight(line, "\n") + "\n"
		}
		if section == "" {
			text += "  {}\n"
		}
	}
	schema, err := parseSchema("t.imsc.yml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	result, err := schema.Evaluate(t.Context(), Input{Path: "/data/x/run.hdf", File: file, Catalogue: standIn{}, IngestorFilesDirectory: "../ingestor", RunID: "id"})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func variableOf(t testing.TB, r *Result, name string) Variable {
	t.Helper()
	for i := len(r.Variables) - 1; i >= 0; i-- {
		if r.Variables[i].Name == name {
			return r.Variables[i]
		}
	}
	t.Fatalf("no variable %s", name)
	return Variable{}
}

const renderVariables = `u: {source: NXS, path: /e/u, value_type: float}
m: {source: NXS, path: /e/m, value_type: integer}
n: {source: NXS, path: /e/n, value_type: 'integer[]'}
s: {source: VALUE, value: text, value_type: string}
failed: {source: NXS, path: /e/none, value_type: string}
`

func TestRender_Values(t *testing.T) {
	for name, row := range map[string]struct{ value, want, unit string }{
		"exactly one name keeps type and unit":     {"<u>", "1.5", "K"},
		"a list keeps its type too":                {"<n>", "[1, 2]", "K"},
		"within a text the unit is lost":           {"'<u> K'", "'1.5 K'", ""},
		"lists in texts are as Python writes them": {"'<n>!'", "'[1, 2]!'", ""},
		"two names":                                  {"'<s><m>'", "'text3'", ""},
		"a number is its JSON":                       {"010", "'8'", ""},
		"a boolean is its JSON":                      {"yes", "'true'", ""},
		"nothing is its JSON":                        {"~", "'null'", ""},
		"a large float is as Python writes it":       {"1.0e+16", "'1e+16'", ""},
		"NaN is its JSON":                            {".nan", "'NaN'", ""},
		"infinity is its JSON":                       {"-.inf", "'-Infinity'", ""},
		"a date is its own text":                     {"2024-01-02", "'2024-01-02'", ""},
		"a lone < is text":                           {"'a < b'", "'a < b'", ""},
		"a lone > is text":                           {"'a > b'", "'a > b'", ""},
		"a list with a common unit keeps it":         {"['<u>', '<n>']", "[1.5, [1, 2]]", "K"},
		"a list with different units has none":       {"['<u>', '<m>']", "[1.5, 3]", ""},
		"a list with text beside has none":           {"['<u>', x]", "[1.5, 'x']", ""},
		"a mapping renders its keys too":             {"{'<s>': '<m>', b: c}", "{'text': 3, 'b': 'c'}", ""},
		"an empty list":                              {"[]", "[]", ""},
		"a built-in variable":                        {"<data_file_name>", "'run.hdf'", ""},
		"the id of the schema":                       {"'<ingestor_metadata_schema_id>!'", "'sid!'", ""},
		"a name in brackets that are no parentheses": {"'(<s>)'", "'(text)'", ""},
	} {
		t.Run(name, func(t *testing.T) {
			result := evaluated(t, renderVariables, "")
			scope := scope{newRegistryOf(result), len(result.Variables)}
			root, _, err := parseYAML([]byte("v: " + row.value))
			if err != nil {
				t.Fatal(err)
			}
			v, unit, err := scope.render(root.get("v"))
			if err != nil || pyvalue.Repr(v) != row.want || unit != row.unit {
				t.Errorf("got %v %q, %v, want %s %q", v, unit, err, row.want, row.unit)
			}
		})
	}
}

// newRegistryOf is the registry that a result was made from.
func newRegistryOf(r *Result) *registry {
	var builtIns []Variable
	var definitions []Definition
	var bindings []*binding
	for _, v := range r.Variables {
		if v.Source == BuiltIn {
			builtIns = append(builtIns, v)
			continue
		}
		definitions = append(definitions, Definition{Name: v.Name})
		if v.Failure == nil {
			bindings = append(bindings, &binding{v.value, v.Unit})
		} else {
			bindings = append(bindings, nil)
		}
	}
	registry := newRegistry(builtIns, definitions)
	for i, b := range bindings {
		registry.settle(i, b)
	}
	return registry
}

func TestRender_FailuresSayWhichNameAndWhy(t *testing.T) {
	for value, reason := range map[string]string{
		"<sx>": "did you mean", "'<no such> thing'": "there is no variable no such", "a <later>": "further down", "x<failed>": "has failed",
		"'a < b > c'": "there is no variable", "'> <'": "both < and >", "[1]": "put it in quotes", "[[a]]": "must be text", "{1: a}": "put it in quotes", "'< s >'": "unresolved",
	} {
		result := evaluated(t, renderVariables+"v: {source: VALUE, value: "+value+", value_type: string}\nlater: {source: VALUE, value: a, value_type: string}\n", "")
		v := variableOf(t, result, "v")
		if v.Failure == nil || !strings.Contains(v.Failure.Reason, reason) {
			t.Errorf("%s: got %v %v, want %q", value, v.Text(), v.Failure, reason)
		}
	}
}

func TestRender_TextThatIsPutInMayNameALaterVariable(t *testing.T) {
	// The text of t holds <n>, which stands later in the registry.
	result := evaluated(t, "t: {source: NXS, path: /e/t, value_type: string}\nn: {source: VALUE, value: '5', value_type: integer}\nv: {source: VALUE, value: '<t>!', value_type: string}\nw: {source: VALUE, value: <t>, value_type: string}\n", "")
	if got := variableOf(t, result, "v").Text(); got != "a 5 b!" {
		t.Errorf("got %q", got)
	}
	if got := variableOf(t, result, "w").Text(); got != "a <n> b" {
		t.Errorf("a value passed on as it is stays: got %q", got)
	}
}

func TestRender_BuiltInVariablesCanBeOverruled(t *testing.T) {
	result := evaluated(t, "before: {source: VALUE, value: 'is <data_file_name>', value_type: string}\ndata_file_name: {source: VALUE, value: 'my-<data_file_name>', value_type: string}\nafter: {source: VALUE, value: 'is <data_file_name>', value_type: string}\nnow: {source: VALUE, value: <nothing>, value_type: string}\n",
		"a: {field_type: scientific_metadata, machine_name: a, value: <now>, type: string}")
	if got := variableOf(t, result, "before").Text(); got != "is run.hdf" {
		t.Errorf("got %q", got)
	}
	if got := variableOf(t, result, "after").Text(); got != "is my-run.hdf" {
		t.Errorf("got %q", got)
	}
	if f, ok := result.Field("a"); !ok || f.Value != "0001-01-01T00:00:00+00:00" {
		t.Errorf("an overruling that fails leaves the built-in value: got %v", f)
	}
}

func TestOperators(t *testing.T) {
	for name, row := range map[string]struct{ definition, want string }{
		"join_with_space joins with a comma": {"operator: join_with_space, value: [a, b]", "a, b"},
		"join-with-space is the same":        {"operator: join-with-space, value: \"['a']\"", "a"},
		"filename":                           {"operator: filename, value: /a/b c.hdf", "b c.hdf"},
		"filename of a folder is empty":      {"operator: filename, value: /a/", ""},
		"dirname":                            {"operator: dirname, value: /a/b/c", "/a/b"},
		"dirname of the root":                {"operator: dirname, value: /a", "/"},
		"dirname drops doubled slashes":      {"operator: dirname, value: a//b", "a"},
		"dirname-2":                          {"operator: dirname-2, value: /a/b/c", "/a"},
		"dirname-2 of a name is empty":       {"operator: dirname-2, value: c.hdf", ""},
		"getitem of a list":                  {"operator: getitem, field: 1, value: [a, b]", "b"},
		"getitem counts from the end":        {"operator: getitem, field: -2, value: [a, b]", "a"},
		"getitem of a text":                  {"operator: getitem, field: 1, value: aé", "é"},
		"getitem of a mapping":               {"operator: getitem, field: k, value: {k: v}", "v"},
		"str-replace replaces all":           {"operator: str-replace, pattern: a, replacement: bb, value: aXa", "bbXbb"},
		"str_replace is the same":            {"operator: str_replace, pattern: a, replacement: '', value: aXa", "X"},
		"str-replace without replacement":    {"operator: str-replace, pattern: a, value: aXa", "aXa"},
		"urlsafe":                            {"operator: urlsafe, value: 'a/b c?~é&+'", "a%2Fb+c%3F~%C3%A9%26%2B"},
		"to-lower":                           {"operator: to-lower, value: ABCÉİΣß ΑΣ", "abcéi̇σß ας"},
		"to_upper":                           {"operator: to_upper, value: abcéßŉ", "ABCÉSSʼN"},
		"DO_NOTHING":                         {"operator: DO_NOTHING, value: a", "a"},
		"an empty operator":                  {"operator: ~, value: a", "a"},
	} {
		t.Run(name, func(t *testing.T) {
			result := evaluated(t, "v: {source: VALUE, value_type: string, "+row.definition+"}", "")
			v := variableOf(t, result, "v")
			if v.Failure != nil || v.Text() != row.want {
				t.Errorf("got %q %v, want %q", v.Text(), v.Failure, row.want)
			}
		})
	}
}

func TestOperators_UnitsStayOnlyWithSumAndNothing(t *testing.T) {
	result := evaluated(t, renderVariables+
		"same: {source: VALUE, value: <u>, value_type: float, unit: ignored}\nsum: {source: VALUE, operator: sum, value: <n>, value_type: integer}\nupper: {source: VALUE, operator: to-upper, value: <u>, value_type: string}\n", "")
	for name, want := range map[string]string{"same": "1.5 K", "sum": "3 K", "upper": "1.5 "} {
		if v := variableOf(t, result, name); v.Text()+" "+v.Unit != want {
			t.Errorf("%s: got %q %q, want %q", name, v.Text(), v.Unit, want)
		}
	}
}

func TestSum_AddsAsPython312(t *testing.T) {
	for want, values := range map[string]pyvalue.List{
		"0":                    {},
		"6":                    {pyvalue.NewInt(1), pyvalue.NewInt(2), pyvalue.Bool(true), pyvalue.NewInt(2)},
		"1.0":                  {pyvalue.Float(.1), pyvalue.Float(.1), pyvalue.Float(.1), pyvalue.Float(.1), pyvalue.Float(.1), pyvalue.Float(.1), pyvalue.Float(.1), pyvalue.Float(.1), pyvalue.Float(.1), pyvalue.Float(.1)},
		"2.0":                  {pyvalue.Float(1e100), pyvalue.Float(1), pyvalue.Float(-1e100), pyvalue.Float(1)},
		"18446744073709551616": {pyvalue.NewUint(1<<64 - 1), pyvalue.NewInt(1)},
		"inf":                  {pyvalue.Float(1e308), pyvalue.Float(1e308)},
	} {
		if got, err := sum(values, Definition{}); err != nil || pyvalue.Repr(got) != want {
			t.Errorf("got %v, %v, want %s", got, err, want)
		}
	}
	if got, err := sum(pyvalue.List{pyvalue.Str("a")}, Definition{}); err == nil {
		t.Errorf("got %v, want an error", got)
	}
}

func FuzzRender(f *testing.F) {
	for _, seed := range []string{"<a>", "x<a><b>", "<<a>>", "a < b > c", "<now>", "<c", "<data_file_path>/<a>"} {
		f.Add(seed, "<b>", "c")
	}
	f.Fuzz(func(t *testing.T, template, a, b string) {
		r := newRegistry([]Variable{{Name: "now", value: pyvalue.Str("n")}}, []Definition{{Name: "a"}, {Name: "b"}, {Name: "c"}})
		r.settle(0, &binding{pyvalue.Str(a), "K"})
		r.settle(1, &binding{pyvalue.List{pyvalue.Str(b)}, ""})
		r.settle(2, nil)
		v, _, err := scope{r, 3}.renderText(template)
		if err != nil {
			return
		}
		text, ok := v.(pyvalue.Str)
		if template != "<a>" && template != "<b>" && template != "<now>" && (!ok || strings.Contains(string(text), "<") && strings.Contains(string(text), ">")) {
			t.Errorf("%q with %q: got %v", template, a, v)
		}
	})
}
