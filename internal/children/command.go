//go:build linux

package children

import "time"

// Command is what to run.
type Command struct {
	// Argv is the program and its arguments; no shell sees them. A program
	// without a slash is looked for in our own PATH.
	Argv []string
	// Env is the whole environment; nil: our own.
	Env []string
	// Dir is the working directory; empty: our own.
	Dir string
	// Stdin is what the child reads on its standard input; empty: nothing. It
	// is handed over whole, so the child may read as slowly as it likes.
	Stdin []byte
	// Timeout is how long the child may run before it gets TERM, and after
	// Options.KillDelay KILL; 0: for ever.
	Timeout time.Duration
	// ResultFDVariable, when set, is the environment variable that tells the
	// child the number of the descriptor on which it may write a record.
	ResultFDVariable string
	// Record, when set, is called with each line on the result descriptor as it
	// comes, in order, without its end, on the terms of Line; of a line of more
	// than 1 MiB with pieces. Result.Record is kept all the same.
	Record func(line []byte)
	// KeepStdout puts what the child writes to stdout among its stderr;
	// otherwise it is thrown away.
	KeepStdout bool
	// Line, when set, is called with each line of stderr, in order, without
	// its end; a very long line comes in pieces. It is called from a goroutine
	// of the child and never after Done. While it blocks, so may the child.
	Line func(line string)
}
