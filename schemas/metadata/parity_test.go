package metadata

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"ingestor/internal/nexus"
)

// The tables say what the peer makes of single variables and items, and in
// `want` what is wanted where it is wrong.

type parityRow struct {
	PreVars    string            `json:"pre_variables"`
	Value      *string           `json:"value"`
	Operator   *string           `json:"operator"`
	Extra      map[string]any    `json:"extra"`
	ExtraKeys  json.RawMessage   `json:"extra_keys"`
	MissingKey string            `json:"missing_key"`
	ItemValue  *string           `json:"schema_item_value"`
	Path       string            `json:"path"`
	Unit       *string           `json:"variable_unit"`
	URL        string            `json:"url"`
	Field      any               `json:"field"`
	Rec        map[string]string `json:"rec"`
	Types      []string          `json:"value_types"`
	Result     parityResult      `json:"result"`
	Items      *int              `json:"items"`
	Embed      *parityResult     `json:"embed"`
	D          string            `json:"d"`
	Want       *struct {
		Result      *parityResult `json:"result"`
		Items       *int          `json:"items"`
		Unspecified bool          `json:"unspecified"`
	} `json:"want"`
}

type parityResult struct {
	Value       json.RawMessage `json:"value"`
	Unit        string          `json:"unit"`
	Fail        string          `json:"fail"`
	NotJSON     bool            `json:"not_json"`
	SchemaError bool            `json:"schema_error"`
	Unspecified bool            `json:"unspecified"`
}

func readTable[T any](t *testing.T, name string, each func(line int, row T)) {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "parity", name))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}()
	scanner := bufio.NewScanner(f)
	scanner.Buffer(nil, 1<<20)
	for line := 1; scanner.Scan(); line++ {
		var row T
		decoder := json.NewDecoder(bytes.NewReader(scanner.Bytes()))
		decoder.UseNumber()
		if err := decoder.Decode(&row); err != nil {
			t.Fatalf("%s:%d: %v", name, line, err)
		}
		each(line, row)
	}
	if err := scanner.Err(); err != nil {
		t.Fatal(err)
	}
}

func itemTable(t *testing.T) map[int]map[string]parityResult {
	table := map[int]map[string]parityResult{}
	readTable(t, "items.jsonl", func(_ int, row struct {
		ID    int                     `json:"id"`
		Items map[string]parityResult `json:"items"`
	}) {
		table[row.ID] = row.Items
	})
	return table
}

// wanted is what a row demands after its `want` has been applied.
func (r parityRow) wanted() (result parityResult, items *int, embed *parityResult) {
	result, items, embed = r.Result, r.Items, r.Embed
	if r.Want == nil {
		return result, items, embed
	}
	if r.Want.Unspecified {
		return parityResult{Unspecified: true}, nil, nil
	}
	if r.Want.Result != nil {
		result = *r.Want.Result
	}
	if r.Want.Items != nil {
		items = r.Want.Items
	} else if r.Want.Result != nil {
		items = nil
	}
	return result, items, nil
}

