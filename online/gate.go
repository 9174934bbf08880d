package online

import (
	"slices"
	"sync"
	"time"
)

// Hold is a reason why the sources are paused.
type Hold string

// The holds.
const (
	// HoldPoolFull: all children are busy.
	HoldPoolFull Hold = "pool-full"
	// HoldCatalogueDown: the catalogue is away or refuses the token.
	HoldCatalogueDown Hold = "catalogue-down"
	// HoldStorageDown: the data directory can not be listed.
	HoldStorageDown Hold = "storage-down"
	// HoldDiskFull: the ledger can not be written.
	HoldDiskFull Hold = "disk-full"
	// HoldDeadLetter: too many dead letters wait for their topic.
	HoldDeadLetter Hold = "dead-letter"
	// HoldOperator: a person asked for it.
	HoldOperator Hold = "operator"
	// HoldExecutable: children can not be started or are misconfigured.
	HoldExecutable Hold = "executable"
	// HoldStopping: the daemon drains.
	HoldStopping Hold = "stopping"
)

// HeldSince is a hold and when it began.
type HeldSince struct {
	Hold  Hold
	Since time.Time
}

// gate pauses the sources while at least one hold is on. The loop sets holds;
// anyone may list them.
type gate struct {
	mu    sync.Mutex
	since map[Hold]time.Time
	apply func(closed bool)
}

func newGate(apply func(closed bool)) *gate {
	return &gate{since: map[Hold]time.Time{}, apply: apply}
}

// set switches one hold and tells the sources when the gate opens or closes.
// It reports whether the hold changed.
func (g *gate) set(h Hold, on bool, now time.Time) bool {
	g.mu.Lock()
	_, was := g.since[h]
	before := len(g.since) > 0
	if on && !was {
		g.since[h] = now
	} else if !on {
		delete(g.since, h)
	}
	after := len(g.since) > 0
	g.mu.Unlock()
	if before != after {
		g.apply(after)
	}
	return was != on
}

func (g *gate) held(h Hold) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, on := g.since[h]
	return on
}

// list is what holds the gate, the oldest first.
func (g *gate) list() []HeldSince {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := make([]HeldSince, 0, len(g.since))
	for h, since := range g.since {
		all = append(all, HeldSince{h, since})
	}
	slices.SortFunc(all, func(a, b HeldSince) int { return a.Since.Compare(b.Since) })
	return all
}
