package scicattest

import (
	"slices"
	"strings"
)

// collection holds documents in the order of their creation, and finds them by the
// texts that identify them as fast when there are many: a database has indexes.
// The caller holds Server.mu.
type collection struct {
	all []Document
	// by holds, for each path that was asked for, the documents by text.
	by map[string]map[string][]Document
}

// indexed says that a path is looked up by index: what is there does not change
// but by replace, remove and changed.
func indexed(path string) bool {
	return path == "pid" || path == "_id" || path == "datasetId" || strings.HasPrefix(path, "scientificMetadata.")
}

func (c *collection) add(d Document) {
	c.all = append(c.all, d)
	for path, index := range c.by {
		enter(index, path, d)
	}
}

func enter(index map[string][]Document, path string, d Document) {
	for _, text := range textsAt(d, path) {
		index[text] = append(index[text], d)
	}
}

// textsAt are the texts by which a condition finds a document: a list equals
// each of its elements.
func textsAt(d Document, path string) []string {
	v := dig(d, path)
	if s, ok := v.(string); ok {
		return []string{s}
	}
	list := texts(v)
	slices.Sort(list)
	return slices.Compact(list)
}

// replace puts d in the place of old.
func (c *collection) replace(old, d Document) {
	i := c.position(old)
	if i >= 0 {
		c.all[i] = d
	}
	c.changed()
}

func (c *collection) remove(d Document) {
	if i := c.position(d); i >= 0 {
		c.all = slices.Delete(c.all, i, i+1)
	}
	c.changed()
}

func (c *collection) position(d Document) int {
	return slices.IndexFunc(c.all, func(x Document) bool { return x["_id"] == d["_id"] })
}

// changed forgets the indexes, after a document was changed in its place.
func (c *collection) changed() { c.by = nil }

// find gives the documents that have one of the texts at a path, each once.
func (c *collection) find(path string, wanted ...string) []Document {
	index, there := c.by[path]
	if !there {
		index = map[string][]Document{}
		for _, d := range c.all {
			enter(index, path, d)
		}
		if c.by == nil {
			c.by = map[string]map[string][]Document{}
		}
		c.by[path] = index
	}
	if len(wanted) == 1 {
		return index[wanted[0]]
	}
	var out []Document
	seen := map[any]bool{}
	for _, text := range wanted {
		for _, d := range index[text] {
			if id := d["_id"]; !seen[id] {
				seen[id] = true
				out = append(out, d)
			}
		}
	}
	return out
}

// candidates are the documents among which those are that satisfy a condition.
func (c *collection) candidates(where Document) []Document {
	for path, condition := range where {
		if wanted, ok := textsWanted(condition); ok && indexed(path) {
			return c.find(path, wanted...)
		}
	}
	return c.all
}

// textsWanted are the texts of which a condition wants one.
func textsWanted(condition any) ([]string, bool) {
	switch condition := condition.(type) {
	case string:
		return []string{condition}, true
	case Document:
		for _, name := range []string{"inq", "in", "$inq", "$in"} {
			list, isList := condition[name].([]any)
			if wanted := texts(list); isList && len(condition) == 1 && len(wanted) == len(list) {
				return wanted, true
			}
		}
	}
	return nil, false
}
