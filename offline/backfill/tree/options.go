package tree

import (
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"time"

	"ingestor/internal/fault"
	"ingestor/internal/ledger"
	"ingestor/internal/pattern"
)

// Options say where to look, and for what.
type Options struct {
	// Roots are the folders to look through, absolute; at least one. One that lies
	// in another is no harm.
	Roots []string
	// Base is the folder that a root is a part of, where it is one: patterns, and
	// what was seen, are those of that folder.
	Base map[string]string
	// Include are the files wanted, Exclude those of them that are not, and folders
	// not to look into, as package pattern has it. Hidden folders are not looked into.
	Include, Exclude []string

	// Now is the time of the walk; required.
	Now time.Time
	// MinAge is how long ago a file must have been changed. Where its time lies in
	// the future, that of its change on the disk (ctime) counts.
	MinAge time.Duration
	// Since and Until bound the modification time, Until itself excluded; zero: no bound.
	Since, Until time.Time

	// LowWater and SeenCTime, where both are given, leave out what an earlier walk
	// has seen: files whose content is older than LowWater and whose ctime, and that
	// of each folder on the way to them below the root, is before SeenCTime. A folder
	// that is moved changes its own ctime, but not those of the files in it.
	LowWater, SeenCTime time.Time

	// Seen is how the roots looked at an earlier walk, for telling whether they are
	// still there; a root that is not in it is taken as it is.
	Seen map[string]ledger.RootSeen

	// Silence is how long the storage may take for one answer before it counts as
	// gone; default 5 min.
	Silence time.Duration
}

func (o Options) withDefaults() Options {
	if o.Silence == 0 {
		o.Silence = 5 * time.Minute
	}
	roots := make([]string, len(o.Roots))
	for i, root := range o.Roots {
		roots[i] = filepath.Clean(root)
	}
	o.Roots = roots
	base := make(map[string]string, len(o.Base))
	for root, of := range o.Base {
		base[filepath.Clean(root)] = filepath.Clean(of)
	}
	o.Base = base
	return o
}

func (o Options) validate() error {
	var faults []error
	if len(o.Roots) == 0 {
		faults = append(faults, errors.New("no folder is given"))
	}
	for _, root := range o.Roots {
		if !filepath.IsAbs(root) {
			faults = append(faults, fmt.Errorf("folder %q: must begin with /", root))
		}
		if of := o.base(root); !Within(root, of) {
			faults = append(faults, fmt.Errorf("folder %q: is no part of %q", root, of))
		}
	}
	if o.Now.IsZero() {
		faults = append(faults, errors.New("the time is missing"))
	}
	if o.MinAge < 0 || o.Silence < 0 {
		faults = append(faults, errors.New("a duration is negative"))
	}
	for _, list := range [][]string{o.Include, o.Exclude} {
		for _, one := range list {
			if err := pattern.Check(one); err != nil {
				faults = append(faults, err)
			}
		}
	}
	if err := errors.Join(faults...); err != nil {
		return fault.Errorf(fault.BadConfiguration, "options of a walk: %w", err)
	}
	return nil
}

// LeftOut says why a walk of a root does not get to a folder in it: which pattern
// excludes it, or a folder above it. It is empty where the walk does.
func LeftOut(folder, root string, exclude []string) string {
	for part := range steps(below(filepath.Clean(root), filepath.Clean(folder))) {
		if !(pattern.Filter{}).Folder(part) {
			return filepath.Join(root, part) + " is hidden"
		}
		for _, one := range exclude {
			if f := (pattern.Filter{Exclude: []string{one}}); !f.Folder(part) {
				return fmt.Sprintf("%q excludes %s", one, filepath.Join(root, part))
			}
		}
	}
	return ""
}

// steps are the folders on the way to a path below a root, and that itself.
func steps(path string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range len(path) {
			if path[i] == '/' && !yield(path[:i]) {
				return
			}
		}
		if path != "" {
			yield(path)
		}
	}
}
