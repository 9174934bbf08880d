package treetest

import (
	"fmt"
	"strings"

	"ingestor/internal/nexus/nexustest"
)

const (
	blankJob   = "7d4b2c1e-5a0f-4f7b-9a54-000000000000"
	blankTitle = "Run 0000000000"
)

// content is that of a file.
func (t *Tree) content(path string, kind Kind, job string) ([]byte, error) {
	switch kind {
	case Text:
		return fmt.Appendf(nil, "this is no HDF5 file, but %s", job), nil
	case Nothing:
		return nil, nil
	case Empty:
		blank, err := t.template("", nexustest.Group{Class: "NXroot"})
		if err != nil {
			return nil, err
		}
		return blank.Fill()
	}
	instrument := t.instrument(path)
	blank, err := t.template(instrument, measurement(instrument), blankJob, blankTitle)
	if err != nil {
		return nil, err
	}
	whole, err := blank.Fill(job, fmt.Sprintf("Run %010d", len(t.Files)))
	if err == nil && kind == Cut {
		whole = whole[:len(whole)*2/3]
	}
	return whole, err
}

// instrument is the one whose folder the path lies in.
func (t *Tree) instrument(path string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(path, t.Root+"/"), "/")
	return name
}

func (t *Tree) template(name string, root nexustest.Group, blanks ...string) (*nexustest.Template, error) {
	if known := t.templates[name]; known != nil {
		return known, nil
	}
	made, err := nexustest.NewTemplate(root, blanks...)
	if err == nil {
		t.templates[name] = made
	}
	return made, err
}

// measurement is a small one: a hundred thousand fit on the disk of a test.
func measurement(instrument string) nexustest.Group {
	return nexustest.Group{Class: "NXroot", Children: []nexustest.Node{
		nexustest.Group{Name: "entry", Class: "NXentry", Children: []nexustest.Node{
			nexustest.Dataset{Name: "title", Data: blankTitle},
			nexustest.Dataset{Name: "entry_identifier_uuid", Data: blankJob},
			nexustest.Dataset{Name: "experiment_identifier", Data: "443503"},
			nexustest.Dataset{Name: "instrument_name", Data: instrument},
			nexustest.Group{Name: "sample", Class: "NXsample", Children: []nexustest.Node{
				nexustest.Dataset{Name: "temperature", Data: 293.25, Units: "K"},
			}},
		}},
	}}
}
