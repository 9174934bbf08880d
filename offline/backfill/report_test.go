package backfill

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"ingestor/internal/fault"
	"ingestor/internal/ledger"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// fullReport has something of everything.
func fullReport() *Report {
	r := &Report{
		Version: reportVersion, Job: `nightly "x"`, Roots: []string{"/data/a", "/data/b"}, Mode: "register", Started: noon, Whole: true, LastGood: noon.Add(90 * time.Second),
		Looked: Looked{Files: 400, Bytes: 12e9, Old: 1000, TooYoung: 2, Outside: 3, BadNames: 1, Links: 4, Special: 5, Folders: 17, Closed: 2, Named: []string{"/data/a/\x1b[2J", "/data/b/closed"}},
		Mark:   ledger.Mark{Time: noon.Add(-time.Hour), Path: "/data/a/run_9.hdf"},
	}
	p := newPaper(r)
	file := func(n int) ledger.File { return ledger.File{Path: fmt.Sprintf("/data/a/run_%d.hdf", n), Size: 1e9} }
	for i, c := range Counts() {
		for n := range i + 1 {
			p.count(c, file(100*i+n), 1e9)
		}
	}
	for n := range 150 {
		p.fail(Failed, file(n), fault.BadInput, fmt.Sprintf("open /data/a/run_%d.hdf: is not an HDF5 file (byte %d)", n, n))
	}
	r.Counts[Failed] = 150
	p.fail(Waiting, file(7), fault.Busy, "open /data/a/run_7.hdf: it is locked\nby somebody")
	r.end(noon.Add(100*time.Second), fault.Errorf(fault.SomeFailed, "150 files failed for good"))
	return r
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (-update rewrites it); got:\n%s", path, got)
	}
}

func TestReport_InAllItsForms(t *testing.T) {
	var text bytes.Buffer
	if err := fullReport().WriteText(&text); err != nil {
		t.Fatal(err)
	}
	golden(t, "report_text", text.Bytes())
	golden(t, "report_textfile", fullReport().Textfile())
	line, err := fullReport().line()
	if err != nil {
		t.Fatal(err)
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, line, "", " "); err != nil {
		t.Fatal(err)
	}
	golden(t, "report_json", append(pretty.Bytes(), '\n'))
	text.Reset()
	empty := &Report{Job: "a", Mode: "publish", Started: noon}
	empty.end(noon, nil)
	if err := empty.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	golden(t, "report_empty", append(text.Bytes(), empty.Textfile()...))
}

func TestReport_StaysSmallWhateverFails(t *testing.T) {
	r := &Report{}
	p := newPaper(r)
	for n := range 5000 {
		letters := fmt.Sprintf("%c%c%c", 'a'+n%26, 'a'+n/26%26, 'a'+n/676)
		p.fail(Failed, ledger.File{Path: "/" + letters}, fault.BadInput, letters+": its own cause")
	}
	var all int64
	for _, g := range r.Failures {
		all += g.Count
	}
	if len(r.Failures) != mostCauses+1 || all != 5000 || r.Failures[0].Cause != otherCauses || len(r.FailedFiles) != mostNames {
		t.Errorf("%d groups with %d failures, the first is %q; %d names", len(r.Failures), all, r.Failures[0].Cause, len(r.FailedFiles))
	}
}
