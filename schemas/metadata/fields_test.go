package metadata

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"ingestor/internal/fault"
	"ingestor/internal/nexus"
)

func TestFields_ScientificOnesHaveNameTypeAndUnit(t *testing.T) {
	result := evaluated(t, "u: {source: NXS, path: /e/u, value_type: float}", `a: {field_type: scientific_metadata, machine_name: a, value: <u>, type: float}
b: {field_type: scientific_metadata, machine_name: b, human_name: Bee, unit: m, value: <u>, type: integer}
c: {field_type: scientific_metadata, machine_name: a, human_name: '', unit: '', value: 'x<u>', type: string}
d: {field_type: scientific_metadata, machine_name: a, value: <gone>, type: string}`)
	text, err := json.Marshal(result.Scientific)
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"MachineName":"a","HumanName":"a","Value":"x1.5","Type":"string","Unit":""},{"MachineName":"b","HumanName":"Bee","Value":1,"Type":"integer","Unit":"m"}]`
	if string(text) != want {
		t.Errorf("got %s", text)
	}
}

func TestFields_UnknownAndReservedOnesAreDroppedWithAWarning(t *testing.T) {
	result := evaluated(t, "", `owner: {field_type: high_level, machine_name: owner, value: me, type: string}
published: {field_type: high_level, machine_name: isPublished, value: '1', type: string}
all: {field_type: high_level, machine_name: scientificMetadata, value: {a: b}, type: dict}
size: {field_type: high_level, machine_name: size, value: '1', type: integer}
colour: {field_type: high_level, machine_name: colour, value: red, type: string}
weird: {field_type: weird, machine_name: owner, value: not me, type: string}`)
	if len(result.HighLevel) != 1 || result.HighLevel["owner"] != "me" || len(result.Warnings) != 5 || len(result.Failures) != 0 {
		t.Errorf("got %v, %v, %v", result.HighLevel, result.Warnings, result.Failures)
	}
}

func TestFields_WhatIsNotFiniteIsDroppedAndReported(t *testing.T) {
	result := evaluated(t, "n: {source: VALUE, value: nan, value_type: float}\nl: {source: VALUE, value: '[1.0, 1e999]', value_type: 'float[]'}\nm: {source: VALUE, value: {a: '<n>'}, value_type: dict}",
		`a: {field_type: scientific_metadata, machine_name: a, value: <n>, type: float}
b: {field_type: scientific_metadata, machine_name: b, value: <l>, type: 'float[]'}
c: {field_type: high_level, machine_name: keywords, value: <m>, type: dict}
d: {field_type: scientific_metadata, machine_name: d, value: <n>, type: string}
e: {field_type: scientific_metadata, machine_name: e, value: 'it is <n>', type: string}`)
	if len(result.Failures) != 3 || len(result.Scientific) != 2 || len(result.HighLevel) != 0 {
		t.Errorf("got %v, %v", result.Failures, result.Scientific)
	}
	for _, f := range result.Failures {
		if !strings.Contains(f.Reason, "which the catalogue can not store") {
			t.Errorf("got %v", f)
		}
	}
}

func TestText_OfAVariable(t *testing.T) {
	result := evaluated(t, "a: {source: VALUE, value: '5', value_type: integer}\nb: {source: NXS, path: /none, value_type: string}\nc: {source: SC, url: proposals/1, field: nothing, value_type: none}", "")
	if text, ok := result.Text("a"); !ok || text != "5" {
		t.Errorf("got %q, %v", text, ok)
	}
	for _, name := range []string{"b", "c", "d"} {
		if text, ok := result.Text(name); ok {
			t.Errorf("%s: got %q", name, text)
		}
	}
}

// sampleCatalogue answers one body and remembers the address.
type sampleCatalogue struct {
	body string
	err  error
	url  string
}

func (c *sampleCatalogue) Lookup(_ context.Context, url string) ([]byte, error) {
	c.url = url
	return []byte(c.body), c.err
}

func TestSamples(t *testing.T) {
	file := &memoryFile{values: map[string]nexus.Value{"/entry/sample/name": text1("A & B"), "/entry/experiment_identifier": text1("443503"), "/entry/number": int1(7)}}
	const given = "s: {field_type: high_level, machine_name: sampleId, value: S0, type: string}"
	for name, row := range map[string]struct {
		attachment, items, body string
		err                     error
		want                    any
		url                     string
		kind                    fault.Kind
		fails                   bool
	}{
		"found": {attachment: "{query_sample_name: true}", items: "{}", body: `[{"sampleId": "S1"}, {"noid": 1}, "text", {"sampleId": ""}, {"sampleId": "S2"}]`, want: `["S1","S2"]`,
			url: "samples?filter=%7B%22where%22%3A%7B%22description%22%3A%22A%20%26%20B%22%2C%22proposalId%22%3A%22443503%22%7D%7D"},
		"found beside that of the schema": {attachment: "{query_sample_name: true}", items: given, body: `[{"sampleId": "S1"}, {"sampleId": "S0"}]`, want: `["S0","S1"]`},
		"none found":                      {attachment: "{query_sample_name: true}", items: given, body: "[]", want: `"S0"`},
		"switched off":                    {attachment: "{query_sample_name: no}", items: "{}", body: `[{"sampleId": "S1"}]`, want: "null"},
		"no path in the file":             {attachment: "{query_sample_name: true, sample_name_path: /nope}", items: "{}", body: `[{"sampleId": "S1"}]`, want: "null"},
		"other paths":                     {attachment: "{query_sample_name: true, sample_name_path: /entry/number, proposal_id_path: entry/experiment_identifier}", items: "{}", body: `[{"sampleId": "S1"}]`, want: `["S1"]`},
		"not a list":                      {attachment: "{query_sample_name: true}", items: "{}", body: `{"sampleId": "S1"}`, want: "null"},
		"not found":                       {attachment: "{query_sample_name: true}", items: "{}", err: errors.New("404"), want: "null"},
		"an HTML page":                    {attachment: "{query_sample_name: true}", items: "{}", body: "<html>", fails: true, kind: fault.Unavailable},
		"the catalogue is away":           {attachment: "{query_sample_name: true}", items: "{}", err: fault.Errorf(fault.Unavailable, "500"), fails: true, kind: fault.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			text := "id: a\nname: n\ninstrument: i\nselector: '*'\norder: 1\nvariables: {}\nschema:\n  " + row.items + "\nsample_attachment: " + row.attachment + "\n"
			schema, err := parseSchema("a.imsc.yml", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			c := &sampleCatalogue{body: row.body, err: row.err}
			result, err := schema.Evaluate(t.Context(), Input{Path: "/x", File: file, Catalogue: c})
			if row.fails {
				if fault.KindOf(err) != row.kind {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := asJSON(result.HighLevel["sampleId"]); got != row.want || row.url != "" && c.url != row.url {
				t.Errorf("got %s of %s, want %s of %s", got, c.url, row.want, row.url)
			}
		})
	}
}
