package pyvalue

import (
	"math/big"
	"strconv"
)

// Value is one Python value.
type Value interface {
	// TypeName is what Python calls the type, for messages.
	TypeName() string
}

// The scalar and sequence types.
type (
	// None is Python's None.
	None struct{}
	// Bool is Python's bool, which is also a number.
	Bool bool
	// Float is Python's float.
	Float float64
	// Complex is Python's complex.
	Complex complex128
	// Str is Python's str.
	Str string
	// Bytes is Python's bytes.
	Bytes string
	// List is Python's list.
	List []Value
	// Tuple is Python's tuple.
	Tuple []Value
	// Set is Python's set, without equal elements.
	Set []Value
	// Foreign is an object of which only the text is known, such as an empty
	// dataset.
	Foreign string
)

// Int is Python's int, of any size.
type Int struct {
	small int64
	large *big.Int // nil when small holds the number
}

// NewInt is the number i.
func NewInt(i int64) Int { return Int{small: i} }

// NewUint is the number u.
func NewUint(u uint64) Int { return NewBig(new(big.Int).SetUint64(u)) }

// NewBig is the number b, which must not be changed afterwards.
func NewBig(b *big.Int) Int {
	if b.IsInt64() {
		return Int{small: b.Int64()}
	}
	return Int{large: b}
}

// Big is a copy of the number.
func (i Int) Big() *big.Int {
	if i.large != nil {
		return new(big.Int).Set(i.large)
	}
	return big.NewInt(i.small)
}

// Int64 is the number when it fits.
func (i Int) Int64() (int64, bool) { return i.small, i.large == nil }

func (i Int) String() string {
	if i.large != nil {
		return i.large.String()
	}
	return strconv.FormatInt(i.small, 10)
}

// TypeName is what Python calls the type.
func (None) TypeName() string { return "NoneType" }

// TypeName implements Value.
func (Bool) TypeName() string { return "bool" }

// TypeName implements Value.
func (Int) TypeName() string { return "int" }

// TypeName implements Value.
func (Float) TypeName() string { return "float" }

// TypeName implements Value.
func (Complex) TypeName() string { return "complex" }

// TypeName implements Value.
func (Str) TypeName() string { return "str" }

// TypeName implements Value.
func (Bytes) TypeName() string { return "bytes" }

// TypeName implements Value.
func (List) TypeName() string { return "list" }

// TypeName implements Value.
func (Tuple) TypeName() string { return "tuple" }

// TypeName implements Value.
func (Set) TypeName() string { return "set" }

// TypeName implements Value.
func (Foreign) TypeName() string { return "object" }

// Words names the type of v for people who do not know Python.
func Words(v Value) string {
	switch v := v.(type) {
	case None:
		return "nothing (null)"
	case Bool:
		return "a boolean"
	case Int:
		return "an integer"
	case Float:
		return "a number"
	case Complex:
		return "a complex number"
	case Str:
		return "text"
	case Bytes:
		return "text (bytes)"
	case List:
		return "a list of " + strconv.Itoa(len(v))
	case Tuple:
		return "a tuple of " + strconv.Itoa(len(v))
	case Set:
		return "a set"
	case *Dict:
		return "a dictionary"
	case Scalar:
		return Words(v.Item)
	case Array:
		return "an array of shape " + shapeText(v.Shape)
	default:
		return "an object"
	}
}
