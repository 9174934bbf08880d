package scicattest

import (
	"errors"
	"net/http"
	"slices"
)

// relations are what a filter may include.
var relations = []string{"instruments", "proposals", "origdatablocks", "datablocks", "attachments", "samples", "all"}

func (s *Server) getDataset(c *call) answer {
	d, refusal := s.readable(c.params[0], c.user)
	if refusal != nil {
		return *refusal
	}
	f, bad := parseFilter(c, true)
	if bad != nil {
		return *bad
	}
	view := datasetView(d)
	if len(f.fields) == 0 {
		view["history"] = []any{}
	}
	return ok(f.project(view))
}

// queryDatasets runs the filter of a call over what its user may see. A stale
// token is anonymous here, and sees what is published.
func (s *Server) queryDatasets(c *call) ([]Document, *answer) {
	f, bad := parseFilter(c, true)
	if bad != nil {
		return nil, bad
	}
	for _, name := range f.include {
		if !slices.Contains(relations, name) {
			a := exception(http.StatusBadRequest, `Provided include field "`+name+`" is not part of the dataset relations`)
			return nil, &a
		}
	}
	f.where = pluralWhere(f.where)
	found, err := f.run(s.visible(c.user, s.datasets.candidates(f.where)), func(d Document) Document {
		view := datasetView(d)
		if slices.Contains(f.include, "origdatablocks") {
			view["origdatablocks"] = s.included(d["pid"])
		}
		return view
	})
	var unknown unknownOperator
	if errors.As(err, &unknown) {
		a := exception(http.StatusBadRequest, unknown.Error())
		return nil, &a
	}
	return found, nil
}

// pluralWhere renames the old singular fields of conditions.
func pluralWhere(where Document) Document {
	out := Document{}
	for k, v := range where {
		for _, p := range plurals {
			if k == p.one {
				k = p.many
			}
		}
		out[k] = v
	}
	return out
}

// included are a dataset's datablocks as an include shows them: without the id
// that the model adds.
func (s *Server) included(pid any) []any {
	out := []any{}
	for _, b := range s.blocksOf(pid) {
		b = deepCopy(b).(Document)
		delete(b, "id")
		files, _ := b["dataFileList"].([]any)
		for _, f := range files {
			if o, isObject := f.(Document); isObject {
				delete(o, "id")
			}
		}
		out = append(out, b)
	}
	return out
}

func (s *Server) listDatasets(c *call) answer  { return listed(s.queryDatasets(c)) }
func (s *Server) countDatasets(c *call) answer { return counted(s.queryDatasets(c)) }
func (s *Server) findDataset(c *call) answer   { return first(s.queryDatasets(c)) }

func (s *Server) datasetLifecycle(c *call) answer {
	d, refusal := s.readable(c.params[0], c.user)
	if refusal != nil {
		return *refusal
	}
	return ok(d["datasetlifecycle"])
}
