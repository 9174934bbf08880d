package pickle

import "strconv"

// Error is why and where a pickle is refused.
type Error struct {
	// Offset is the index of the instruction that does not fit.
	Offset int
	// Reason is a text without bytes of the pickle.
	Reason string
}

func (e *Error) Error() string {
	return "invalid pickle at byte " + strconv.Itoa(e.Offset) + ": " + e.Reason
}

// The reasons, in one place so that equal faults read equally.
const (
	reasonSize      = "it is too large"
	reasonObjects   = "it holds too many objects"
	reasonEarlyEnd  = "it ends too early"
	reasonOpcode    = "unknown instruction"
	reasonProtocol  = "unknown protocol"
	reasonStack     = "a value is missing on the stack"
	reasonMark      = "a mark is missing on the stack"
	reasonMemo      = "a value is missing in the memo"
	reasonText      = "text is not what its encoding allows"
	reasonNumber    = "malformed number"
	reasonLength    = "a length is out of range"
	reasonKey       = "a key that can not be one"
	reasonItems     = "items for something that takes none"
	reasonPairs     = "keys and values do not come in pairs"
	reasonGlobal    = "a name that is none"
	reasonCall      = "a call of something that can not be called"
	reasonElsewhere = "it refers to something outside of the pickle"
)
