package control

import (
	"context"
	"fmt"
	"slices"

	"github.com/redis/go-redis/v9"
)

// remembered is how many handled entries are known by their ids.
const remembered = 256

// position is the place up to which the updates were read.
//
// Redis may lose the stream (it came back empty, somebody flushed it) and the
// controller begins a new one. Its ids come from the clock of the server; when
// that one is behind, the new entries are before our place and would never be
// seen. Or Redis lost only its youngest entries, as it came back from a
// snapshot. So the place is verified after every failure and now and then.
type position struct {
	// last is the id of the last entry that was handled or passed over.
	last string
	// handled are the ids of the last entries, the youngest last.
	handled []string
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
	if *p = (position{last: beginning}); len(latest) == 0 {
		return nil
	}
	first, err := c.XRangeN(ctx, updatesKey, "-", "+", 1).Result()
	if err != nil {
		return fmt.Errorf("first update: %w", err)
	}
	p.last, p.handled = latest[0].ID, []string{latest[0].ID}
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
	for _, e := range entries {
		p.handled = append(p.handled, e.ID)
	}
	p.handled = p.handled[max(0, len(p.handled)-remembered):]
	p.last = entries[len(entries)-1].ID
}

// verify finds out whether the place is still one in the stream, and moves it
// if it is not: to the beginning of a stream that is another one, to the last
// entry that is left of those handled in one that has lost some.
func (p *position) verify(ctx context.Context, c *redis.Client) error {
	if p.last == beginning {
		return nil
	}
	here, err := c.XRangeN(ctx, updatesKey, p.last, p.last, 1).Result()
	if err != nil || len(here) > 0 {
		return problem(p.last, err)
	}
	left, err := c.XRangeN(ctx, updatesKey, p.handled[0], p.last, mostUpdates).Result()
	if err != nil {
		return problem(p.handled[0], err)
	}
	for _, e := range slices.Backward(left) {
		if at := slices.Index(p.handled, e.ID); at >= 0 {
			p.last, p.handled = e.ID, p.handled[:at+1]
			return nil
		}
	}
	first, err := c.XRangeN(ctx, updatesKey, "-", "+", 1).Result()
	if err != nil {
		return problem("-", err)
	}
	if len(first) > 0 && first[0].ID == p.first {
		// It has lost more than is remembered; what is before that is old.
		p.last, p.handled = p.handled[0], p.handled[:1]
		return nil
	}
	*p = position{last: beginning}
	return nil
}

// problem says which entry could not be looked for; nil stays nil.
func problem(id string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("looking for update %s: %w", id, err)
}
