package control

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// position is the place up to which the updates were read.
//
// Redis may lose the stream (it came back empty, somebody flushed it) and the
// controller begins a new one. Its ids come from the clock of the server; when
// that one is behind, the new entries are before our place and would never be
// seen. So the place is verified after every failure and now and then.
type position struct {
	// last is the id of the last entry that was handled or passed over.
	last string
	// first is the id of the stream's first entry. The stream is never
	// trimmed, so another first entry is another stream.
	first string
}

// start is the place of a follower that comes anew: behind the last entry,
// which is not handled.
func (p *position) start(ctx context.Context, c *redis.Client) error {
	latest, err := c.XRevRangeN(ctx, updatesKey, "+", "-", 1).Result()
	if err != nil {
		return fmt.Errorf("last update: %w", err)
	}
	p.last, p.first = beginning, ""
	if len(latest) == 0 {
		return nil
	}
	first, err := c.XRangeN(ctx, updatesKey, "-", "+", 1).Result()
	if err != nil {
		return fmt.Errorf("first update: %w", err)
	}
	p.last = latest[0].ID
	if len(first) > 0 {
		p.first = first[0].ID
	}
	return nil
}

// passed notes what was read.
func (p *position) passed(entries []redis.XMessage) {
	if p.last == beginning {
		p.first = entries[0].ID
	}
	p.last = entries[len(entries)-1].ID
}

// verify finds out whether the place is still one in the stream, and moves it
// if it is not: to the beginning of a stream that is another one, to the end of
// one that has lost its youngest entries.
func (p *position) verify(ctx context.Context, c *redis.Client) error {
	if p.last == beginning {
		return nil
	}
	here, err := c.XRangeN(ctx, updatesKey, p.last, p.last, 1).Result()
	if err != nil {
		return fmt.Errorf("update %s: %w", p.last, err)
	}
	if len(here) > 0 {
		return nil
	}
	first, err := c.XRangeN(ctx, updatesKey, "-", "+", 1).Result()
	if err != nil {
		return fmt.Errorf("first update: %w", err)
	}
	switch {
	case len(first) == 0:
		// No entry is left, so whatever comes is new.
		p.last, p.first = beginning, ""
		return nil
	case compareIDs(first[0].ID, p.last) > 0:
		return nil // all of it is still to be read
	case first[0].ID != p.first:
		p.last, p.first = beginning, ""
		return nil
	}
	latest, err := c.XRevRangeN(ctx, updatesKey, "+", "-", 1).Result()
	if err != nil {
		return fmt.Errorf("last update: %w", err)
	}
	if len(latest) > 0 && compareIDs(latest[0].ID, p.last) < 0 {
		p.last = latest[0].ID
	}
	return nil
}
