package nexus_test

import (
	"errors"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"ingestor/internal/fault"
	"ingestor/internal/nexus"
	"ingestor/internal/nexus/nexustest"
)

// A storage that fails under an open file is no property of the file: whoever
// takes what can not be read for absent hears of it when the file is closed.
func TestFile_AFailingStorageIsNoAbsentValue(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.hdf")
	if err := nexustest.Write(path, nexustest.Run(nexustest.RunInfo{JobID: "j", Detector: [3]int{1, 2, 2}})); err != nil {
		t.Fatal(err)
	}
	for name, use := range map[string]func(*nexus.File) error{
		"read":        func(f *nexus.File) error { _, err := f.Read("/entry/title"); return err },
		"children":    func(f *nexus.File) error { _, err := f.Children("/entry"); return err },
		"attributes":  func(f *nexus.File) error { _, err := f.Attrs("/entry"); return err },
		"attribute":   func(f *nexus.File) error { _, err := f.Attr("/entry", "NX_class"); return err },
		"description": func(f *nexus.File) error { _, err := f.Describe("/entry"); return err },
		"is a group":  func(f *nexus.File) error { f.IsGroup("/entry"); return nil },
		"exists":      func(f *nexus.File) error { f.Exists("/entry/title"); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			f, err := nexus.Open(t.Context(), path, nexus.OpenOptions{})
			if err != nil {
				t.Fatal(err)
			}
			nexustest.FailReads(t, path)
			if err := use(f); err != nil && fault.KindOf(err) != fault.Unavailable {
				t.Errorf("%v: %v", fault.KindOf(err), err)
			}
			for range 2 {
				if err := f.Close(); fault.KindOf(err) != fault.Unavailable || !errors.Is(err, syscall.EIO) || !strings.Contains(err.Error(), path) {
					t.Errorf("closed with %v: %v", fault.KindOf(err), err)
				}
			}
			// The next file is read as if nothing had been.
			if f, err = nexus.Open(t.Context(), path, nexus.OpenOptions{}); err != nil {
				t.Fatal(err)
			}
			if _, err := f.Read("/entry/title"); err != nil {
				t.Error(err)
			}
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
