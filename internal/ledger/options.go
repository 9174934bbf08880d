package ledger

import "time"

// Options of a ledger. The zero value is useful.
type Options struct {
	// Deployment is whose messages are noted and asked for. Its catalogue is also
	// the one in which files are registered.
	Deployment
	// Host and Version say who takes the notes.
	Host, Version string
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// BusyTimeout is how long another process may hold the ledger; 0 is 5 s.
	BusyTimeout time.Duration

	// steps replaces the steps of the format, in tests.
	steps []string
}

func (o Options) withDefaults() Options {
	o.Deployment = o.plain()
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.BusyTimeout <= 0 {
		o.BusyTimeout = 5 * time.Second
	}
	if o.steps == nil {
		o.steps = formats()
	}
	return o
}
