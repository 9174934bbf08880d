package metadata

import (
	"errors"
	"fmt"
	"strings"

	"ingestor/internal/nexus"
	"ingestor/schemas/metadata/pyvalue"
)

// File is an open NeXus file. *nexus.File is one.
type File interface {
	// Read is the value of a dataset, links followed.
	Read(path string) (nexus.Value, error)
	// Attr is an attribute; errors.Is(err, nexus.ErrNotFound) without it.
	Attr(path, name string) (nexus.Value, error)
	// Children are the names in a group, in the order of the file.
	Children(path string) ([]string, error)
	// IsGroup says whether there is a group.
	IsGroup(path string) bool
}

// reader reads variables from the file, each dataset once.
type reader struct {
	file     File
	values   map[string]readResult
	children map[string][]string
	warnings []string
}

type readResult struct {
	value nexus.Value
	err   error
}

func newReader(file File) *reader {
	return &reader{file: file, values: map[string]readResult{}, children: map[string][]string{}}
}

// cleanPath is path from the root, without empty parts: one path, one text.
func cleanPath(path string) string {
	var parts []string
	for _, part := range strings.Split(path, "/") {
		if part != "" && part != "." {
			parts = append(parts, part)
		}
	}
	return "/" + strings.Join(parts, "/")
}

func (r *reader) read(path string) (nexus.Value, error) {
	path = cleanPath(path)
	if result, ok := r.values[path]; ok {
		return result.value, result.err
	}
	v, err := r.file.Read(path)
	if errors.Is(err, nexus.ErrUnsupported) && hasText(v) {
		err = nil
	}
	r.values[path] = readResult{v, err}
	return v, err
}

// unread says why a path gives no value, with the path once.
func (r *reader) unread(path string, err error) error {
	if errors.Is(err, nexus.ErrNotFound) {
		return &absentError{path, r.linkTarget(path), err}
	}
	if strings.HasPrefix(err.Error(), cleanPath(path)+": ") {
		return err
	}
	return fmt.Errorf("%s: %w", path, err)
}

// linkTarget is where a link that leads nowhere points to; empty when there is
// no such link.
func (r *reader) linkTarget(path string) string {
	file, ok := r.file.(interface {
		Describe(path string) (nexus.Description, error)
	})
	if !ok {
		return ""
	}
	d, err := file.Describe(cleanPath(path))
	switch {
	case err != nil || !d.Dangling:
		return ""
	case d.Link.Kind == nexus.ExternalLink:
		return d.Link.Target + " in the file " + d.Link.File
	}
	return d.Link.Target
}

// absentError is a path that is not in the file.
type absentError struct {
	path, target string
	cause        error
}

func (e *absentError) Error() string {
	if e.target != "" {
		return fmt.Sprintf("%s: is a link to %s, which does not exist", e.path, e.target)
	}
	return e.path + ": there is no such dataset in the file"
}

func (e *absentError) Unwrap() error { return e.cause }

// hasText says that a value of a type without a form in metadata has at least
// the text that the peer gives it.
func hasText(v nexus.Value) bool {
	switch v.Type.Kind {
	case nexus.Opaque, nexus.Sequence, nexus.Reference, nexus.RegionReference:
		return !v.Null
	default:
		return false
	}
}

// variable reads an NXS variable, converted to its type.
func (r *reader) variable(d Definition) (binding, error) {
	if d.Path == "" {
		return binding{}, errors.New("the path is empty")
	}
	if !known(d.Type, typeNames) {
		_, err := convert(pyvalue.None{}, d.Type)
		return binding{}, err
	}
	if d.Type == "string[]" && r.isPattern(d.Path) {
		texts, err := r.matches(d.Path)
		return binding{texts, d.Unit}, err
	}
	raw, err := r.read(d.Path)
	if err != nil {
		return binding{}, r.unread(d.Path, err)
	}
	v, err := fileValue(raw, d.Type)
	if err != nil {
		return binding{}, err
	}
	if v, err = convert(v, d.Type); err != nil {
		return binding{}, err
	}
	if strings.HasSuffix(d.Type, "[]") && raw.Shape == nil {
		// The list of one that stands for a scalar has the unit of the dataset
		// only; the tables of wanted values say so.
		d.Unit = ""
	}
	return binding{v, r.unit(d)}, nil
}

// unit is the dataset's units attribute; without a usable one, that of the
// variable.
func (r *reader) unit(d Definition) string {
	attribute, err := r.file.Attr(cleanPath(d.Path), "units")
	if errors.Is(err, nexus.ErrNotFound) {
		return d.Unit
	}
	var text string
	if err == nil {
		text, err = attributeText(attribute)
	}
	if err != nil {
		r.warnings = append(r.warnings, fmt.Sprintf("variable %s: the units attribute of %s is not used: it %v", d.Name, d.Path, err))
		return d.Unit
	}
	return text
}

// isPattern says that the path holds wildcards. A question mark may also be
// part of a name that exists.
func (r *reader) isPattern(path string) bool {
	if strings.Contains(path, "*") {
		return true
	}
	if !strings.Contains(path, "?") {
		return false
	}
	_, err := r.read(path)
	return err != nil
}

// matches are the texts at all places that fit a path with wildcards.
func (r *reader) matches(path string) (pyvalue.Value, error) {
	parts := strings.Split(strings.TrimPrefix(cleanPath(path), "/"), "/")
	list, err := r.walk("", parts, false, pyvalue.List{})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// walk goes down one part of the path. Once below a wildcard, places that lack
// the rest of the path are passed over.
func (r *reader) walk(at string, parts []string, below bool, list pyvalue.List) (pyvalue.List, error) {
	if len(parts) == 0 {
		return r.leaf(at, below, list)
	}
	part := parts[0]
	if !strings.ContainsAny(part, "*?") {
		return r.walk(at+"/"+part, parts[1:], below, list)
	}
	names, err := r.names(at + "/")
	if err != nil {
		if below {
			return list, nil
		}
		return nil, fmt.Errorf("list %s/: %w", at, err)
	}
	for _, name := range names {
		if !globMatch(part, name) {
			continue
		}
		if list, err = r.walk(at+"/"+name, parts[1:], true, list); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (r *reader) names(group string) ([]string, error) {
	group = cleanPath(group)
	if names, ok := r.children[group]; ok {
		return names, nil
	}
	if !r.file.IsGroup(group) {
		return nil, fmt.Errorf("group %w", nexus.ErrNotFound)
	}
	names, err := r.file.Children(group)
	if err == nil {
		r.children[group] = names
	}
	return names, err
}

func (r *reader) leaf(path string, below bool, list pyvalue.List) (pyvalue.List, error) {
	if below && r.file.IsGroup(path) {
		return list, nil
	}
	raw, err := r.read(path)
	if below && errors.Is(err, nexus.ErrNotFound) {
		return list, nil
	}
	if err != nil {
		return nil, r.unread(path, err)
	}
	v, err := fileValue(raw, "string")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return append(list, v), nil
}

// globMatch says whether the whole name fits: * stands for any characters, ?
// for one, all else for itself.
func globMatch(pattern, name string) bool {
	p, n := []rune(pattern), []rune(name)
	star, mark := -1, 0
	i, j := 0, 0
	for j < len(n) {
		switch {
		case i < len(p) && p[i] == '*':
			star, mark = i, j
			i++
		case i < len(p) && (p[i] == '?' || p[i] == n[j]):
			i++
			j++
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	for i < len(p) && p[i] == '*' {
		i++
	}
	return i == len(p)
}
