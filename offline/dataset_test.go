package offline

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"

	"ingestor/internal/fault"
	"ingestor/internal/outcome"
	"ingestor/schemas/metadata"
	"ingestor/scicat/scicattest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares a text with a file below testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (-update rewrites it); got:\n%s", path, got)
	}
}

func TestGoldenBodiesOfARun(t *testing.T) {
	b := newBed(t)
	rep := b.ingest(func(o *Options) { o.DryRun, o.Files.Hash, o.Files.Stats = true, false, false })
	var out strings.Builder
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	for _, body := range []any{rep.DatasetBody, rep.DatablockBody} {
		if err := e.Encode(body); err != nil {
			t.Fatal(err)
		}
	}
	golden(t, "bodies.golden", strings.ReplaceAll(out.String(), b.dir, "@DIR@"))
}

// schemas changes the bed's schema, and gives it alone.
func (b *bed) schemas(old, with string) *metadata.Set {
	b.t.Helper()
	text, err := os.ReadFile("testdata/schemas/run.imsc.yml")
	if err != nil {
		b.t.Fatal(err)
	}
	pattern := regexp.MustCompile("(?m)" + old)
	if !pattern.Match(text) {
		b.t.Fatalf("%q is not in the schema", old)
	}
	path := b.write("schemas/changed.imsc.yml", pattern.ReplaceAllString(string(text), with))
	set, err := metadata.LoadDirectory(filepath.Dir(path))
	if err != nil {
		b.t.Fatal(err)
	}
	return set
}

func TestDataset_DefaultsFillWhatTheSchemaLeavesOut(t *testing.T) {
	b := newBed(t)
	d := b.ingest(nil).DatasetBody
	if d.InstrumentID != "odin-id" || d.ProposalID != "443503" || d.OwnerGroup != "ess" || d.Type != "raw" {
		t.Errorf("got %v, %v, %v, %v", d.InstrumentID, d.ProposalID, d.OwnerGroup, d.Type)
	}
	if groups, ok := d.AccessGroups.([]string); !ok || len(groups) != 1 || groups[0] != "ingestor" {
		t.Errorf("access groups %v", d.AccessGroups)
	}
}

func TestDataset_WhatTheSchemaSaysWinsOverDefaults(t *testing.T) {
	b := newBed(t)
	set := b.schemas(`^schema:$`, `schema:
  a: {field_type: high_level, machine_name: instrumentId, value: mine, type: string}
  b: {field_type: high_level, machine_name: ownerGroup, value: my group, type: string}
  c: {field_type: high_level, machine_name: type, value: derived, type: string}
  d: {field_type: high_level, machine_name: size, value: '99', type: integer}`)
	d := b.ingest(func(o *Options) { o.Schemas, o.DryRun = set, true }).DatasetBody
	if d.InstrumentID != "mine" || d.OwnerGroup != "my group" || d.Type != "derived" {
		t.Errorf("got %v, %v, %v", d.InstrumentID, d.OwnerGroup, d.Type)
	}
	if d.Size == 99 || d.Size == 0 {
		t.Errorf("the size is counted, not taken from the schema: %d", d.Size)
	}
}

func TestDataset_MissingMandatoryFieldsAreNamedWithTheReason(t *testing.T) {
	for _, c := range []struct {
		name, old, with string
		change          func(*Options)
		says            []string
	}{
		{"left out of the schema", `^  owner: .*\n`, "", nil, []string{"owner (not in the schema)"}},
		{"without a value in the file", `/entry/title`, "/entry/no_title", nil, []string{"datasetName (variable title: ", "/entry/no_title"}},
		{"for want of a variable of a variable", `/entry/experiment_identifier`, "/entry/none", nil,
			[]string{"principalInvestigator, owner (variable proposal: "}},
		{"nothing, of type none", `value: contact@site.example, type: email`, `value: x, type: none`, nil, []string{"contactEmail ("}},
		{"several at once", `^  (owner|folder): .*\n`, "", nil, []string{"owner, sourceFolder (not in the schema)"}},
		{"an empty pid is none", `20.500.12269/<job_id>`, `''`, nil, []string{"pid (is empty)"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBed(t)
			set := b.schemas(c.old, c.with)
			rep, err := b.ingestor(func(o *Options) { o.Schemas = set }).Ingest(t.Context(), b.file, "")
			if err == nil || fault.KindOf(err) != fault.BadInput || rep.Exit != 65 {
				t.Fatalf("kind %v: %v", fault.KindOf(err), err)
			}
			for _, want := range append(c.says, "missing mandatory fields", "test-run", "changed.imsc.yml") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in %q", want, err)
				}
			}
			b.wantStored(0, 0)
			if posts := countPosts(b); posts != 0 {
				t.Errorf("%d POSTs", posts)
			}
		})
	}
}

