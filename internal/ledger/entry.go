package ledger

import "time"

// Entry is what is known of a file.
type Entry struct {
	File
	State State
	// PID is the identifier of its dataset, "" while only the catalogue could
	// tell.
	PID       string
	Datablock string // id of the origdatablock, "" where it is not known
	JobID     string // of the file writer
	Schema    string // id of the metadata schema
	Attempts  int
	// Error is the last failure, one line; Class and Exit are those of package
	// fault. Empty and 0 after a success.
	Error string
	Class string
	Exit  int
	// First and Last are when the file was noted first and last.
	First, Last time.Time
	// Host and Version are who noted it last.
	Host, Version string
}
