package backfill

import (
	"strings"
	"testing"

	"ingestor/internal/fault"
	"ingestor/internal/ledger"
)

// However a path is written down in an error: as it is, by a worker on one line, or
// with its spaces gone.
func TestPaper_FilesThatFailAlikeAreOneCauseWhateverTheirNames(t *testing.T) {
	r := &Report{}
	p := newPaper(r)
	for _, path := range []string{"/d/a", "/d/two  spaces", "/d/a\nb", "/d/ends ", "/d/tab\t\tname"} {
		for _, said := range []string{path, strings.ReplaceAll(path, "\n", "; "), oneLine(path)} {
			p.fail(Failed, ledger.File{Path: path}, fault.BadInput, "open "+said+": is not an\n  HDF5 file")
		}
	}
	if len(r.Failures) != 1 || r.Failures[0].Cause != "open …: is not an HDF5 file" || r.Failures[0].Count != 15 {
		t.Errorf("%+v", r.Failures)
	}
}

func TestReport_SaysWhatARunFailedFor(t *testing.T) {
	for want, c := range map[string]struct{ failed, refused int64 }{
		"1 file failed for good": {1, 0},
		"2 files were refused each time, while the catalogue is well; see the report":                        {0, 2},
		"3 files failed for good, 1 file was refused each time, while the catalogue is well; see the report": {3, 1},
	} {
		r := &Report{Refused: c.refused}
		p := newPaper(r)
		r.Counts[Failed] = c.failed
		if got := p.inVain(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestReport_NamesRefusedFiles(t *testing.T) {
	r := &Report{Exit: 1, Reason: "why", Refused: 3, RefusedFiles: []string{"/d/a", "/d/b"}, Counts: map[Count]int64{Left: 7, Waiting: 3}}
	var text strings.Builder
	if err := r.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"done in part", "refused     /d/a\nrefused     /d/b\nrefused     … and 1 more\n"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is not in\n%s", want, &text)
		}
	}
}
