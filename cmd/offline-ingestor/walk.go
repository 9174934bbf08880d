package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"ingestor/internal/nexus"
)

// maxDepth bounds how deep groups are walked into.
const maxDepth = 256

// walker goes through a file, each group once.
type walker struct {
	ctx   context.Context
	file  *nexus.File
	seen  map[nexus.ObjectID]string // groups and where they were found
	write func(object) error
}

// visit writes what is at a path, and below it.
func (w *walker) visit(path string, d nexus.Description, depth int) error {
	if err := context.Cause(w.ctx); err != nil {
		return err
	}
	o := object{Path: path, Link: linkOf(d.Link)}
	switch {
	case d.Dangling:
		o.Kind, o.Note = kindLink, "leads nowhere"
		return w.write(o)
	case !d.Group:
		w.dataset(&o, d)
		return w.write(o)
	}
	o.Kind = kindGroup
	names := w.names(path)
	o.Class = w.text(path, "NX_class", names)
	first, again := w.seen[d.ID]
	switch {
	case d.Link.Kind == nexus.SoftLink && depth > 0:
		o.Note = "a group, listed where the link leads to"
	case again:
		o.Note = "the same group as " + first
	case depth > maxDepth:
		o.Note = fmt.Sprintf("not listed: deeper than %d groups", maxDepth)
	}
	if o.Note != "" {
		return w.write(o)
	}
	w.seen[d.ID] = path
	o.Attributes = w.attributes(path, names)
	children, err := w.file.Children(path)
	if err != nil {
		o.Note = "can not be listed: " + withoutName(err, path)
	}
	if err := w.write(o); err != nil {
		return err
	}
	for _, child := range children {
		at := strings.TrimSuffix(path, "/") + "/" + child
		d, err := w.file.Describe(at)
		if err != nil {
			err = w.write(object{Path: at, Kind: kindUnknown, Note: "can not be read: " + withoutName(err, at)})
		} else {
			err = w.visit(at, d, depth+1)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// dataset fills in what is known of a dataset.
func (w *walker) dataset(o *object, d nexus.Description) {
	o.Kind, o.Type, o.Shape = kindDataset, d.TypeName, d.Shape
	if d.TypeName == "named datatype" {
		o.Kind, o.Type = kindType, ""
		return
	}
	names := w.names(o.Path)
	o.Unit = w.text(o.Path, "units", names)
	o.Attributes = w.attributes(o.Path, names)
	n := elements(d.Shape)
	var value nexus.Value
	if !d.Null && n > 0 && n <= 8 && d.StoredBytes <= smallValue {
		if v, err := w.file.Read(o.Path); err == nil {
			value = v
			o.Value = plainValue(v)
		} else if !errors.Is(err, nexus.ErrUnsupported) {
			o.Note = "can not be read: " + withoutName(err, o.Path)
		}
	}
	if o.Note == "" {
		o.ValueType, o.Note = valueType(d, n, value)
	}
}

// names are those of the attributes of an object.
func (w *walker) names(path string) []string {
	names, err := w.file.Attrs(path)
	if err != nil {
		return nil // whatever is wrong with it, its value will tell
	}
	return names
}

// text is a small attribute of text; empty when it is not among the names.
func (w *walker) text(path, name string, names []string) string {
	if !slices.Contains(names, name) {
		return ""
	}
	v, err := w.file.Attr(path, name)
	if err != nil || v.Null {
		return ""
	}
	s, ok := v.Data.([]string)
	if !ok || len(s) != 1 || !utf8.ValidString(s[0]) {
		return ""
	}
	return s[0]
}

// telling are the attributes that say something about metadata.
var telling = []string{
	"long_name", "short_name", "description", "default", "signal", "axes", "target", "depends_on", "transformation_type",
	"vector", "start", "creator", "file_name", "file_time", "NeXus_version", "HDF5_Version",
}

func (w *walker) attributes(path string, names []string) []attribute {
	var list []attribute
	for _, name := range telling {
		if !slices.Contains(names, name) {
			continue
		}
		v, err := w.file.Attr(path, name)
		if value := plainValue(v); err == nil && value != nil {
			list = append(list, attribute{name, value})
		}
	}
	return list
}

// elements is the number of values in a shape.
func elements(shape []int) int {
	n := 1
	for _, d := range shape {
		if n > 0 && d > (1<<50)/n {
			return 1 << 50 // too many anyway
		}
		n *= d
	}
	return n
}

// withoutName is an error without the path that its line names.
func withoutName(err error, path string) string {
	return oneLineText(strings.TrimPrefix(err.Error(), path+": "))
}
