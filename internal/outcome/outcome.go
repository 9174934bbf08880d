// Package outcome holds how a message or a file ends, and the record in which
// an offline ingestor tells its parent.
//
// Invariant: each message ends in exactly one outcome, so the outcomes add up
// to the messages. The exit code of a child suffices; the record only adds
// what the code can not say.
package outcome

import (
	"encoding/json"
	"fmt"
	"io"
)

// Outcome is how a message ended.
type Outcome string

// The outcomes.
const (
	// Registered: dataset and datablock are in the catalogue, by this run.
	Registered Outcome = "registered"
	// Existed: they were there before.
	Existed Outcome = "existed"
	// DryRun: all was done but sending.
	DryRun Outcome = "dry_run"
	// Ignored: not a "writing done" message.
	Ignored Outcome = "ignored"
	// WriterFailed: the file writer reported that writing failed.
	WriterFailed Outcome = "writer_failed"
	// Malformed: says it is a "writing done" message but can not be read.
	Malformed Outcome = "malformed"
	// InvalidPath: the file name in it can not be a file.
	InvalidPath Outcome = "invalid_path"
	// DeadLettered: the file was given up, with a reason.
	DeadLettered Outcome = "dead_lettered"
)

// All lists every outcome in the order in which people read them.
func All() []Outcome {
	return []Outcome{Registered, Existed, DryRun, Ignored, WriterFailed, Malformed, InvalidPath, DeadLettered}
}

// ResultFD is the environment variable that holds the number of the file
// descriptor on which a child writes its Record.
const ResultFD = "INGESTOR_RESULT_FD"

// recordVersion is the layout of Record. Fields are only ever added.
const recordVersion = 1

// Record is the result of one file as an offline ingestor reports it.
type Record struct {
	Version int     `json:"version"`
	Outcome Outcome `json:"outcome,omitempty"`
	File    string  `json:"file"`
	// PID is the persistent identifier of the dataset.
	PID string `json:"pid,omitempty"`
	// Datablock is the id of the origdatablock.
	Datablock string `json:"datablock,omitempty"`
	// Schema is the id of the metadata schema that was used.
	Schema string `json:"schema,omitempty"`
	// JobID is the file writer's job, where the schema found it.
	JobID string `json:"job_id,omitempty"`
	// Files and Bytes are what the datablock lists.
	Files int   `json:"files,omitempty"`
	Bytes int64 `json:"bytes,omitempty"`
	// Seconds is the time from start to end.
	Seconds float64 `json:"seconds"`
	// Error is one line, empty on success.
	Error string `json:"error,omitempty"`
	// Exit is the status with which the process ends.
	Exit int `json:"exit"`
}

// Write writes r as one line of JSON.
func (r Record) Write(w io.Writer) error {
	r.Version = recordVersion
	line, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode result record: %w", err)
	}
	if _, err := w.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write result record: %w", err)
	}
	return nil
}

// Parse reads a record that a child wrote.
func Parse(line []byte) (Record, error) {
	var r Record
	if err := json.Unmarshal(line, &r); err != nil {
		return Record{}, fmt.Errorf("decode result record: %w", err)
	}
	if r.Version < 1 {
		return Record{}, fmt.Errorf("decode result record: version %d", r.Version)
	}
	return r, nil
}
