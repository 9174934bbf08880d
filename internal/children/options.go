//go:build linux

package children

import (
	"io"
	"time"

	"github.com/sirupsen/logrus"
)

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
	// Log takes what happens to the guardian; nil discards it.
	Log logrus.FieldLogger
}

func (o Options) withDefaults() Options {
	if o.KillDelay <= 0 {
		o.KillDelay = DefaultKillDelay
	}
	if o.TailBytes <= 0 {
		o.TailBytes = DefaultTailBytes
	}
	if o.Log == nil {
		nothing := logrus.New()
		nothing.SetOutput(io.Discard)
		o.Log = nothing
	}
	return o
}
