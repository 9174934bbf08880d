package tree

import "ingestor/internal/ledger"

// mostNamed is how many of a kind are named; of the others only the number is told.
const mostNamed = 10

// Stats is what a walk has found.
type Stats struct {
	Files int64 // handed on
	Bytes int64 // of these

	// Files that are wanted by their names and not handed on.
	Old      int64 // seen by an earlier walk
	TooYoung int64 // for MinAge
	Outside  int64 // of Since and Until
	BadNames int64 // no UTF-8: neither a message nor the catalogue can hold them

	Links   int64 // symbolic links, to whatever, which are not followed
	Special int64 // pipes, devices and sockets with a wanted name

	Folders  int64 // that were read
	Repeated int64 // that were reached again by another path, and not read again
	Vanished int64 // files and folders that were gone when their turn came

	Closed     int64    // folders that could not be read
	Unreadable []Unseen // the first of them
	Unnamed    []Unseen // the first of BadNames

	// Roots is how the roots looked; right also where the walk is incomplete.
	Roots map[string]ledger.RootSeen
}

// Incomplete says that folders could not be read: files may be missing.
func (s *Stats) Incomplete() bool { return s.Closed > 0 }

// Unseen is a folder or file that was left out, and why.
type Unseen struct{ Path, Reason string }

func named(list []Unseen, path, reason string) []Unseen {
	if len(list) >= mostNamed {
		return list
	}
	return append(list, Unseen{path, reason})
}
