package nexustest

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTemplate_FilledIsWhatWriteWouldHaveWritten(t *testing.T) {
	one, two := strings.Repeat("a", 36), strings.Repeat("b", 36)
	blank, err := NewTemplate(Run(RunInfo{JobID: one, Title: "Title 1"}), one, "Title 1")
	if err != nil {
		t.Fatal(err)
	}
	got, err := blank.Fill(two, "Title 2")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "run.hdf")
	if err := Write(path, Run(RunInfo{JobID: two, Title: "Title 2"})); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%d bytes that are not the %d of Write", len(got), len(want))
	}
}

func TestTemplate_Refuses(t *testing.T) {
	g := Group{Children: []Node{Dataset{Name: "title", Data: "some title"}}}
	for _, b := range []string{"not there", ""} {
		if _, err := NewTemplate(g, b); err == nil {
			t.Errorf("a template with the blank %q", b)
		}
	}
	blank, err := NewTemplate(g, "some title")
	if err != nil {
		t.Fatal(err)
	}
	for _, texts := range [][]string{nil, {"short"}, {"some title", "more"}} {
		if _, err := blank.Fill(texts...); err == nil {
			t.Errorf("filled with %q", texts)
		}
	}
}