func quoted(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func asJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// yamlValue writes a value of the tables: a text, or YAML after its mark.
func yamlValue(s string) string {
	if raw, ok := strings.CutPrefix(s, "YAML:"); ok {
		return raw
	}
	return quoted(s)
}

// paritySchema is a schema with a variable v and an item of each type that
// takes its value.
func paritySchema(preVariables, variable, itemValue string, itemTypes []string, embed bool) string {
	var sb strings.Builder
	sb.WriteString("id: sid\nname: n\ninstrument: i\nselector: '*'\norder: 1\nvariables:\n")
	for line := range strings.Lines(preVariables) {
		if strings.TrimSpace(line) != "" {
			sb.WriteString("  " + line)
		}
	}
	sb.WriteString(variable)
	if preVariables == "" && variable == "" {
		sb.WriteString("  {}\n")
	}
	sb.WriteString("schema:\n")
	for _, name := range itemTypes {
		fmt.Fprintf(&sb, "  %s:\n    field_type: scientific_metadata\n    machine_name: %s\n    type: %s\n    value: %s\n",
			quoted(name), quoted(name), quoted(name), itemValue)
	}
	if embed {
		sb.WriteString("  embed: {field_type: scientific_metadata, machine_name: embed, type: string, value: 'a<v>b'}\n")
	}
	if len(itemTypes) == 0 && !embed {
		sb.WriteString("  {}\n")
	}
	return sb.String()
}

// parityRun evaluates one row for one type and compares all that the row says.
type parityRun struct {
	t         *testing.T
	items     map[int]map[string]parityResult
	file      File
	catalogue Catalogue
	pre       string
	checked   int
}

func (p *parityRun) check(name string, row parityRow, variable, itemValue string) {
	p.t.Helper()
	wanted, itemsID, embed := row.wanted()
	var items map[string]parityResult
	var types []string
	if itemsID != nil {
		items = p.items[*itemsID]
		for name := range items {
			types = append(types, name)
		}
	}
	text := paritySchema(p.pre, variable, itemValue, types, embed != nil)
	p.checked++
	schema, err := parseSchema("row.imsc.yml", []byte(text))
	if err == nil {
		err = schema.Err()
	}
	if err != nil {
		if !wanted.SchemaError && wanted.Fail == "" && !wanted.Unspecified {
			p.t.Errorf("%s: %v", name, err)
		}
		return
	}
	if wanted.SchemaError {
		p.t.Errorf("%s: the schema is accepted", name)
		return
	}
	result, err := schema.Evaluate(p.t.Context(), Input{Path: "/data/raw/x/kinds.hdf", File: p.file, Catalogue: p.catalogue,
		Now: time.Date(2024, 1, 2, 3, 4, 5, 6000, time.UTC), RunID: "run", IngestorFilesDirectory: "../ingestor"})
	if err != nil {
		p.t.Errorf("%s: %v", name, err)
		return
	}
	if variable != "" {
		p.compareVariable(name, result.Variables[len(result.Variables)-1], wanted)
	}
	for itemType, want := range items {
		p.compareField(name+" item "+itemType, result, itemType, want)
	}
	if embed != nil {
		p.compareField(name+" embed", result, "embed", *embed)
	}
}

func (p *parityRun) compareVariable(name string, v Variable, want parityResult) {
	p.t.Helper()
	switch {
	case want.Unspecified:
	case want.Fail != "":
		if v.Failure == nil {
			p.t.Errorf("%s: got %s, want a failure (%s)", name, v.Text(), want.Fail)
		}
	case v.Failure != nil:
		p.t.Errorf("%s: %v, want %s", name, v.Failure, want.Value)
	case want.NotJSON:
		if plain, ok := v.Plain(); ok {
			p.t.Errorf("%s: got %v, want a value that JSON has no form for", name, plain)
		}
	default:
		plain, ok := v.Plain()
		if !ok || !sameJSON(asJSON(plain), string(want.Value)) {
			p.t.Errorf("%s: got %s, want %s", name, v.Text(), want.Value)
		}
		if v.Unit != want.Unit && !strings.HasPrefix(want.Unit, "peer holds") {
			p.t.Errorf("%s: got unit %q, want %q", name, v.Unit, want.Unit)
		}
	}
}

func (p *parityRun) compareField(name string, result *Result, field string, want parityResult) {
	p.t.Helper()
	got, ok := result.Field(field)
	switch {
	case want.Unspecified:
	case want.Fail != "" || want.NotJSON:
		if ok {
			p.t.Errorf("%s: got %s, want a failure (%s)", name, asJSON(got.Value), want.Fail)
		}
	case !ok:
		p.t.Errorf("%s: failed, want %s: %v", name, want.Value, result.Failures)
	default:
		if !sameJSON(asJSON(got.Value), string(want.Value)) {
			p.t.Errorf("%s: got %s, want %s", name, asJSON(got.Value), want.Value)
		}
		if got.Unit != want.Unit && !strings.HasPrefix(want.Unit, "peer holds") {
			p.t.Errorf("%s: got unit %q, want %q", name, got.Unit, want.Unit)
		}
	}
}

// sameJSON compares values, numbers exactly by value.
func sameJSON(a, b string) bool {
	for token, value := range map[string]string{"@NOW@": "2024-01-02T03:04:05.000006+00:00", "@UUID4@": "run"} {
		b = strings.ReplaceAll(b, token, value)
	}
	decode := func(s string) any {
		decoder := json.NewDecoder(strings.NewReader(s))
		decoder.UseNumber()
		var v any
		if err := decoder.Decode(&v); err != nil {
			return err.Error()
		}
		return canonical(v)
	}
	return reflect.DeepEqual(decode(a), decode(b))
}

func canonical(v any) any {
	switch v := v.(type) {
	case json.Number:
		if r, ok := new(big.Rat).SetString(v.String()); ok {
			return "number " + r.RatString()
		}
	case []any:
		for i := range v {
			v[i] = canonical(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = canonical(v[k])
		}
	}
	return v
}

// standIn answers like the stand-in of the acceptance suite.
type standIn struct{}

var errStandIn = errors.New("404 Not Found")

const proposalBody = `{"pi_firstname": "Ada", "pi_lastname": "L\u00f6velace", "pi_email": "ada@example.org", "firstname": "Ada",
"lastname": "L\u00f6velace", "email": "ada@example.org", "title": "stub proposal", "ownerGroup": "g1", "accessGroups": ["a", "b"],
"number": 42, "ratio": 0.25, "flag": true, "nothing": null,
"MeasurementPeriodList": [{"instrument": "coda", "start": "2024-01-01T00:00:00Z"}], "proposalId": %s}`

var caseBodies = map[string]string{
	"case_html": "<html>", "case_empty": "", "case_null": "null", "case_str": `"str"`, "case_num": "12.5",
	"case_nan": `{"a": NaN}`, "case_dup": `{"a": 1, "a": 2}`,
	"case_big": `{"a": 123456789012345678901234567890, "b": 1.0, "c": 1e400, "d": 1E5}`,
}

var standInURL = regexp.MustCompile(`^(?:@HOST@/api/v3/)?(proposals|instruments|samples)(?:[/?](.*))?$`)

func (standIn) Lookup(_ context.Context, url string) ([]byte, error) {
	m := standInURL.FindStringSubmatch(url)
	if m == nil || m[2] == "case_404" {
		return nil, fmt.Errorf("%w: GET %s", errStandIn, url)
	}
	switch m[1] {
	case "instruments":
		return []byte(`[{"pid": "instr-pid-1", "id": "instr-id-1", "name": "STUB", "uniqueName": "stub", "customMetadata": {}}]`), nil
	case "samples":
		return []byte("[]"), nil
	}
	if body, ok := caseBodies[m[2]]; ok {
		return []byte(body), nil
	}
	id, _, _ := strings.Cut(m[2], "?")
	id = strings.ReplaceAll(id, "proposals", "@HOST@/api/v3/proposals")
	if id == "" {
		return fmt.Appendf(nil, proposalBody, "null"), nil
	}
	return fmt.Appendf(nil, proposalBody, quoted(id)), nil
}

func kindsInMemory() *memoryFile {
	return &memoryFile{values: map[string]nexus.Value{
		"/entry/k/u_str": float1(1.5, 8), "/entry/k/u_str@units": text1("K"),
		"/entry/k/u_arr1": ints(1, 2), "/entry/k/u_arr1@units": text1("counts"),
	}}
}

func TestParity_EveryValueVariableIsAsInTheTable(t *testing.T) {
	p := &parityRun{t: t, items: itemTable(t), file: kindsInMemory(), catalogue: standIn{}}
	readTable(t, "value.jsonl", func(line int, row parityRow) {
		name := fmt.Sprintf("value.jsonl:%d", line)
		switch {
		case row.PreVars != "":
			p.pre = row.PreVars
		case row.ItemValue != nil:
			p.check(name, row, "", yamlValue(*row.ItemValue))
		case row.MissingKey != "":
			p.check(name, row, variableWithout(row.MissingKey), "'<v>'")
		case row.ExtraKeys != nil:
			p.check(name, row, fmt.Sprintf("  v: {source: VALUE, value_type: string, value: %s, %s}\n", quoted(*row.Value),
				strings.Trim(string(row.ExtraKeys), "{}")), "'<v>'")
		default:
			for _, valueType := range row.Types {
				variable := fmt.Sprintf("  v:\n    source: VALUE\n    value_type: %s\n    operator: %s\n    value: %s\n",
					quoted(valueType), quoted(*row.Operator), yamlValue(*row.Value))
				for key, extra := range row.Extra {
					variable += fmt.Sprintf("    %s: %s\n", key, asJSON(extra))
				}
				p.check(name+" "+valueType, row, variable, "'<v>'")
			}
		}
	})
	if p.checked < 3914 {
		t.Errorf("only %d rows were checked", p.checked)
	}
}

func variableWithout(key string) string {
	text := "  v: {"
	for _, entry := range []string{"source: VALUE", "value: x", "value_type: string"} {
		if !strings.HasPrefix(entry, key+":") {
			text += entry + ", "
		}
	}
	return text + "}\n"
}

func TestParity_EveryCatalogueVariableIsAsInTheTable(t *testing.T) {
	p := &parityRun{t: t, items: itemTable(t), file: kindsInMemory(), catalogue: standIn{},
		pre: "pid: {source: VALUE, value: 'a/b c?d=1&e#f%20é', value_type: string}\nnum: {source: VALUE, value: 5, value_type: integer}\n"}
	readTable(t, "sc.jsonl", func(line int, row parityRow) {
		name := fmt.Sprintf("sc.jsonl:%d", line)
		if row.Rec != nil {
			p.check(name, row, fmt.Sprintf("  v: {source: SC, value_type: string, %s}\n", strings.Trim(asJSON(row.Rec), "{}")), "'<v>'")
			return
		}
		// The body of a 404 is no value (D20), also where the table forgets to
		// say so.
		if strings.Contains(string(row.Result.Value), "statusCode") {
			row.Result, row.Items, row.Embed, row.Want = parityResult{Fail: "D20"}, nil, nil, nil
		}
		for _, valueType := range row.Types {
			p.check(name+" "+valueType, row, fmt.Sprintf("  v:\n    source: SC\n    value_type: %s\n    url: %s\n    field: %s\n",
				quoted(valueType), quoted(row.URL), asJSON(row.Field)), "'<v>'")
		}
	})
	if p.checked < 184 {
		t.Errorf("only %d rows were checked", p.checked)
	}
}

func TestParity_EveryFileVariableIsAsInTheTable(t *testing.T) {
	file, err := nexus.Open(t.Context(), filepath.Join("testdata", "kinds.hdf"), nexus.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	}()
	p := &parityRun{t: t, items: itemTable(t), file: file}
	readTable(t, "nxs.jsonl", func(line int, row parityRow) {
		extra := ""
		if row.ExtraKeys != nil {
			var keys string
			if err := json.Unmarshal(row.ExtraKeys, &keys); err != nil {
				t.Fatal(err)
			}
			extra = strings.Trim(keys, "{}")
		}
		if row.Unit != nil {
			extra = "unit: " + quoted(*row.Unit)
		}
		for _, valueType := range row.Types {
			p.check(fmt.Sprintf("nxs.jsonl:%d %s %s", line, row.Path, valueType), row,
				fmt.Sprintf("  v: {source: NXS, value_type: %s, path: %s, %s}\n", quoted(valueType), quoted(row.Path), extra), "'<v>'")
		}
	})
	if p.checked < 1070 {
		t.Errorf("only %d rows were checked", p.checked)
	}
}
