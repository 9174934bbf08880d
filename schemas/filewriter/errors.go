package filewriter

import (
	"errors"
	"fmt"
)

// ErrOtherSchema says that the message is of another schema, or of none: it is
// too short for an identifier, or empty.
var ErrOtherSchema = errors.New("message is of another schema")

// ErrMalformed says that the message names the wanted schema but can not be
// read. The text of the error tells which part and why.
var ErrMalformed = errors.New("malformed message")

// ErrInvalidPath says that the file name in a message can not be the name of a
// file, or can not be handed to a program.
var ErrInvalidPath = errors.New("invalid file name")

// malformed is an ErrMalformed with its reason.
func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}

// guard turns a panic into an ErrMalformed. The checks leave nothing to panic
// about; this is for the mistake in them that nobody has found yet, because a
// message that kills its reader kills it again after each restart.
func guard(err *error) {
	if r := recover(); r != nil {
		*err = malformed("reader failed: %v", r)
	}
}
