package backfill

// CrashError says that a worker crashed or had to be ended, on the file that it
// began last as it seems.
type CrashError struct {
	// Reason is one line.
	Reason string
}

func (e *CrashError) Error() string { return e.Reason }
