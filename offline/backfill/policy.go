package backfill

import (
	"errors"
	"fmt"
	"time"

	"ingestor/internal/fault"
	"ingestor/internal/ledger"
)

// Again says which files that have failed for good are tried again.
type Again string

// When files that have failed for good are tried again.
const (
	// AgainChanged: when their cause may be gone.
	AgainChanged Again = "changed"
	// AgainAlways: in each run.
	AgainAlways Again = "always"
	// AgainNever: not by itself.
	AgainNever Again = "never"
)

// Retry is how failures are dealt with.
type Retry struct {
	// Failed is which files that have failed for good are tried again; default
	// AgainChanged.
	Failed Again
	// RulesChanged is when schemas or configuration last changed: what failed
	// for good before may succeed now.
	RulesChanged time.Time
	// FileChanged gives when a file was last changed in any way, its rights too.
	FileChanged func(path string) (time.Time, bool)
	// Attempts of one file in a run, where its failure may pass; default 2.
	Attempts int
	// Delay before the second of them; doubled for each more. Default 5 s.
	Delay time.Duration
	// Crashes is after how many attempts, in all runs, a file on which workers
	// crash or hang counts as failed for good; default 4.
	Crashes int
}

func (r Retry) withDefaults() Retry {
	if r.Failed == "" {
		r.Failed = AgainChanged
	}
	if r.FileChanged == nil {
		r.FileChanged = func(string) (time.Time, bool) { return time.Time{}, false }
	}
	if r.Attempts == 0 {
		r.Attempts = 2
	}
	if r.Delay <= 0 {
		r.Delay = 5 * time.Second
	}
	if r.Crashes == 0 {
		r.Crashes = 4
	}
	return r
}

func (r Retry) validate() error {
	var faults []error
	if r.Failed != AgainChanged && r.Failed != AgainAlways && r.Failed != AgainNever {
		faults = append(faults, fmt.Errorf("retry of failed files %q: must be changed, always or never", r.Failed))
	}
	if r.Attempts < 1 || r.Crashes < 1 {
		faults = append(faults, errors.New("attempts: must be 1 or more"))
	}
	return errors.Join(faults...)
}

// decision is what becomes of a file that was found.
type decision struct {
	// take it. Otherwise count says why not.
	take  bool
	count Count
	// open says that it is not dealt with: the mark must not pass it.
	open bool
	// why is for people.
	why string
}

// decide is the one place where it is said what becomes of a file that was
// found, by what is known of it.
func (o *Options) decide(f ledger.File, k ledger.Knowledge, now time.Time) decision {
	switch {
	case k.State == ledger.Registered, k.State == ledger.Left:
		return decision{count: Known, why: "registered"}
	case k.Accepted:
		return decision{count: Known, why: "accepted as it is"}
	case k.Changed:
		return decision{count: Changed, open: true, why: "changed since it was registered"}
	case k.State == ledger.Failed || k.State == "" && k.DeadLettered:
		if again, why := o.Retry.again(f, k); !again {
			return decision{count: FailedBefore, why: why}
		}
	}
	if o.Publisher != nil && !k.Published.IsZero() && now.Sub(k.Published) < o.RepublishAfter {
		return decision{count: PublishedBefore, why: "announced " + k.Published.Format(time.DateTime)}
	}
	d := decision{take: true, why: "never registered"}
	switch {
	case k.State == ledger.Failed, k.DeadLettered:
		d.why = "failed before: " + k.Error
	case k.State != "":
		d.why = "registered by half"
	}
	return d
}

// again says whether a file that has failed is tried again, and why not.
func (r *Retry) again(f ledger.File, k ledger.Knowledge) (yes bool, why string) {
	kind, failed := fault.OfExit(k.Exit)
	lasting := failed && kind.Class() == fault.ClassPermanent
	if failed && kind.Class() == fault.ClassBug {
		lasting = k.Attempts >= r.Crashes
	}
	switch {
	case !lasting, r.Failed == AgainAlways:
		return true, ""
	case r.Failed == AgainNever:
	case r.RulesChanged.After(k.Last):
		return true, ""
	default:
		// Rights that were given, for example: that leaves size and time.
		if t, known := r.FileChanged(f.Path); known && t.After(k.Last) {
			return true, ""
		}
	}
	return false, "failed for good: " + k.Error
}

// fate is what becomes of a file after an attempt that failed.
type fate uint8

const (
	lasting fate = iota // failed for good
	passing             // the next run tries again
	later               // this run tries again
	general             // not its own fault, as it seems
	stopped             // our own doing
)

// afterFailure is the one place where it is said what becomes of a file after
// an attempt that failed. Attempts are those of this run; before are those of
// earlier ones.
func (r *Retry) afterFailure(kind fault.Kind, attempts, before int) fate {
	switch kind.Class() {
	case fault.ClassPermanent:
		return lasting
	case fault.ClassSystemic:
		return general
	case fault.ClassInterrupted:
		return stopped
	case fault.ClassBug:
		if attempts+before >= r.Crashes {
			return lasting
		}
		return passing // it may cost an hour each time
	case fault.ClassTransient:
		if before > 0 || attempts >= r.Attempts {
			return passing // it has had time to pass
		}
	}
	return later
}
