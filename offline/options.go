package offline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sirupsen/logrus"

	"ingestor/schemas/metadata"
	"ingestor/scicat"
)

// Options says how files are ingested. The zero value of a field is what the
// field's comment says.
type Options struct {
	// Schemas are the metadata schemas to choose from; required.
	Schemas *metadata.Set
	// Fallback is for files that no schema selects (D22); nil: they fail.
	Fallback *metadata.Schema
	// Catalogue is where datasets are registered; required.
	Catalogue *scicat.Client
	// Log receives what happens; nil discards it.
	Log logrus.FieldLogger
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// OpenLedger opens the memory of the ingestors of this machine, when it is
	// first needed; a dry run does not. Nil: none. An error of kind
	// BadConfiguration fails the file, after any other it goes on without.
	OpenLedger func(context.Context) (Ledger, error)

	// DryRun does all but writing and posting.
	DryRun bool
	// OpenRetryDelays are the pauses between tries to open a file that is
	// locked, absent or not complete yet.
	OpenRetryDelays []time.Duration
	// ReadTimeLimit bounds the reading of one value; 0 is
	// nexus.DefaultTimeLimit.
	ReadTimeLimit time.Duration

	// AllowPID sends a pid with the dataset; otherwise the catalogue makes one.
	AllowPID bool
	// GeneratePID makes the pid from the file instead of the schema (D3).
	GeneratePID bool
	// PIDPrefix stands before a generated pid, followed by a slash.
	PIDPrefix string
	// Defaults fill what the schema gives no value for.
	Defaults Defaults

	// CheckByPID asks the catalogue for the pid before posting.
	CheckByPID bool
	// CheckByMetadata asks for datasets whose scientific metadata field
	// MetadataKey has the same value.
	CheckByMetadata bool
	MetadataKey     string

	// RepairPauses are how long an ingestor on another machine may take between
	// a dataset and its datablock: a dataset that is found without datablock is
	// looked at again after each before it is completed. Nil is 1.5 s in all.
	RepairPauses []time.Duration

	Files FileOptions
}

// Defaults are the values of dataset fields that the schema left out.
type Defaults struct {
	InstrumentID string
	ProposalID   string
	OwnerGroup   string
	AccessGroups []string
}

// FileOptions says what is recorded of each file.
type FileOptions struct {
	// Stats records size, times, owner and mode.
	Stats bool
	// Hash computes a checksum with Algorithm (a name of Python's hashlib).
	Hash      bool
	Algorithm string
	// SaveHash writes the checksum beside the data, as <stem>.<HashExtension>
	// in IngestorDirectory, and lists that file too.
	SaveHash      bool
	HashExtension string
	// IngestorDirectory is absolute, or relative to the data file's folder.
	IngestorDirectory string
	// Relative lists paths relative to the dataset's sourceFolder.
	Relative bool
	// Progress, if set, is told how many bytes of how many are hashed. It is
	// called from one goroutine at a time.
	Progress func(done, total int64)
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = silent()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.RepairPauses == nil {
		o.RepairPauses = []time.Duration{100 * time.Millisecond, 400 * time.Millisecond, time.Second}
	}
	return o
}

func (o Options) validate() error {
	var faults []error
	if o.Schemas == nil {
		faults = append(faults, errors.New("no schemas"))
	}
	if o.Catalogue == nil {
		faults = append(faults, errors.New("no catalogue"))
	}
	if o.Files.Hash {
		if _, err := newHash(o.Files.Algorithm); err != nil {
			faults = append(faults, err)
		}
	}
	if o.Files.SaveHash && !o.Files.Hash {
		faults = append(faults, errors.New("a checksum can not be saved when none is computed"))
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("options of the offline ingestor: %w", err)
	}
	return nil
}

// silent is a logger that drops everything.
func silent() logrus.FieldLogger {
	l := logrus.New()
	l.SetOutput(io.Discard)
	return l
}
