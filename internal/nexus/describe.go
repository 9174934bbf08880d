package nexus

import (
	"errors"
	"fmt"
	"strings"
)

// LinkKind is the kind of a link.
type LinkKind uint8

// The kinds of links.
const (
	// HardLink is the object's own entry in a group.
	HardLink LinkKind = iota
	// SoftLink is a path in the same file.
	SoftLink
	// ExternalLink is a path in another file.
	ExternalLink
	// OtherLink is one that only its maker's program follows.
	OtherLink
)

func (k LinkKind) String() string {
	return [...]string{HardLink: "hard", SoftLink: "soft", ExternalLink: "external", OtherLink: "user-defined"}[k]
}

// Link is the last link of a path.
type Link struct {
	Kind LinkKind
	// Target is the path that a soft or external link holds.
	Target string
	// File is the file that an external link names.
	File string
}

// ObjectID tells objects apart: two paths with the same ID lead to the same
// object, so that walks along links find loops. Comparable while the file is
// open.
type ObjectID struct{ File, Address uint64 }

// Description is what is known of an object without reading its data.
type Description struct {
	// Group says that it is a group; then only Link and ID are set beside.
	Group bool
	// Dangling says that Link leads nowhere; then only Link is set beside.
	Dangling bool
	// Type is the type of the elements; Kind is Invalid where Read says
	// ErrUnsupported without a value.
	Type Type
	// TypeName names the type for people: "int32", "float64 big-endian",
	// "string", "string[10]", "compound{a int32, b float64}".
	TypeName string
	// Shape is as in Value, Null too.
	Shape []int
	Null  bool
	// Chunk is the shape of a chunk; nil when the data lies in one piece.
	Chunk []int
	// Filters are the filters of the chunks, by number and name, in the order
	// of writing.
	Filters []string
	// StoredBytes is the size of the data in the file, compressed as it is.
	StoredBytes int64
	Link        Link
	ID          ObjectID
}

// Describe tells what is at path without reading data. Errors wrap ErrNotFound
// when there is not even a link.
func (f *File) Describe(path string) (Description, error) {
	var d Description
	err := f.do(path, path, func(file int64, path string) error {
		link, target, id, err := linkAt(file, path, strings.Trim(path, "/") == "")
		if err != nil {
			return err
		}
		d.Link, d.ID = link, id
		switch target {
		case objectNone:
			d.Dangling = true
		case objectGroup:
			d.Group = true
		case objectDataset:
			ds, err := f.file.OpenDataset(path)
			if err != nil {
				return lastError()
			}
			return closing(ds, d.dataset(datasetHandle(ds.ID())))
		default:
			d.TypeName = "named datatype"
		}
		return nil
	})
	if errors.Is(err, ErrBroken) {
		return Description{}, err
	}
	return d, err
}

func (d *Description) dataset(h handle) error {
	t, shape, null, err := h.stat()
	if err != nil {
		return err
	}
	defer t.close()
	d.Shape, d.Null = shape, null
	if d.TypeName, err = typeName(t, 0); err != nil {
		return err
	}
	if l, err := newLayout(t, 0); err == nil {
		d.Type = l.typ
		if !null {
			d.Shape = append(d.Shape, l.shape...)
		}
	}
	s, err := h.storage()
	if err != nil {
		return err
	}
	d.Chunk, d.StoredBytes = s.chunk, s.bytes
	for _, f := range s.filters {
		d.Filters = append(d.Filters, f.String())
	}
	return nil
}

// typeName names a type, which stays open.
func typeName(t datatype, depth int) (string, error) {
	if depth > maxNesting {
		return "...", nil
	}
	order := ""
	if t.bigEndian && t.size > 1 {
		order = " big-endian"
	}
	switch t.class {
	case classInteger:
		if t.signed {
			return fmt.Sprintf("int%d%s", 8*t.size, order), nil
		}
		return fmt.Sprintf("uint%d%s", 8*t.size, order), nil
	case classEnum:
		if t.boolean {
			return "bool", nil
		}
		return wrapped(t, "enum of %s", depth)
	case classFloat:
		return fmt.Sprintf("float%d%s", 8*t.size, order), nil
	case classString:
		if t.variable {
			return "string", nil
		}
		return fmt.Sprintf("string[%d]", t.size), nil
	case classOpaque:
		return fmt.Sprintf("opaque[%d]", t.size), nil
	case classReference:
		if t.region {
			return "region reference", nil
		}
		return "object reference", nil
	case classSequence:
		return wrapped(t, "sequence of %s", depth)
	case classArray:
		return wrapped(t, strings.ReplaceAll(fmt.Sprint(t.dims), " ", ",")+"%s", depth)
	case classCompound:
		return compoundName(t, depth)
	case classBitfield:
		return fmt.Sprintf("bit field of %d", 8*t.size), nil
	}
	return fmt.Sprintf("class %d", t.class), nil
}

func wrapped(t datatype, format string, depth int) (string, error) {
	base, err := t.base()
	if err != nil {
		return "", err
	}
	defer base.close()
	name, err := typeName(base, depth+1)
	return fmt.Sprintf(format, name), err
}

func compoundName(t datatype, depth int) (string, error) {
	var parts []string
	for i := range t.members {
		name, m, err := t.member(i)
		if err != nil {
			return "", err
		}
		text, err := typeName(m, depth+1)
		m.close()
		if err != nil {
			return "", err
		}
		parts = append(parts, name+" "+text)
	}
	if len(parts) == 2 {
		r, rok := strings.CutPrefix(parts[0], "r float")
		i, iok := strings.CutPrefix(parts[1], "i float")
		if rok && iok && r == i {
			return "complex of float" + r, nil
		}
	}
	return "compound{" + strings.Join(parts, ", ") + "}", nil
}
