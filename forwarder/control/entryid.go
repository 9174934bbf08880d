package control

import (
	"strconv"
	"strings"
)

// beginning is the id before every entry of a stream.
const beginning = "0-0"

// entryID is the id of a stream's entry, "milliseconds-sequence".
type entryID struct{ ms, seq uint64 }

// parseID reads an id as Redis writes it; anything else is the beginning.
func parseID(text string) entryID {
	ms, seq, _ := strings.Cut(text, "-")
	m, err1 := strconv.ParseUint(ms, 10, 64)
	s, err2 := strconv.ParseUint(seq, 10, 64)
	if err1 != nil || err2 != nil {
		return entryID{}
	}
	return entryID{m, s}
}
