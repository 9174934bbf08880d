package tree

import (
	"context"
	"time"

	"ingestor/internal/ledger"
)

const (
	// batch is how many files are handed on at once.
	batch = 1000
	// patience is how long a walk that is over waits for a call to the storage, which
	// nothing can end.
	patience = 2 * time.Second
)

// Walk looks through the roots and hands files on to found, in no order, from one
// goroutine and in batches that found may keep. An error of found ends the walk and is
// returned. Otherwise the error is a *RootGone of kind fault.Unavailable or
// fault.NotPermitted, that of ctx, or of kind fault.BadConfiguration. Only without
// error the Stats say anything.
func Walk(ctx context.Context, o Options, found func([]ledger.File) error) (Stats, error) {
	return walk(ctx, disk{}, o, found)
}

func walk(ctx context.Context, d storage, o Options, found func([]ledger.File) error) (Stats, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return Stats{}, err
	}
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	w := newWalker(d, o)
	ended := make(chan error, 1)
	go func() { ended <- w.run(inner) }()

	tick := time.NewTicker(max(o.Silence/8, time.Millisecond))
	defer tick.Stop()
	calls, since := int64(-1), time.Now()
	for {
		select {
		case err := <-ended:
			if err != nil {
				return Stats{}, err
			}
			return w.stats, nil
		case files := <-w.batches:
			if err := found(files); err != nil {
				cancel()
				settle(ended)
				return Stats{}, err
			}
			since = time.Now() // all waited for found
		case <-tick.C:
			switch n := w.calls.Load(); {
			case n != calls:
				calls, since = n, time.Now()
			case time.Since(since) > o.Silence:
				return Stats{}, gone(*w.at.Load(), errSilent(o.Silence))
			}
		case <-ctx.Done():
			settle(ended)
			return Stats{}, ctx.Err()
		}
	}
}

// settle waits for the walker's end, but not for ever.
func settle(ended <-chan error) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-ended: //nolint:errcheck // it was told to end
	case <-timer.C:
	}
}
