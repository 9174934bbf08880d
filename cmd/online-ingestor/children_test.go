package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// What the daemon was told on its command line reaches its children, secrets
// only by the environment.
func overridesReachChildren(t *testing.T, b *broker, _ scale) {
	s := newSite(t, b, 1)
	s.settings["scicat.host"] = "http://127.0.0.1:1/api/v3"
	s.settings["scicat.token"] = "token-of-nobody"
	s.catalogue.delay("POST", "/datasets$", 500*time.Millisecond)
	r := s.measure()
	s.announce(r)
	d := s.start("--scicat.host="+s.catalogue.base(), "--scicat.token", token,
		"--scicat.additional-headers", "X-Secret=header-secret-11",
		"--ingestion.file-handling.file-hash-algorithm", "sha256", "--ingestion.check-if-dataset-exists-by-metadata=false")
	await(t, "a child that waits for the catalogue", func() bool { return s.catalogue.count("POST", "/datasets") > 0 || d.ended() }, d)
	children := d.children()
	if len(children) != 1 {
		t.Fatalf("%d children\n%s", len(children), d)
	}
	line, env := children[0].commandLine(), children[0].environment()
	for _, secret := range []string{token, "header-secret-11", "token-of-nobody"} {
		if strings.Contains(line, secret) {
			t.Errorf("the command line of a child tells a secret:\n%s", line)
		}
		if d.says(secret) {
			t.Errorf("the log tells a secret\n%s", d)
		}
	}
	for _, flag := range []string{"--scicat.host=" + s.catalogue.base(), "--ingestion.file-handling.file-hash-algorithm=sha256",
		"--ingestion.check-if-dataset-exists-by-metadata=false"} {
		if !strings.Contains(line, flag) {
			t.Errorf("the command line of a child is without %s:\n%s", flag, line)
		}
	}
	if !strings.Contains(env, "INGESTOR_SCICAT_TOKEN="+token+"\n") {
		t.Error("the environment of a child is without the token")
	}
	await(t, "the dataset", func() bool { return s.catalogue.registered(r) || d.ended() }, d)
	s.finish(d)
	s.catalogue.checkOnce(r)
	if got := s.catalogue.Datablocks(r.pid)[0]["chkAlg"]; got != "sha256" {
		t.Errorf("the checksum is by %v", got)
	}
	for _, q := range s.catalogue.Requests() {
		if q.Header.Get("X-Secret") != "header-secret-11" && !strings.HasSuffix(q.Target, "/health") {
			t.Errorf("%s %s is without the further header", q.Method, q.Target)
		}
	}
}

// A child that hangs is ended, tried again, and given up; it keeps its place no
// longer than it may, and the others go on meanwhile.
func hungChild(t *testing.T, b *broker, _ scale) {
	s := newSite(t, b, 1)
	s.settings["ingestion.child_timeout"] = "1500ms"
	stuck := s.measure()
	s.catalogue.delay("GET", strings.ReplaceAll(stuck.job, "-", "."), time.Minute) // of its pid and of its job
	others := s.measureAll(8)
	s.announce(append([]run{stuck}, others...)...)
	d := s.start()
	await(t, "the other files", func() bool { return s.catalogue.registered(others...) || d.ended() }, d)
	if d.says("outcome=dead_lettered") {
		t.Errorf("the others waited for the one that hangs\n%s", d)
	}
	s.finish(d)
	if sums := d.sums(); sums["registered"] != 8 || sums["dead_lettered"] != 1 {
		t.Errorf("sums %v", sums)
	}
	if d.times("Command to be run", stuck.path) != 2 || !d.says("outcome=dead_lettered", "exceeded the time limit of a child") {
		t.Errorf("not tried twice, or for another reason\n%s", d)
	}
	s.catalogue.checkOnce(others...)
}

// The offline ingestor is away, as in the midst of an upgrade: nothing is given
// up, and all is done once it is back.
func executableAway(t *testing.T, b *broker, _ scale) {
	s := newSite(t, b, 1)
	link := filepath.Join(s.dir, "offline-ingestor")
	if err := os.Symlink(offlineProgram, link); err != nil {
		t.Fatal(err)
	}
	s.settings["ingestion.offline_ingestor_executable"] = link
	d := s.start()
	d.awaitReady()
	if err := os.Remove(link); err != nil {
		t.Fatal(err)
	}
	runs := s.measureAll(6)
	s.announce(runs...)
	d.awaitSays("Intake held", "hold=executable", "no such file")
	if err := os.Symlink(offlineProgram, link); err != nil {
		t.Fatal(err)
	}
	await(t, "all files", func() bool { return s.catalogue.registered(runs...) || d.ended() }, d)
	s.finish(d)
	if sums := d.sums(); sums["registered"] != 6 || sums["dead_lettered"] != 0 {
		t.Errorf("sums %v\n%s", sums, d)
	}
	s.catalogue.checkOnce(runs...)
}

// A token that is refused holds the intake as an outage does; with a good one
// the next daemon does all of it.
func tokenRefused(t *testing.T, b *broker, _ scale) {
	s := newSite(t, b, 1)
	s.settings["scicat.token"] = "token-that-has-expired"
	runs := s.measureAll(6)
	s.announce(runs...)
	d := s.start()
	d.awaitSays("Intake held", "hold=catalogue-down", "exit 77 (not permitted)")
	d.stop()
	if sums := d.sums(); sums["messages"] != sums["returned"] || len(s.committed()) != 0 {
		t.Errorf("sums %v, committed %v\n%s", sums, s.committed(), d)
	}
	if d.says("token-that-has-expired") {
		t.Errorf("the log tells the token\n%s", d)
	}
	s.settings["scicat.token"] = token
	next := s.start()
	await(t, "all files", func() bool { return s.catalogue.registered(runs...) || next.ended() }, next)
	s.finish(next)
	s.catalogue.checkOnce(runs...)
}

// By default the message that announced a file is kept beside it and becomes
// part of the dataset.
func messageFile(t *testing.T, b *broker, _ scale) {
	s := newSite(t, b, 1)
	r := s.measure()
	s.announce(r)
	d := s.start()
	await(t, "the dataset", func() bool { return s.catalogue.registered(r) || d.ended() }, d)
	s.finish(d)
	s.catalogue.checkOnce(r)

	path := filepath.Join(s.dir, "odin", "ingestor", "run_0001.message.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if want := map[string]any{
		"service_id": "filewriter-1", "job_id": r.job, "error_encountered": false,
		"file_name": r.path, "metadata": `{"run": 1}`, "message": "",
	}; !reflect.DeepEqual(got, want) {
		t.Errorf("the file holds %v, not %v", got, want)
	}

	var listed []string
	block := s.catalogue.Datablocks(r.pid)[0]
	for _, f := range block["dataFileList"].([]any) {
		listed = append(listed, filepath.Base(f.(map[string]any)["path"].(string)))
	}
	slices.Sort(listed)
	if want := []string{"run_0001.b2b", "run_0001.hdf", "run_0001.message.json"}; !slices.Equal(listed, want) {
		t.Errorf("the datablock lists %v, not %v", listed, want)
	}
}
