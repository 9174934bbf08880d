package jsonscan

import "strconv"

// SyntaxError is why and where a document is refused. That also holds for a
// value of another kind than the one asked for.
type SyntaxError struct {
	// Offset is the index of the first byte that does not fit; the length of
	// the document when it ends too early.
	Offset int
	// Reason is a constant text, without bytes of the document.
	Reason string
}

func (e *SyntaxError) Error() string {
	return "invalid JSON at byte " + strconv.Itoa(e.Offset) + ": " + e.Reason
}

// The reasons, in one place so that equal faults read equally.
const (
	reasonEarlyEnd   = "it ends too early"
	reasonNoValue    = "a value was expected"
	reasonNoKey      = "a key in quotes was expected"
	reasonNoColon    = "a colon was expected"
	reasonNoComma    = "a comma or the closing bracket was expected"
	reasonTrailing   = "something follows the value"
	reasonDepth      = "values are nested too deeply"
	reasonLiteral    = "unknown word"
	reasonNumber     = "malformed number"
	reasonControl    = "control character in a text"
	reasonEscape     = "unknown escape in a text"
	reasonSurrogate  = "half of a surrogate pair in a text"
	reasonUTF8       = "text is not UTF-8"
	reasonWantObject = "an object was expected"
	reasonWantArray  = "an array was expected"
	reasonWantText   = "a text was expected"
	reasonWantNumber = "a number was expected"
	reasonWantUint   = "a whole number below 2^64 was expected"
	reasonWantBool   = "true or false was expected"
	reasonWantNull   = "null was expected"
)
