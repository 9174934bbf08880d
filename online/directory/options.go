package directory

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/sirupsen/logrus"

	"ingestor/internal/fault"
	"ingestor/internal/intake"
	"ingestor/internal/pattern"
)

// Options describes one folder.
type Options struct {
	// Path of the folder, absolute; required. It need not be there yet.
	Path string
	// Include are the files wanted and Exclude those of them that are not, and
	// folders not to look into: patterns of path.Match, compared with the name,
	// or, where they hold a slash, with the path below the folder. Without
	// Include all files are wanted. Names that begin with a dot need a pattern
	// that does; folders with such names are never looked into.
	Include, Exclude []string
	// Settle is how long size and time of a file must not have changed; 0 takes
	// it as it is found.
	Settle time.Duration
	// ScanEvery is the pause between two looks at the whole folder; default 5 min.
	ScanEvery time.Duration
	// Recursive also takes files of the folders below.
	Recursive bool
	// Done says of a message that would be delivered whether it ended before, in
	// another run. Without it everything is delivered once in each run. While it
	// fails, nothing new is delivered.
	Done func(context.Context, intake.Message) (bool, error)
	// Log receives what happens; nil discards it.
	Log logrus.FieldLogger
}

func (o Options) withDefaults() Options {
	if o.ScanEvery == 0 {
		o.ScanEvery = 5 * time.Minute
	}
	if o.Done == nil {
		o.Done = func(context.Context, intake.Message) (bool, error) { return false, nil }
	}
	if o.Log == nil {
		l := logrus.New()
		l.SetOutput(io.Discard)
		o.Log = l
	}
	o.Path = filepath.Clean(o.Path)
	return o
}

func (o Options) validate() error {
	var faults []error
	if !filepath.IsAbs(o.Path) {
		faults = append(faults, fmt.Errorf("path %q: must begin with /", o.Path))
	}
	if o.Settle < 0 || o.ScanEvery < 0 {
		faults = append(faults, errors.New("a time is negative"))
	}
	for _, one := range append(append([]string{}, o.Include...), o.Exclude...) {
		if err := pattern.Check(one); err != nil {
			faults = append(faults, err)
		}
	}
	if err := errors.Join(faults...); err != nil {
		return fault.Errorf(fault.BadConfiguration, "options of a watched folder: %w", err)
	}
	return nil
}
