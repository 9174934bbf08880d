package nexus

/*
#cgo pkg-config: hdf5
#cgo CFLAGS: -DH5_USE_110_API -Wall
#include "shim.h"
*/
import "C"

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"ingestor/internal/fault"
)

// libraryError is the failure of a call, in libhdf5's own words.
type libraryError struct {
	text     string
	notFound bool // a component of the path, a link's target or an attribute is missing
	badType  bool // the object is of another type than the call is for
}

func (e *libraryError) Error() string { return e.text }

func (e *libraryError) Is(target error) bool { return target == ErrNotFound && e.notFound }

// lastError takes the error stack that the last failed call, gonum's too, left
// on this thread.
func lastError() *libraryError {
	var buf [768]C.char
	flags := C.nx_error(&buf[0], C.size_t(len(buf)))
	e := &libraryError{
		text:     C.GoString(&buf[0]),
		notFound: flags&C.NX_E_NOTFOUND != 0,
		badType:  flags&C.NX_E_TYPE != 0,
	}
	if e.text == "" {
		e.text = "libhdf5 failed without a reason"
	}
	return e
}

// storageFailure is the system's refusal to read that a call of libhdf5 since the
// thread entered the section met, if that is the storage's; nil otherwise.
func storageFailure() error {
	for i, word := range unsafe.Slice((*uint64)(C.nx_met()), C.NX_ERRNOS/64) {
		for ; word != 0; word &= word - 1 {
			if e := syscall.Errno(64*i + bits.TrailingZeros64(word)); fault.OfSystem(e) == fault.Unavailable {
				return e
			}
		}
	}
	return nil
}

// class is the class of a datatype, as libhdf5 numbers them.
type class int

const (
	classInteger   class = C.H5T_INTEGER
	classFloat     class = C.H5T_FLOAT
	classTime      class = C.H5T_TIME
	classString    class = C.H5T_STRING
	classBitfield  class = C.H5T_BITFIELD
	classOpaque    class = C.H5T_OPAQUE
	classCompound  class = C.H5T_COMPOUND
	classReference class = C.H5T_REFERENCE
	classEnum      class = C.H5T_ENUM
	classSequence  class = C.H5T_VLEN
	classArray     class = C.H5T_ARRAY
)

// datatype is one open datatype of the file.
type datatype struct {
	id                                C.hid_t
	class                             class
	size                              int
	signed, bigEndian, utf8, variable bool
	boolean, region                   bool
	members                           int
	dims                              []int // of an array type
}

func newDatatype(t *C.nx_type) datatype {
	d := datatype{
		id: t.id, class: class(t.cls), size: int(t.size),
		signed: t.is_signed != 0, bigEndian: t.big_endian != 0, utf8: t.utf8 != 0, variable: t.vlen_string != 0,
		boolean: t.is_bool != 0, region: t.region != 0,
	}
	switch d.class {
	case classArray:
		d.dims = extent(t.dims[:t.count])
	case classCompound:
		d.members = int(t.count)
	}
	return d
}

func (d datatype) close() { C.nx_type_close(d.id) }

// base opens the type that an array, a sequence or an enumeration is made of.
func (d datatype) base() (datatype, error) {
	var t C.nx_type
	if C.nx_super(d.id, &t) < 0 {
		return datatype{}, lastError()
	}
	return newDatatype(&t), nil
}

// member opens the type of one member of a compound.
func (d datatype) member(i int) (string, datatype, error) {
	var t C.nx_type
	name := C.nx_member(d.id, C.uint(i), &t)
	if name == nil {
		return "", datatype{}, lastError()
	}
	defer C.H5free_memory(unsafe.Pointer(name))
	return C.GoString(name), newDatatype(&t), nil
}

func extent(dims []C.hsize_t) []int {
	e := make([]int, len(dims))
	for i, d := range dims {
		e[i] = int(d) // beyond an int it turns negative, which count refuses
	}
	return e
}

// handle is an open dataset or attribute.
type handle struct {
	id        C.hid_t
	attribute C.int
}

func datasetHandle(id int64) handle { return handle{id: C.hid_t(id)} }

// openAttribute's handle is closed by closeAttribute.
func openAttribute(loc int64, path, name string) (handle, error) {
	cpath, cname := C.CString(path), C.CString(name)
	defer C.free(unsafe.Pointer(cpath))
	defer C.free(unsafe.Pointer(cname))
	id := C.nx_attr_open(C.hid_t(loc), cpath, cname)
	if id < 0 {
		return handle{}, lastError()
	}
	return handle{id, 1}, nil
}

func (h handle) closeAttribute() { C.H5Aclose(h.id) }

// stat tells the type and the extent, without reading data. The type is to be
// closed.
func (h handle) stat() (t datatype, shape []int, null bool, err error) {
	var o C.nx_object
	if C.nx_stat(h.id, h.attribute, &o) < 0 {
		return t, nil, false, lastError()
	}
	if o.space == C.H5S_SIMPLE {
		shape = extent(o.dims[:o.ndims])
	}
	return newDatatype(&o._type), shape, o.space == C.H5S_NULL, nil
}

// errTooLarge says that a value passes the bound, which the caller knows.
var errTooLarge = errors.New("too large")

