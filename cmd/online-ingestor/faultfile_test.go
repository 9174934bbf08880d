package main_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"ingestor/internal/nexus/nexustest"
	"ingestor/scicat/scicattest"
)

// The faults that are about one file, its schema or the catalogue's answers: by
// way of the daemon and a real child all the same. The table is in fault_test.go.

// ownSchemas gives the site a folder of schemas that begins with the usual one,
// to which lines may be added, and returns it.
func (s *site) ownSchemas(more string) (folder string) {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "schemas", "odin.imsc.yml"))
	if err != nil {
		s.t.Fatal(err)
	}
	folder = filepath.Join(s.dir, "schemas")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		s.t.Fatal(err)
	}
	s.write(filepath.Join("schemas", "odin.imsc.yml"), append(text, more...))
	s.settings["ingestion.schemas_directory"] = folder
	return folder
}

// oneFile sends a measurement through a daemon and gives its dataset.
func (s *site) oneFile(r run) scicattest.Document {
	s.t.Helper()
	s.announce(r)
	d := s.start()
	await(s.t, "the datablock", func() bool { return len(s.catalogue.Datablocks("")) > 0 || d.ended() }, d)
	s.finish(d)
	all := s.catalogue.Datasets()
	if len(all) != 1 || len(s.catalogue.Datablocks("")) != 1 {
		s.t.Fatalf("%d datasets and %d datablocks of one file\n%s", len(all), len(s.catalogue.Datablocks("")), d)
	}
	return all[0]
}

// rewrite changes one dataset of a measurement's file, or adds it to the entry.
func (s *site) rewrite(r run, change func(entry *nexustest.Group)) {
	s.t.Helper()
	root := nexustest.Run(nexustest.RunInfo{JobID: r.job, Detector: [3]int{1, 8, 8}})
	entry := root.Children[0].(nexustest.Group)
	change(&entry)
	root.Children[0] = entry
	if err := os.Remove(r.path); err != nil {
		s.t.Fatal(err)
	}
	if err := nexustest.Write(r.path, root); err != nil {
		s.t.Fatal(err)
	}
}

// (h) A file that no schema selects goes by the fallback schema.
func fallbackSchemaIsUsed(t *testing.T, b *broker, _ scale) {
	s := newSite(t, b, 1)
	folder := s.ownSchemas("")
	fallback := filepath.Join(s.dir, "fallback.imsc.yml")
	if err := os.Rename(filepath.Join(folder, "odin.imsc.yml"), fallback); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(fallback)
	if err != nil {
		t.Fatal(err)
	}
	s.write(filepath.Join("schemas", "other.imsc.yml"),
		[]byte(strings.NewReplacer("datafile:contains:/odin/", "datafile:contains:/nowhere/", "id: odin", "id: other").Replace(string(text))))
	s.settings["ingestion.fallback_schema_file_path"] = fallback
	r := s.measure()
	if got := s.oneFile(r)["pid"]; got != r.pid {
		t.Errorf("the pid is %v, not %s", got, r.pid)
	}
}

// (i), F1: by default paths are relative to the dataset's source folder, which
// the schema makes of the file's path, and checksums are kept in files.
func relativePathsAndHashFile(t *testing.T, b *broker, _ scale) {
	s := newSite(t, b, 1)
	r := s.measure()
	dataset := s.oneFile(r)
	folder, _ := dataset["sourceFolder"].(string)
	if want := filepath.Join(s.dir, "odin"); folder != want {
		t.Errorf("the source folder is %q, not %q", folder, want)
	}
	block := s.catalogue.Datablocks(r.pid)[0]
	got := map[string]bool{}
	for _, f := range block["dataFileList"].([]any) {
		path := f.(map[string]any)["path"].(string)
		got[path] = true
		if _, err := os.Stat(filepath.Join(folder, path)); err != nil || filepath.IsAbs(path) {
			t.Errorf("%q is not a file below the source folder (%v)", path, err)
		}
	}
	if !got["raw/run_0001.hdf"] || !got["ingestor/run_0001.b2b"] {
		t.Errorf("the datablock lists %v", got)
	}
}

// F2: whatever is said about commits of single messages, every message is
// committed when it is done.
func individualMessageCommit(t *testing.T, b *broker, _ scale) {
	s := newSite(t, b, 1)
	for _, on := range []bool{true, false} {
		s.settings["kafka.individual_message_commit"] = on
		runs := s.measureAll(2)
		s.announce(runs...)
		d := s.start()
		await(t, "the files", func() bool { return s.catalogue.registered(runs...) || d.ended() }, d)
		s.finish(d)
	}
	if got := s.committedOffset(); got != 4 {
		t.Errorf("committed is %d", got)
	}
}

