package configs

import "strings"

// Error is a configuration that cannot work, with everything that is wrong with it.
type Error struct {
	Problems []Problem // at least one, in the order file, environment, flags, the whole
}

// Error has one line for each problem.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// UsageError is a wrong command line.
type UsageError struct {
	Reason string // one line
	cause  error
}

func (e *UsageError) Error() string { return e.Reason }

// Unwrap gives what the flag library said, if it was asked.
func (e *UsageError) Unwrap() error { return e.cause }
