//go:build linux

package children

import "time"

// The defaults of Options.
const (
	DefaultKillDelay = 10 * time.Second
	DefaultTailBytes = 64 << 10
)

// Options are the choices of a Runner; the zero value is fine.
type Options struct {
	// KillDelay is the time between TERM and KILL; 0: DefaultKillDelay.
	KillDelay time.Duration
	// TailBytes is how much of a child's stderr is kept, counted from its end;
	// 0: DefaultTailBytes.
	TailBytes int
}

func (o Options) withDefaults() Options {
	if o.KillDelay <= 0 {
		o.KillDelay = DefaultKillDelay
	}
	if o.TailBytes <= 0 {
		o.TailBytes = DefaultTailBytes
	}
	return o
}
