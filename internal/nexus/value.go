package nexus

import "errors"

// ErrNotFound is wrapped by errors about a path or an attribute that is not in
// the file, dangling links included.
var ErrNotFound = errors.New("not found")

// ErrUnsupported is wrapped by errors about a value of a type that has no form
// in metadata: opaque data, references, variable-length sequences, bit fields.
var ErrUnsupported = errors.New("unsupported data type")

// Kind is the kind of the elements of a value.
type Kind uint8

// The kinds of elements.
const (
	Invalid Kind = iota
	// Int is a signed integer; Data is []int64.
	Int
	// Uint is an unsigned integer; Data is []uint64.
	Uint
	// Float is a floating point number; Data is []float64. Type.Size tells
	// half, single and double precision apart, which print differently.
	Float
	// Bool is h5py's boolean, an enumeration of FALSE and TRUE; Data is []bool.
	Bool
	// Enum is any other enumeration; Data is []int64.
	Enum
	// FixedString is text of fixed length, without its padding; Data is []string.
	FixedString
	// VarString is text of variable length; Data is []string.
	VarString
	// Complex is h5py's complex number; Data is []complex128.
	Complex
	// Compound is a record with named members; Data is []Record.
	Compound
	// Opaque is bytes without a meaning; Data is []string. Like all kinds
	// below it comes together with an error that wraps ErrUnsupported, for
	// callers that can do something with it nevertheless.
	Opaque
	// Sequence is a variable-length sequence; Data is []Value, each with a
	// Shape of one dimension.
	Sequence
	// Reference points to an object or, RegionReference, to a part of a
	// dataset; there is no Data.
	Reference
	// RegionReference is described with Reference.
	RegionReference
)

// Type is the type of the elements of a value.
type Type struct {
	Kind Kind
	// Size is the size of one element in the file, in bytes; 0 where it varies.
	Size int
	// BigEndian says that the file holds the bytes the other way round.
	BigEndian bool
	// UTF8 is the declared character set of a string.
	UTF8 bool
}

// Value is the content of a dataset or an attribute.
type Value struct {
	Type Type
	// Shape is the length of each dimension; nil for a scalar. The elements
	// of an HDF5 array type are further dimensions.
	Shape []int
	// Null says that the dataspace is empty (h5py.Empty): there is no Data.
	Null bool
	// Data is a slice, row-major, of the Go type that Kind names; of length 1
	// for a scalar. Strings hold the bytes of the file, which need not be UTF-8.
	Data any
}

// Record is one element of a compound value, its members in file order.
type Record []Member

// Member is one member of a record.
type Member struct {
	Name  string
	Value Value
}
