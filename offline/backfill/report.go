package backfill

import (
	"encoding/json"
	"fmt"
	"time"

	"ingestor/internal/fault"
	"ingestor/internal/ledger"
	"ingestor/offline/backfill/tree"
)

// Count is a way in which a file ends in a run.
type Count string

// The ways. Each file that was found, and not left out by its age, ends in one.
const (
	Registered      Count = "registered"       // by this run
	Existed         Count = "existed"          // the catalogue had it
	Published       Count = "published"        // announced by this run
	Candidate       Count = "candidate"        // would be tried, in a dry run
	Known           Count = "known"            // registered, as the ledger knows
	PublishedBefore Count = "published_before" // announced not long ago
	Changed         Count = "changed"          // since it was registered
	Failed          Count = "failed"           // for good, in this run
	FailedBefore    Count = "failed_before"    // for good, not tried again
	Waiting         Count = "waiting"          // failed, to be tried by the next run
	Left            Count = "left"             // the run ended before
)

// Counts lists the ways in the order in which people read them.
func Counts() []Count {
	return []Count{Registered, Existed, Published, Candidate, Known, PublishedBefore, Changed, Failed, FailedBefore, Waiting, Left}
}

// reportVersion is the layout of Report. Fields are only ever added.
const reportVersion = 1

// Report tells of one run.
type Report struct {
	Version int      `json:"version"`
	Job     string   `json:"job"`
	Roots   []string `json:"roots"`
	// Mode is register, publish or dry run.
	Mode    string    `json:"mode"`
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended"`
	Seconds float64   `json:"seconds"`
	Exit    int       `json:"exit"`
	// Reason is why Exit is not 0.
	Reason string `json:"reason,omitempty"`
	// Whole says that all was looked at and all that was found was tried.
	Whole  bool            `json:"whole"`
	Looked Looked          `json:"looked"`
	Counts map[Count]int64 `json:"counts"`
	// Bytes are the sizes of the files that were registered or published.
	Bytes int64 `json:"bytes"`
	// Failures are those of this run, by cause, the most frequent first.
	Failures []Group `json:"failures,omitempty"`
	// Refused is how many of those that are waiting fail each time by what looks
	// like a fault of the catalogue, while others do not.
	Refused int64 `json:"refused,omitempty"`
	// FailedFiles, RefusedFiles and ChangedFiles name the first of them.
	FailedFiles  []string `json:"failed_files,omitempty"`
	RefusedFiles []string `json:"refused_files,omitempty"`
	ChangedFiles []string `json:"changed_files,omitempty"`
	// Mark is the end of the clean prefix, after the run.
	Mark ledger.Mark `json:"mark,omitzero"`
	// LastGood is when a run of the job ended well last.
	LastGood time.Time `json:"last_good,omitzero"`
}

// Looked is what the look through the folders has found.
type Looked struct {
	// Files to decide about, and their sizes together.
	Files int64 `json:"files"`
	Bytes int64 `json:"bytes"`
	// Old were seen by an earlier run and have not changed since; TooYoung may
	// still be written.
	Old      int64 `json:"old"`
	TooYoung int64 `json:"too_young"`
	// Outside are files that were not changed in the time that was asked for.
	Outside int64 `json:"outside"`
	// BadNames are no UTF-8: nothing can hold them.
	BadNames int64 `json:"bad_names"`
	// Links are symbolic links, which are not followed; Special are pipes,
	// devices and sockets.
	Links   int64 `json:"links"`
	Special int64 `json:"special"`
	// Folders that were looked into, and those that could not be; the first of
	// these are named.
	Folders int64    `json:"folders"`
	Closed  int64    `json:"closed_folders"`
	Named   []string `json:"closed_folder_names,omitempty"`
}

// Group are failures of one cause.
type Group struct {
	Cause string `json:"cause"`
	Class string `json:"class"`
	Count int64  `json:"count"`
	// Example is one of them, the first.
	Example Example `json:"example"`
}

// Example is a failure.
type Example struct {
	File  string `json:"file"`
	Error string `json:"error"`
}

func (r *Report) end(now time.Time, err error) {
	r.Ended = now
	r.Seconds = now.Sub(r.Started).Seconds()
	r.Exit = fault.ExitCode(err)
	if err != nil {
		r.Reason = oneLine(err.Error())
	}
}

// line is the report as one line of JSON.
func (r *Report) line() ([]byte, error) {
	line, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode the report: %w", err)
	}
	return line, nil
}

// Tried is how many files were tried, with an end.
func (r *Report) Tried() int64 {
	var n int64
	for _, c := range []Count{Registered, Existed, Published, Candidate, Failed, Waiting} {
		n += r.Counts[c]
	}
	return n
}

func lookedOf(s tree.Stats) Looked {
	l := Looked{
		Files: s.Files, Bytes: s.Bytes, Old: s.Old, TooYoung: s.TooYoung, Outside: s.Outside, BadNames: s.BadNames,
		Links: s.Links, Special: s.Special, Folders: s.Folders, Closed: s.Closed,
	}
	for _, u := range s.Unreadable {
		l.Named = append(l.Named, u.Path)
	}
	return l
}