func TestDataset_NoPIDIsNeededWhereTheCatalogueMakesIt(t *testing.T) {
	b := newBed(t)
	set := b.schemas(`^  pid: .*\n`, "")
	rep := b.ingest(func(o *Options) { o.Schemas, o.AllowPID = set, false })
	if rep.PID == "" || rep.DatasetBody.PID != "" {
		t.Errorf("reported %q, sent %q", rep.PID, rep.DatasetBody.PID)
	}
}

func TestDataset_ADryRunWritesAndPostsNothing(t *testing.T) {
	b := newBed(t)
	before := b.tree()
	rep := b.ingest(func(o *Options) { o.DryRun, o.Files.SaveHash = true, true })
	if rep.Outcome != outcome.DryRun || rep.DatasetBody == nil || rep.DatablockBody == nil || rep.PID != testPID {
		t.Errorf("report %+v", rep)
	}
	if chk := rep.DatablockBody.DataFileList[0].Chk; chk == nil {
		t.Error("the checksum is not shown")
	}
	if posts := countPosts(b); posts != 0 {
		t.Errorf("%d POSTs", posts)
	}
	if after := b.tree(); after != before {
		t.Errorf("before: %s\nafter: %s", before, after)
	}
}

func TestSelect_NoSchemaIsTheFilesFaultAndTheFallbackHelps(t *testing.T) {
	b := newBed(t)
	set := b.schemas(`filename:contains:run`, "filename:contains:other")
	_, err := b.ingestor(func(o *Options) { o.Schemas = set }).Ingest(t.Context(), b.file, "")
	if err == nil || fault.KindOf(err) != fault.BadInput || !strings.Contains(err.Error(), "ingestion.fallback_schema_file_path") {
		t.Errorf("kind %v: %v", fault.KindOf(err), err)
	}
	fallback, err := metadata.LoadFallback("testdata/schemas/run.imsc.yml")
	if err != nil {
		t.Fatal(err)
	}
	if rep := b.ingest(func(o *Options) { o.Schemas, o.Fallback = set, fallback }); rep.Schema != "test-run" {
		t.Errorf("schema %q", rep.Schema)
	}
}

func TestIngest_AFailedFieldIsToldAndDoesNotStop(t *testing.T) {
	b := newBed(t)
	set := b.schemas(`/entry/sample/temperature`, "/entry/sample/no_temperature")
	rep := b.ingest(func(o *Options) { o.Schemas = set })
	if _, there := rep.DatasetBody.ScientificMetadata["sample_temperature"]; there || rep.Outcome != outcome.Registered {
		t.Errorf("report %+v", rep)
	}
	log := b.logged(logrus.WarnLevel)
	for _, want := range []string{"name=temperature", "fields=sample_temperature", "could not be constructed and is ignored"} {
		if !strings.Contains(log, want) {
			t.Errorf("%q is not in the log:\n%s", want, log)
		}
	}
}

func TestIngest_ACatalogueThatTakesOneSampleGetsOne(t *testing.T) {
	for _, c := range []struct {
		name    string
		samples []string
		warned  bool
	}{
		{"of one", []string{"S-1"}, false},
		{"of several the first, and the rest is told", []string{"S-1", "S-2"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBed(t)
			for _, id := range c.samples {
				err := b.server.AddSample(scicattest.Document{
					"sampleId": id, "description": "Sandstone 3", "proposalId": "443503", "ownerGroup": "ess", "accessGroups": []string{"ingestor"},
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			set := b.schemas("schema:", "sample_attachment: {query_sample_name: true, sample_name_path: /entry/sample/name, "+
				"proposal_id_path: /entry/experiment_identifier}\nschema:")
			if rep := b.ingest(func(o *Options) { o.Schemas = set }); rep.Outcome != outcome.Registered {
				t.Fatalf("report %+v", rep)
			}
			if got := b.server.Datasets()[0]["sampleId"]; !slices.Contains(c.samples, fmt.Sprint(got)) {
				t.Errorf("sampleId is %v", got)
			}
			if warned := strings.Contains(b.logged(logrus.WarnLevel), "the others are left out"); warned != c.warned {
				t.Errorf("warned %v", warned)
			}
		})
	}
}

func TestReasonFor_AFieldMayBearTheNameOfItsVariable(t *testing.T) {
	m := &metadata.Result{Failures: []metadata.Failure{
		{What: "variable", Name: "first", Reason: "not there"},
		{What: "variable", Name: "owner", From: "<first> x", Reason: "first has failed"},
		{What: "field", Name: "owner", From: "<owner>", Reason: "owner has failed"},
	}}
	if got := reasonFor("owner", m); got != "variable first: not there" {
		t.Errorf("got %s", got)
	}
}
