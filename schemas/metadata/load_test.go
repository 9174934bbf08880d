package metadata

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ingestor/internal/fault"
	"ingestor/schemas/metadata/pyvalue"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestPlainScalar_ReadsAsPyYAML(t *testing.T) {
	for text, want := range map[string]string{
		"010": "8", "0o17": "'0o17'", "0b11": "3", "0x1F": "31", "1_000": "1000", "+12": "12", "-0": "0", "08": "'08'",
		"12:30:45": "45045", "1:2:3.5": "3723.5", "190:20:30": "685230", "1e3": "'1e3'", "1.0e+3": "1000.0", "1.5e3": "'1.5e3'", "1.": "1.0", ".5": "0.5",
		".inf": "inf", "-.INF": "-inf", ".nan": "nan", "yes": "True", "No": "False", "on": "True", "y": "'y'", "tRue": "'tRue'",
		"~": "None", "null": "None", "Null": "None", "nULL": "'nULL'", "": "None",
		"2024-01-02": "'2024-01-02'", "2024-01-02 03:04:05 +1": "'2024-01-02 03:04:05 +1'", "=": "'='", "12345678901234567890": "12345678901234567890",
	} {
		if got := pyvalue.Repr(plainScalar(text)); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

func TestParseYAML_KnowsQuotesTagsAliasesAndMerging(t *testing.T) {
	root, _, err := parseYAML([]byte(`
quoted: "010"
tagged: !!str 010
number: !!int "5"
folded: >-
  a
  b
base: &base {a: 1, b: 2}
alias: *base
merged: {<<: *base, b: 3, c: 4}
several: {<<: [{a: 5}, *base]}
`))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"quoted": "'010'", "tagged": "'010'", "number": "5", "folded": "'a b'", "alias.b": "2", "merged.a": "1", "merged.b": "3", "several.a": "5", "several.b": "2",
	} {
		n := root
		for _, key := range strings.Split(path, ".") {
			n = n.get(key)
		}
		if got := pyvalue.Repr(n.value); got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
	if got := templateText(root.get("merged")); got != "{a: 1, b: 3, c: 4}" {
		t.Errorf("what is merged stands first, got %s", got)
	}
}

func TestLoadFile_ReadsJSONAsJSON(t *testing.T) {
	text := `{"id": 7, "name": "n", "instrument": "i", "selector": "*", "order": 1.5, "schema": {},
 "variables": {"a": {"source": "VALUE", "value": "1e3", "value_type": "string"},
  "b": {"source": "VALUE", "value": "\ud83d\ude00\/yes", "value_type": "string"}}}`
	schema, err := parseSchema("a.imsc.json", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if schema.ID != "7" || schema.Order != 1.5 || schema.Err() != nil || schema.Definitions[1].Template() != "😀/yes" || schema.Definitions[1].Line != 3 {
		t.Errorf("got %+v", schema)
	}
}

// TestLoadFile_TellsEveryFault compares all faults of broken schemas with
// golden files; `go test -update` writes them anew.
func TestLoadFile_TellsEveryFault(t *testing.T) {
	files, err := Files(filepath.Join("testdata", "faults"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 9 {
		t.Fatalf("only %v", files)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			schema, err := LoadFile(file)
			var sb strings.Builder
			var faults []Fault
			var refused *SchemaError
			switch {
			case errors.As(err, &refused):
				faults = refused.Faults
				fmt.Fprintf(&sb, "stops, %v: %s\n", fault.KindOf(err), filepath.ToSlash(err.Error()))
			case err != nil:
				t.Fatal(err)
			default:
				faults = schema.Faults
				fmt.Fprintf(&sb, "loads, %v: %s\n", fault.KindOf(schema.Err()), filepath.ToSlash(schema.Err().Error()))
			}
			for _, f := range faults {
				mark := "error"
				if f.Harmless {
					mark = "warning"
				}
				fmt.Fprintf(&sb, "%3d %-7s %v\n", f.Line, mark, f)
			}
			golden := file + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(sb.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if sb.String() != string(want) {
				t.Errorf("got\n%swant\n%s", sb.String(), want)
			}
		})
	}
}

const head = "id: %s\nname: %s\ninstrument: i\nselector: '%s'\norder: %s\nvariables: {%s}\nschema: {}\n"

func schemaDirectory(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestLoadDirectory_TakesOnlyFilesWithTheRightEnding(t *testing.T) {
	schema := func(id string) string { return fmt.Sprintf(head, id, id, "*", "1", "") }
	dir := schemaDirectory(t, map[string]string{
		"a.imsc.yml": schema("a"), "b.imsc.yaml": schema("b"), "c.imsc.json": `{"id": "c", "name": "c", "instrument": "i", "selector": "*", "order": 1, "variables": {}, "schema": {}}`,
		"d.imsc.yml.bak": schema("d"), ".e.imsc.yml": schema("e"), "f.yml": schema("f"), "g.imsc.yml.example": schema("g"),
		"folder.imsc.yml/h.imsc.yml": schema("h"), "ximsc.yml": schema("i"),
	})
	set, err := LoadDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, s := range set.Schemas {
		ids = append(ids, s.ID)
	}
	if got := strings.Join(ids, " "); got != "a b c" {
		t.Errorf("got %s", got)
	}
}

func TestLoadDirectory_SortsByOrderThenName(t *testing.T) {
	dir := schemaDirectory(t, map[string]string{
		"1.imsc.yml": fmt.Sprintf(head, "z", "zeta", "*", "1", ""), "2.imsc.yml": fmt.Sprintf(head, "b", "Beta", "*", "1", ""),
		"3.imsc.yml": fmt.Sprintf(head, "a", "aLPHA", "*", "1", ""), "4.imsc.yml": fmt.Sprintf(head, "n", "any", "*", "-0.5", ""), "5.imsc.yml": fmt.Sprintf(head, "o", "other", "*", "010", ""),
		"6.imsc.yml": fmt.Sprintf(head, "p", "p", "*", "9", ""),
	})
	set, err := LoadDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, s := range set.Schemas {
		ids = append(ids, s.ID)
	}
	if got := strings.Join(ids, " "); got != "n a b z o p" {
		t.Errorf("got %s", got)
	}
}

func TestLoadDirectory_LaterOfOneIDTakesTheEarliersPlace(t *testing.T) {
	dir := schemaDirectory(t, map[string]string{
		"1.imsc.yml": fmt.Sprintf(head, "same", "first", "*", "1", ""), "2.imsc.yml": fmt.Sprintf(head, "middle", "middle", "*", "2", ""),
		"3.imsc.yml": fmt.Sprintf(head, "same", "last", "*", "3", ""),
	})
	set, err := LoadDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(set.Schemas) != 2 || set.Schemas[0].Name != "last" || set.Schemas[1].Name != "middle" || len(set.Warnings) != 1 {
		t.Errorf("got %+v, %v", set.Schemas, set.Warnings)
	}
}

func TestSelect_FaultInsideFailsOnlyTheFilesThatSelectIt(t *testing.T) {
	dir := schemaDirectory(t, map[string]string{
		"1.imsc.yml": fmt.Sprintf(head, "faulty", "f", "filename:contains:bad", "1", "q: {source: FOO, value_type: string}"),
		"2.imsc.yml": fmt.Sprintf(head, "good", "g", "filename:ends_with:.hdf", "2", ""),
	})
	set, err := LoadDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	if schema, err := set.Select("/data/good.hdf"); err != nil || schema.ID != "good" {
		t.Errorf("got %v, %v", schema, err)
	}
	schema, err := set.Select("/data/bad.hdf")
	if schema != nil || fault.KindOf(err) != fault.BadInput || !strings.Contains(err.Error(), "FOO") || !strings.Contains(err.Error(), "1.imsc.yml:6") {
		t.Errorf("got %v, %v", schema, err)
	}
	if schema, err := set.Select("/data/other.txt"); schema != nil || err != nil {
		t.Errorf("got %v, %v", schema, err)
	}
}

func TestLoadDirectory_UnreadableFilesStop(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"not YAML": {"a.imsc.yml": "a: [b"}, "no order": {"a.imsc.yml": "id: a\nselector: '*'\n"}, "no id": {"a.imsc.yml": "order: 1\nselector: '*'\n"},
		"bad selector": {"a.imsc.yml": fmt.Sprintf(head, "a", "a", "all", "1", "")},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := LoadDirectory(schemaDirectory(t, files))
			if fault.KindOf(err) != fault.BadConfiguration || !strings.Contains(err.Error(), "a.imsc.yml:1") && !strings.Contains(err.Error(), "a.imsc.yml:4") {
				t.Errorf("got %v", err)
			}
		})
	}
	if _, err := LoadDirectory(filepath.Join(t.TempDir(), "none")); fault.KindOf(err) != fault.BadConfiguration || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing directory: got %v", err)
	}
}

func TestLoadFallback_KnowsTheBuiltInSchema(t *testing.T) {
	schema, err := LoadFallback(FallbackName)
	if err != nil || schema.ID != FallbackName || len(schema.Faults) != 0 || len(schema.Items) != 9 {
		t.Errorf("got %+v, %v", schema, err)
	}
	if _, err := LoadFallback("no-such-name"); fault.KindOf(err) != fault.BadConfiguration {
		t.Errorf("got %v", err)
	}
	dir := schemaDirectory(t, map[string]string{"a.yml": fmt.Sprintf(head, "a", "a", "*", "1", "q: {source: FOO, value_type: string}")})
	if _, err := LoadFallback(filepath.Join(dir, "a.yml")); fault.KindOf(err) != fault.BadConfiguration {
		t.Errorf("a fault inside: got %v", err)
	}
}

func TestParseYAML_AliasesCanNotGrowForEver(t *testing.T) {
	text := "a0: &a0 [x, x]\n"
	for i := 1; i < 40; i++ {
		text += fmt.Sprintf("a%d: &a%d [*a%d, *a%d]\n", i, i, i-1, i-1)
	}
	if _, _, err := parseYAML([]byte(text)); err == nil || !strings.Contains(err.Error(), "aliases") {
		t.Errorf("got %v", err)
	}
}

func FuzzParseSchema(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "faults", "*.imsc.*"))
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range append(files, filepath.Join("builtin", "ess-fallback.imsc.yml")) {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text, strings.HasSuffix(file, ".json"))
	}
	f.Add([]byte("id: 1\nname: a\norder: 1_0\nselector: {and: ['*']}\ninstrument: ~\nvariables: {a: &a {source: VALUE, value: [<a>], value_type: list}, b: *a}\nschema: {<<: {}}"), false)
	f.Fuzz(func(t *testing.T, text []byte, isJSON bool) {
		path := "a.imsc.yml"
		if isJSON {
			path = "a.imsc.json"
		}
		schema, err := parseSchema(path, text)
		var refused *SchemaError
		if err != nil {
			if !errors.As(err, &refused) || refused.Error() == "" || fault.KindOf(err) != fault.BadConfiguration {
				t.Errorf("got %v", err)
			}
			return
		}
		if schema.ID == "" || schema.Selector == nil {
			t.Errorf("accepted without id or selector: %+v", schema)
		}
		if schema.Err() != nil {
			return
		}
		if _, err := schema.Evaluate(t.Context(), Input{Path: "/a", File: &memoryFile{}, Catalogue: standIn{}}); err != nil {
			t.Errorf("evaluate: %v", err)
		}
	})
}
