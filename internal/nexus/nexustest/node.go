package nexustest

// Node is what a group can hold: Group, Dataset, SoftLink, HardLink,
// ExternalLink.
type Node interface{ node() }

// Group is a group. The one given to Write is the root, whose Name and
// TrackOrder are not used.
type Group struct {
	Name string
	// Class becomes the attribute NX_class; empty: none.
	Class      string
	Attributes []Attribute
	// Children are written in this order.
	Children []Node
	// TrackOrder keeps the order of creation, in which readers then list.
	TrackOrder bool
}

// Dataset is a dataset. Data is one of
//
//   - string, []string: text of variable length, UTF-8
//   - Fixed, []Fixed: text of the length of the longest
//   - int8 to int64, uint8 to uint64, float32, float64, Half, and slices of them
//   - bool, []bool: h5py's boolean
//   - complex64, complex128 and slices of them: h5py's complex number
//   - Opaque: bytes without a meaning
//   - Null: an empty dataspace of the type of another value
type Dataset struct {
	Name string
	Data any
	// Shape is the length of each dimension, row-major; nil: a scalar, or for
	// a slice its length.
	Shape []int
	// Units becomes the attribute units; empty: none.
	Units      string
	Attributes []Attribute
	// BigEndian stores numbers the other way round.
	BigEndian bool
	// Chunk is the shape of a chunk; nil: one piece, or with Gzip or Shuffle
	// a single chunk.
	Chunk []int
	// Gzip is the level of compression, 1 to 9; 0: none.
	Gzip int
	// Shuffle sorts the bytes of a chunk before compression.
	Shuffle bool
}

// Attribute is an attribute; Data and Shape are as in Dataset.
type Attribute struct {
	Name  string
	Data  any
	Shape []int
}

// SoftLink is a path in the same file, which need not exist.
type SoftLink struct{ Name, Target string }

// HardLink is a further name of an object that is already written.
type HardLink struct{ Name, Target string }

// ExternalLink is a path in another file, which need not exist. File is relative
// to the folder of the file that holds the link.
type ExternalLink struct{ Name, File, Target string }

// Fixed is text that is stored with a fixed length.
type Fixed string

// Half is a number that is stored in half precision.
type Half float64

// Opaque is bytes that are stored without a meaning.
type Opaque []byte

// Null is an empty dataspace; Of is any value of its type.
type Null struct{ Of any }

func (Group) node()        {}
func (Dataset) node()      {}
func (SoftLink) node()     {}
func (HardLink) node()     {}
func (ExternalLink) node() {}