// F3: a time-out of 0, the peer's default, is the default time-out.
func timeoutZero(t *testing.T, b *broker, _ scale) {
	s := newSite(t, b, 1)
	s.settings["scicat.timeout"] = 0
	s.catalogue.delay("POST", "/datasets$", 300*time.Millisecond)
	s.oneFile(s.measure())
}

// F4: a schema with a sample section registers its files, and asks for the
// sample.
func sampleAttachment(t *testing.T, b *broker, _ scale) {
	s := newSite(t, b, 1)
	s.ownSchemas("sample_attachment: {query_sample_name: true}\n")
	r := s.measure()
	if got := s.oneFile(r)["pid"]; got != r.pid {
		t.Errorf("the pid is %v, not %s", got, r.pid)
	}
	asked := slices.ContainsFunc(s.catalogue.Requests(), func(q scicattest.Request) bool {
		return q.Method == "GET" && strings.Contains(q.Target, "/samples?filter=")
	})
	if !asked {
		t.Error("no sample was asked for: the test shows nothing")
	}
}

// F5, F12: NaN and infinity, units that are no text, and arrays of text cost no
// dataset.
func oddValues(t *testing.T, b *broker, _ scale) {
	s := newSite(t, b, 1)
	names := []string{"nan", "infinite", "unit_fixed", "unit_number", "tags", "fixed_tags"}
	var variables, fields string
	for _, n := range names {
		kind := "float"
		if strings.HasSuffix(n, "tags") {
			kind = "string[]"
		}
		variables += fmt.Sprintf("  %s: {source: NXS, path: /entry/%s, value_type: '%s'}\n", n, n, kind)
		fields += fmt.Sprintf("  %s: {field_type: scientific_metadata, machine_name: %s, human_name: %s, value: <%s>, type: '%s'}\n", n, n, n, n, kind)
	}
	folder := s.ownSchemas(fields)
	path := filepath.Join(folder, "odin.imsc.yml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s.write(filepath.Join("schemas", "odin.imsc.yml"), []byte(strings.Replace(string(text), "schema:\n", variables+"schema:\n", 1)))
	r := s.measure()
	s.rewrite(r, func(entry *nexustest.Group) {
		unit := func(v any) []nexustest.Attribute { return []nexustest.Attribute{{Name: "units", Data: v}} }
		entry.Children = append(entry.Children,
			nexustest.Dataset{Name: "nan", Data: math.NaN(), Units: "K"},
			nexustest.Dataset{Name: "infinite", Data: math.Inf(1), Units: "K"},
			nexustest.Dataset{Name: "unit_fixed", Data: 1.5, Attributes: unit(nexustest.Fixed("mm"))},
			nexustest.Dataset{Name: "unit_number", Data: 2.5, Attributes: unit(7.0)},
			nexustest.Dataset{Name: "tags", Data: []string{"red", "grün"}},
			nexustest.Dataset{Name: "fixed_tags", Data: []nexustest.Fixed{"one", "two"}})
	})
	metadata, _ := s.oneFile(r)["scientificMetadata"].(map[string]any)
	value := func(name string) any {
		field, _ := metadata[name].(map[string]any)
		return field["value"]
	}
	for _, name := range []string{"nan", "infinite"} {
		if got, there := metadata[name]; there {
			t.Errorf("%s is %v, though JSON has no such number", name, got)
		}
	}
	for name, want := range map[string]string{
		"unit_fixed": "1.5", "unit_number": "2.5", "tags": "[red grün]", "fixed_tags": "[one two]", "job_id": r.job,
	} {
		if got := fmt.Sprint(value(name)); got != want {
			t.Errorf("%s is %s, not %s", name, got, want)
		}
	}
	if field, _ := metadata["unit_fixed"].(map[string]any); !reflect.DeepEqual(field["unit"], "mm") {
		t.Errorf("the unit is %v, not mm", field["unit"])
	}
}

// F6: with allow_dataset_pid off the catalogue gives the pid, and the datablock
// belongs to it.
func catalogueAssignsThePID(t *testing.T, b *broker, _ scale) {
	s := newSite(t, b, 1)
	s.settings["dataset.allow_dataset_pid"] = false
	r := s.measure()
	pid, _ := s.oneFile(r)["pid"].(string)
	if pid == "" || pid == r.pid {
		t.Errorf("the pid is %q", pid)
	}
	if n := len(s.catalogue.Datablocks(pid)); n != 1 {
		t.Errorf("the dataset has %d datablocks", n)
	}
}

// F7, F8: a schema with a fault inside (an operator that does not exist) fails
// the files that select it, and says so. A schema file that can not be read at
// all holds everything, for nobody knows what it selects; nothing is given up.
func badSchemaFile(t *testing.T, b *broker, _ scale) {
	s := newSite(t, b, 1)
	s.ownSchemas("")
	text, err := os.ReadFile(filepath.Join("testdata", "schemas", "odin.imsc.yml"))
	if err != nil {
		t.Fatal(err)
	}
	s.write(filepath.Join("schemas", "faulty.imsc.yml"), []byte(strings.NewReplacer("id: odin", "id: faulty", "order: 1\n", "order: 0\n",
		"datafile:contains:/odin/", "filename:contains:special", "dirname-2", "dirname-of-dreams").Replace(string(text))))
	special, good, later := s.measure(), s.measure(), s.measureAll(3)
	moved := strings.Replace(special.path, "run_", "special_", 1)
	if err := os.Rename(special.path, moved); err != nil {
		t.Fatal(err)
	}
	special.path = moved
	s.announce(special, good)
	d := s.start()
	await(t, "the file with a good schema", func() bool { return s.catalogue.registered(good) || d.ended() }, d)
	await(t, "the end of the other", func() bool { return d.outcomes("dead_lettered") == 1 || d.ended() }, d)
	if !d.says("outcome=dead_lettered", "dirname-of-dreams") || d.times("Command to be run", special.path) != 1 {
		t.Errorf("the reason is not told, or it was tried more than once\n%s", d)
	}

	s.write(filepath.Join("schemas", "unreadable.imsc.yml"), []byte("id: {unreadable\n  - :"))
	s.announce(later...)
	d.awaitSays("Intake held", "unreadable.imsc.yml")
	if err := os.Remove(filepath.Join(s.dir, "schemas", "unreadable.imsc.yml")); err != nil {
		t.Fatal(err)
	}
	await(t, "the later files", func() bool { return s.catalogue.registered(later...) || d.ended() }, d)
	s.finish(d)
	if sums := d.sums(); sums["dead_lettered"] != 1 || sums["registered"] != 4 {
		t.Errorf("sums %v\n%s", sums, d)
	}
}

// F8: an unknown key is a warning with its place and the nearest known one, and
// with --strict-config a fault.
func unknownKey(t *testing.T, b *broker, _ scale) {
	s := newSite(t, b, 1)
	s.settings["ingestion.max_ofline_ingestors"] = 3
	want := regexp.MustCompile(`ingestor\.json:\d+: ingestion\.max_ofline_ingestors: .*did you mean (ingestion\.)?max_offline_ingestors`)
	d := s.start()
	d.awaitReady()
	d.stop()
	warned := 0
	for _, l := range d.text() {
		if strings.Contains(l, " - WARNING - ") && want.MatchString(l) {
			warned++
		}
	}
	if warned != 1 {
		t.Errorf("%d warnings fit %s\n%s", warned, want, d)
	}
	fault{args: func(s *site) []string { return []string{"-c", s.config(), "--strict-config"} }, exit: 78, line: want.String()}.check(t, s)
}

// F9: an error of the catalogue says nothing of whether a dataset is there:
// nothing is posted until it answers.
func pidCheckBelievesNoError(t *testing.T, b *broker, _ scale) {
	for _, status := range []int{500, 401, 503} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			s := newSite(t, b, 1)
			r := s.measure()
			if err := s.catalogue.AddFault(scicattest.Fault{
				Method: "GET", PathPattern: strings.ReplaceAll(r.job, "-", "."), Status: status, Body: `{"message": "no"}`,
			}); err != nil {
				t.Fatal(err)
			}
			s.announce(r)
			d := s.start()
			d.awaitSays("Intake held", "hold=catalogue-down")
			await(t, "another try", func() bool { return d.times("Command to be run") >= 2 || d.ended() }, d)
			if n := s.catalogue.count("POST", "/datasets"); n > 0 {
				t.Errorf("%d datasets were posted", n)
			}
			s.catalogue.ClearFaults()
			await(t, "the dataset", func() bool { return s.catalogue.registered(r) || d.ended() }, d)
			s.finish(d)
			s.catalogue.checkOnce(r)
		})
	}
}
