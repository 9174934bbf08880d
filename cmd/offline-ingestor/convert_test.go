package main

import (
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"ingestor/configs"
	"ingestor/schemas/metadata"
)

const jsonConfig = `{
	"id": "yes", "scicat": {"host": "https://scicat.example.org/api/v3", "token": "` + secret + `", "timeout": 1e1,
	"additional_headers": {"X-Site": "on", "X-Number": "010", "X-Text": "a: b # c"}},
	"kafka": {"topics": ["a", "1:2", "null"], "group_id": "\u00e9\ud83d\ude00\n"},
	"dataset": {"dataset_pid_prefix": "20.500.12269", "default_proposal_id": "2026-03-14", "default_access_groups": []},
	"unknown": {"key": null, "list": [1.5, true, -2E-3, {"a": "~"}]}
}
`

func TestConvert_ConfigurationOnStandardOutput(t *testing.T) {
	b := newBench(t)
	text := strings.ReplaceAll(jsonConfig, secret, "t") // secrets of the file are what is asked for
	b.write("in.json", []byte(text))
	e := b.run("convert", "in.json")
	b.golden("helping/convert_config", e)
	from, err := configs.Inspect(configs.Tool, "", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	to, err := configs.Inspect(configs.Tool, "", []byte(e.stdout), nil)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(from.Config, to.Config) || to.Config.ID != "yes" || to.Config.SciCat.Timeout != 10*time.Second {
		t.Errorf("got %+v from %+v", to.Config, from.Config)
	}
}

func TestConvert_SchemaToAFile(t *testing.T) {
	b := newBench(t)
	b.write("in.imsc.json", []byte(`{"id": 7, "name": "n", "instrument": "*", "order": 1e2, "selector": {"or": ["*", "filename:contains:<x"]},
"variables": {"no": {"source": "VALUE", "value": "1e3", "value_type": "string"}, "é": {"source": "VALUE", "value": 1e3, "value_type": "float"},
"list": {"source": "VALUE", "value": ["<no>", "a, b", " x", "", "2026-01-01"], "value_type": "string[]"}},
"schema": {"a": {"field_type": "high_level", "machine_name": "keywords", "value": "<list>", "type": "string[]"}}}`))
	if err := os.Chmod(b.path("in.imsc.json"), 0o640); err != nil {
		t.Fatal(err)
	}
	b.golden("helping/convert_schema", b.run("convert", "in.imsc.json"))
	e := b.run("convert", "in.imsc.json", "-o", "out.imsc.yml")
	info, err := os.Stat(b.path("out.imsc.yml"))
	if e.exit != 0 || e.stdout != "" || err != nil || info.Mode().Perm() != 0o640 {
		t.Fatalf("exit %d, %v: %s%s", e.exit, err, e.stdout, e.stderr)
	}
	from, err := metadata.LoadFile(b.path("in.imsc.json"))
	if err != nil {
		t.Fatal(err)
	}
	to, err := metadata.LoadFile(b.path("out.imsc.yml"))
	if err != nil {
		t.Fatal(err)
	}
	if from.ID != to.ID || from.Order != to.Order || len(to.Definitions) != 3 || to.Definitions[1].Name != "é" || from.Selector.String() != to.Selector.String() {
		t.Errorf("got %+v from %+v", to, from)
	}
	if e := b.run("convert", "in.imsc.json", "-o", "out.imsc.yml"); e.exit != 77 || !strings.Contains(e.stderr, "--force") {
		t.Errorf("overwriting: exit %d: %s", e.exit, e.stderr)
	}
	if e := b.run("convert", "in.imsc.json", "-o", "out.imsc.yml", "--force"); e.exit != 0 {
		t.Errorf("forced: exit %d: %s", e.exit, e.stderr)
	}
}

func TestConvert_WhatIsNotJSON(t *testing.T) {
	for text, want := range map[string]string{
		"a: b": "line 1: is not JSON", "{\n\"a\": ": "ends too early", "[1]": "neither a configuration nor a schema",
		"{\"a\": 1,\n\"a\": 2}": `line 2: is not JSON: the key "a" is there twice`, "{} x": "is not JSON", "": "ends too early",
	} {
		b := newBench(t)
		b.write("in.json", []byte(text))
		e := b.run("convert", "in.json", "-o", "out.yml")
		if e.exit != 65 || !strings.Contains(e.stderr, want) || strings.Count(e.stderr, "\n") != 1 {
			t.Errorf("%q: exit %d: %s", text, e.exit, e.stderr)
		}
		if _, err := os.Stat(b.path("out.yml")); err == nil {
			t.Errorf("%q: a file is written", text)
		}
	}
	b := newBench(t)
	if e := b.run("convert", "none.json"); e.exit != 65 {
		t.Errorf("exit %d: %s", e.exit, e.stderr)
	}
	b.write("in.json", []byte("{}"))
	if e := b.run("convert", "in.json", "-o", "none/out.yml"); e.exit != 77 || strings.Count(e.stderr, "\n") != 1 {
		t.Errorf("exit %d: %s", e.exit, e.stderr)
	}
}

// FuzzConvert: whatever JSON there is loads to the same thing as YAML, or is
// refused.
func FuzzConvert(f *testing.F) {
	for _, text := range []string{jsonConfig, `{"variables": {"on": {"value": ["<a>", "0x1F", "1_000", "=", "<<", "1:30", ".5", "-", "a\u0085\u2028\ufeffb"]}}}`,
		`{"a": -0, "b": 0.10, "c": 1E400, "d": "\u0000", "": {"": []}, "<<": {}}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		root, err := yamlFromJSON(text)
		if err != nil {
			return
		}
		schema := isSchema(root)
		layOut(root, schema)
		converted, err := encodeYAML(root)
		if err != nil {
			return
		}
		if err := sameLoaded(text, []byte(converted), schema); err != nil {
			// What neither reader takes can not be compared.
			if metadata.SameContent("a.json", text, "b.json", text) != nil {
				return
			}
			i, e := configs.Inspect(configs.Tool, "", text, nil)
			if e != nil || len(i.Problems) > 0 {
				return
			}
			t.Errorf("%v\n%s\n%s", err, text, converted)
		}
	})
}
