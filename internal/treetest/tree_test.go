package treetest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"ingestor/internal/nexus"
)

func TestMake_TheTreeIsAsItSays(t *testing.T) {
	tree, err := Make(Options{Root: filepath.Join(t.TempDir(), "data"), Files: 1000, Broken: 10, Unreadable: 10, Foreign: 10, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	count := map[Kind]int{}
	jobs := map[string]bool{}
	ties := 0
	for i, f := range tree.Files {
		count[f.Kind]++
		info, err := os.Lstat(f.Path)
		if err != nil {
			t.Fatal(err)
		}
		if f.Kind == Good {
			if jobs[f.Job] {
				t.Errorf("two files of job %s", f.Job)
			}
			jobs[f.Job] = true
			if i > 0 && f.ModTime.Equal(tree.Files[i-1].ModTime) {
				ties++
			}
			if !info.ModTime().Equal(f.ModTime) || info.Size() == 0 {
				t.Errorf("%s is of %s with %d bytes, want of %s", f.Path, info.ModTime(), info.Size(), f.ModTime)
			}
		}
	}
	for kind, want := range map[Kind]int{Good: 970, Text: 3, Cut: 3, Empty: 2, Nothing: 2, Unreadable: 10, Foreign: 10, Young: 3, Twin: 5, Pipe: 1} {
		if count[kind] != want {
			t.Errorf("%d files are %s, want %d", count[kind], kind, want)
		}
	}
	if ties < 500 {
		t.Errorf("only %d ties", ties)
	}
	late, err := tree.Late(100)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range late {
		if info, err := os.Stat(f.Path); err != nil || !info.ModTime().Equal(f.ModTime) || jobs[f.Job] {
			t.Errorf("late file %+v: %v", f, err)
		}
		jobs[f.Job] = true
	}
	if len(late) != 100 {
		t.Errorf("%d late files", len(late))
	}
}

func TestMake_GoodFilesCanBeRead(t *testing.T) {
	tree, err := Make(Options{Root: filepath.Join(t.TempDir(), "data"), Files: 20, Seed: 2, Plain: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range tree.Of(Good) {
		f, err := nexus.Open(t.Context(), want.Path, nexus.OpenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		v, err := f.Read("/entry/entry_identifier_uuid")
		if err != nil || fmt.Sprint(v.Data) != "["+want.Job+"]" {
			t.Errorf("%s is of job %v, want %s: %v", want.Path, v.Data, want.Job, err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}
