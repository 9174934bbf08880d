package nexustest

/*
#cgo pkg-config: hdf5
#cgo CFLAGS: -DH5_USE_110_API -Wall
#include "write.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"
	"unsafe"

	"gonum.org/v1/hdf5"

	"ingestor/internal/nexus"
)

// maxRank is libhdf5's bound on dimensions.
const maxRank = C.H5S_MAX_RANK

// Write makes the file path, or replaces it, with root as its root group. On
// failure there is no file.
func Write(path string, root Group) error {
	// libhdf5 opens files so that a child, started at this moment, would have
	// them, with their lock.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	err := nexus.Exclusive(func() error {
		f, err := hdf5.CreateFile(path, hdf5.F_ACC_TRUNC)
		if err != nil {
			return libraryError()
		}
		err = fill(location(f.ID()), root)
		if e := f.Close(); e != nil && err == nil {
			err = libraryError()
		}
		return err
	})
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), os.RemoveAll(path))
	}
	return nil
}

// location is an open file or group.
type location C.hid_t

func libraryError() error {
	var buf [256]C.char
	C.nxt_error(&buf[0], C.size_t(len(buf)))
	return errors.New("libhdf5: " + C.GoString(&buf[0]))
}

func check(rc C.int) error {
	if rc < 0 {
		return libraryError()
	}
	return nil
}

func fill(loc location, g Group) error {
	attributes := g.Attributes
	if g.Class != "" {
		attributes = append([]Attribute{{Name: "NX_class", Data: g.Class}}, attributes...)
	}
	for _, a := range attributes {
		if err := loc.attribute(".", a); err != nil {
			return err
		}
	}
	for _, n := range g.Children {
		if err := loc.add(n); err != nil {
			return err
		}
	}
	return nil
}

func (l location) add(n Node) error {
	var name string
	var err error
	switch n := n.(type) {
	case Group:
		name, err = n.Name, l.group(n)
	case Dataset:
		name, err = n.Name, l.dataset(n)
	case SoftLink:
		name = n.Name
		err = withNames(func(s []*C.char) error { return check(C.nxt_soft(C.hid_t(l), s[0], s[1])) }, n.Name, n.Target)
	case HardLink:
		name = n.Name
		err = withNames(func(s []*C.char) error { return check(C.nxt_hard(C.hid_t(l), s[0], s[1])) }, n.Name, n.Target)
	case ExternalLink:
		name = n.Name
		err = withNames(func(s []*C.char) error { return check(C.nxt_external(C.hid_t(l), s[0], s[1], s[2])) }, n.Name, n.File, n.Target)
	default:
		err = fmt.Errorf("%T is no node", n)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func (l location) group(g Group) error {
	var id C.hid_t
	err := withNames(func(s []*C.char) error {
		if id = C.nxt_group(C.hid_t(l), s[0], cBool(g.TrackOrder)); id < 0 {
			return libraryError()
		}
		return nil
	}, g.Name)
	if err != nil {
		return err
	}
	err = fill(location(id), g)
	if C.H5Gclose(id) < 0 && err == nil {
		err = libraryError()
	}
	return err
}

func (l location) dataset(d Dataset) error {
	e, err := encode(d.Data, d.Shape)
	if err != nil {
		return err
	}
	v, err := e.value()
	if err != nil {
		return err
	}
	chunk := d.Chunk
	if chunk == nil && (d.Gzip > 0 || d.Shuffle) {
		chunk = e.dims
	}
	if chunk != nil && (len(chunk) == 0 || len(chunk) != len(e.dims)) {
		return fmt.Errorf("chunk %v does not fit the shape %v", chunk, e.dims)
	}
	for i, c := range chunk {
		v.chunk[i] = C.hsize_t(c)
	}
	v.nchunk, v.gzip = C.int(len(chunk)), C.int(d.Gzip)
	v.big_endian, v.shuffle = cBool(d.BigEndian), cBool(d.Shuffle)
	err = withNames(func(s []*C.char) error {
		return e.withData(func(p unsafe.Pointer) error { return check(C.nxt_write(C.hid_t(l), s[0], &v, p)) })
	}, d.Name)
	if err != nil {
		return err
	}
	attributes := slices.Clone(d.Attributes)
	if d.Units != "" {
		attributes = append(attributes, Attribute{Name: "units", Data: d.Units})
	}
	for _, a := range attributes {
		if err := l.attribute(d.Name, a); err != nil {
			return err
		}
	}
	return nil
}

func (l location) attribute(object string, a Attribute) error {
	e, err := encode(a.Data, a.Shape)
	if err != nil {
		return fmt.Errorf("attribute %s: %w", a.Name, err)
	}
	v, err := e.value()
	if err != nil {
		return fmt.Errorf("attribute %s: %w", a.Name, err)
	}
	v.attribute = 1
	err = withNames(func(s []*C.char) error {
		return e.withData(func(p unsafe.Pointer) error {
			return check(C.nxt_attribute_at(C.hid_t(l), s[0], s[1], &v, p))
		})
	}, object, a.Name)
	if err != nil {
		return fmt.Errorf("attribute %s: %w", a.Name, err)
	}
	return nil
}

func (e encoded) value() (C.nxt_value, error) {
	v := C.nxt_value{form: C.int(e.form), null: cBool(e.null), size: C.size_t(e.size), ndims: C.int(len(e.dims))}
	if len(e.dims) > maxRank {
		return v, fmt.Errorf("%d dimensions, libhdf5 takes %d", len(e.dims), maxRank)
	}
	for i, d := range e.dims {
		v.dims[i] = C.hsize_t(d)
	}
	return v, nil
}

// withData hands fn the elements as C wants them; nil when there are none.
func (e encoded) withData(fn func(unsafe.Pointer) error) error {
	if e.form != formText {
		if len(e.bytes) == 0 {
			return fn(nil)
		}
		return fn(unsafe.Pointer(&e.bytes[0]))
	}
	if len(e.texts) == 0 {
		return fn(nil)
	}
	return withNames(func(s []*C.char) error { return fn(unsafe.Pointer(&s[0])) }, e.texts...)
}

// withNames hands fn C copies of texts.
func withNames(fn func([]*C.char) error, texts ...string) error {
	c := make([]*C.char, len(texts))
	for i, t := range texts {
		c[i] = C.CString(t)
	}
	defer func() {
		for _, p := range c {
			C.free(unsafe.Pointer(p))
		}
	}()
	return fn(c)
}

func cBool(b bool) C.int {
	if b {
		return 1
	}
	return 0
}
