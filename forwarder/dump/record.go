package dump

import (
	"errors"
	"fmt"
	"time"
)

// Record is one event of a file.
type Record struct {
	Event   uint64
	Created time.Time // when the event was taken, UTC; zero in files of older programs
	Streams []Stream  // in the order of the file, no name twice
}

// Stream is what one stream supplied to an event.
type Stream struct {
	Name, Typ string
	Frames    [][]byte
}

// Outline is a record without its frames.
type Outline struct {
	Index   int   // of the record in the file, from 0
	Offset  int64 // of the record's first byte
	Bytes   int64 // of the whole record
	Event   uint64
	Created time.Time // zero in files of older programs
	Streams []OutlineStream
}

// OutlineStream is a stream without its frames.
type OutlineStream struct {
	Name, Typ string
	Sizes     []int64 // of the frames, in bytes
	Head      []byte  // the beginning of the first frame, as long as was asked for
}

// Bytes is the size of all frames.
func (s OutlineStream) Bytes() int64 {
	var n int64
	for _, size := range s.Sizes {
		n += size
	}
	return n
}

// ErrTorn marks a file whose last record is not whole: the program that wrote
// it was killed, or is still writing. All records before it are good.
var ErrTorn = errors.New("the last record is cut off")

// FormatError is a file that is not what it should be. Nothing behind it can
// be read, because records carry no marks to begin anew from.
type FormatError struct {
	Record int    // index of the record at fault, from 0
	Offset int64  // of the byte at fault; of a torn record: of its first byte
	Reason string // what is wrong there
	Torn   bool   // the file ends within this record
}

func (e *FormatError) Error() string {
	if e.Torn {
		return fmt.Sprintf("record %d, which begins at byte %d, is cut off: %s", e.Record, e.Offset, e.Reason)
	}
	return fmt.Sprintf("record %d is not one of a dump: at byte %d, %s", e.Record, e.Offset, e.Reason)
}

// Unwrap gives ErrTorn for a torn record.
func (e *FormatError) Unwrap() error {
	if e.Torn {
		return ErrTorn
	}
	return nil
}