// read fills buf with all elements in the layout of memory that l describes,
// then calls decode. What buf points to for elements of variable length, at most
// limit bytes of a dataset, is freed afterwards.
func (h handle) read(t datatype, l *layout, scalar bool, buf unsafe.Pointer, limit int64, decode func()) error {
	arena := C.nx_arena{limit: C.size_t(limit)}
	defer C.nx_arena_free(&arena)
	switch C.nx_read(h.id, h.attribute, cBool(scalar), t.id, C.size_t(l.size*l.elements), buf, &arena) {
	case C.NX_OK:
		decode()
		if h.attribute != 0 && l.pointers {
			C.nx_reclaim(h.id, t.id, buf)
		}
		return nil
	case C.NX_TOO_LARGE:
		_ = lastError() // says less than the bound does
		return errTooLarge
	case C.NX_TYPE:
		return fmt.Errorf("%w: %w", ErrUnsupported, lastError())
	case C.NX_LAYOUT:
		return errors.New("libhdf5 lays the type out differently")
	}
	return lastError()
}

// filter is one stage of the pipeline that the chunks of a dataset pass.
type filter struct {
	id        int
	name      string
	available bool
}

func (f filter) String() string {
	number := strconv.Itoa(f.id)
	if f.name == "" {
		return number
	}
	return number + " (" + f.name + ")"
}

// storage is how a dataset lies in its file.
type storage struct {
	chunk   []int
	filters []filter
	bytes   int64
}

func (h handle) storage() (storage, error) {
	var o C.nx_storage
	if C.nx_storage_of(h.id, &o) < 0 {
		return storage{}, lastError()
	}
	s := storage{bytes: int64(o.stored)}
	if o.ndims > 0 {
		s.chunk = extent(o.chunk[:o.ndims])
	}
	for i := range o.nfilters {
		var id, available C.int
		var name [128]C.char
		if C.nx_filter(h.id, C.uint(i), &id, &available, &name[0], C.size_t(len(name))) < 0 {
			return s, lastError()
		}
		s.filters = append(s.filters, filter{int(id), C.GoString(&name[0]), available != 0})
	}
	return s, nil
}

// names lists the links of a group or, with attributes, the attributes of any
// object, in the order in which h5py iterates: of creation where it is tracked,
// else bytewise by name.
func names(id int64, attributes bool) ([]string, error) {
	var total C.size_t
	p := C.nx_names(C.hid_t(id), cBool(attributes), &total)
	if p == nil {
		return nil, lastError()
	}
	defer C.free(unsafe.Pointer(p))
	type entry struct {
		order int64
		name  string
	}
	var entries []entry
	for b := C.GoBytes(unsafe.Pointer(p), C.int(total)); len(b) > 8; {
		end := 8 + bytes.IndexByte(b[8:], 0)
		entries = append(entries, entry{int64(binary.NativeEndian.Uint64(b)), string(b[8:end])})
		b = b[end+1:]
	}
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.order, b.order), strings.Compare(a.name, b.name))
	})
	list := make([]string, len(entries))
	for i, e := range entries {
		list[i] = e.name
	}
	return list, nil
}

// object is the type of what a path leads to.
type object int

const (
	objectNone    object = -1
	objectGroup   object = C.H5O_TYPE_GROUP
	objectDataset object = C.H5O_TYPE_DATASET
	objectType    object = C.H5O_TYPE_NAMED_DATATYPE
)

func objectAt(loc int64, path string) (object, error) {
	cpath := C.CString(path)
	defer C.free(unsafe.Pointer(cpath))
	t := C.nx_object_type(C.hid_t(loc), cpath)
	if t < 0 {
		return objectNone, lastError()
	}
	return object(t), nil
}

// openObject opens whatever a path leads to; closeObject closes it.
func openObject(loc int64, path string) (int64, error) {
	cpath := C.CString(path)
	defer C.free(unsafe.Pointer(cpath))
	id := C.H5Oopen(C.hid_t(loc), cpath, C.H5P_DEFAULT)
	if id < 0 {
		return 0, lastError()
	}
	return int64(id), nil
}

func closeObject(id int64) { C.H5Oclose(C.hid_t(id)) }

// linkAt tells about the last link of a path, and the object behind it
// (objectNone: dangling).
func linkAt(loc int64, path string, root bool) (link Link, target object, id ObjectID, err error) {
	cpath := C.CString(path)
	defer C.free(unsafe.Pointer(cpath))
	var l C.nx_link
	if C.nx_link_info(C.hid_t(loc), cpath, cBool(root), &l) < 0 {
		return link, objectNone, id, lastError()
	}
	defer C.free(unsafe.Pointer(l.target))
	switch l.link {
	case C.H5L_TYPE_HARD, -1:
		link.Kind = HardLink
	case C.H5L_TYPE_SOFT:
		link.Kind = SoftLink
	case C.H5L_TYPE_EXTERNAL:
		link.Kind = ExternalLink
	default:
		link.Kind = OtherLink
	}
	if l.target != nil {
		link.Target = C.GoString(l.target)
	}
	if l.file_name != nil {
		link.File = C.GoString(l.file_name)
	}
	if l.object < 0 {
		_ = lastError() // empties the stack
	}
	return link, object(l.object), ObjectID{uint64(l.file), uint64(l.address)}, nil
}

func cBool(b bool) C.int {
	if b {
		return 1
	}
	return 0
}

// openIDs is the number of files, groups, datasets, types and attributes that
// the process holds open in libhdf5; tests see leaks by it.
func openIDs() int { return int(C.nx_open_ids()) }
