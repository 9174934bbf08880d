package control

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// keyLife is how long the state outlives its writer: the peers' time.
	keyLife = 10 * time.Second
	// publishEvery keeps the life left above 7 s, with two attempts to spare.
	publishEvery = time.Second
	// publishLimit is how long one attempt may take.
	publishLimit = time.Second
	// lastWrite is how long a write under way may go on when Run has to end.
	lastWrite = 250 * time.Millisecond
	// farewellLimit bounds the deletion of the key at the end.
	farewellLimit = 1500 * time.Millisecond
)

// publish writes the state each second and whenever it is asked to, until ctx
// ends; then it deletes the key.
//
// It begins when the place in the updates is known: a controller that sees the
// ingester may announce a mapping at once, and that has to be behind the place.
func (f *Follower) publish(ctx context.Context) {
	select {
	case <-f.following:
	case <-ctx.Done():
		return
	}
	l := f.newLink("state")
	defer l.close()
	// A write that is under way when ctx ends would bring the key back after
	// its deletion, so it is let through if Redis answers.
	stop := context.AfterFunc(ctx, func() {
		_ = wait(context.WithoutCancel(ctx), lastWrite)
		l.close()
	})
	defer stop()

	tick := time.NewTicker(publishEvery)
	defer tick.Stop()
	for l.retry(ctx, publishLimit, f.publishOnce) == nil {
		f.published.Store(time.Now().UnixNano())
		select {
		case <-ctx.Done():
		case <-tick.C:
		case <-f.kick:
		case <-f.o.Stats.Appeared():
		}
	}
	if f.published.Load() == 0 {
		return // nothing of ours is there
	}
	bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewellLimit)
	defer cancel()
	if err := deleteKey(bye, &f.redis, configKey(f.o.Name)); err != nil {
		f.o.Log.WithError(err).Warn("the state in Redis could not be deleted; it expires by itself")
	}
}

func (f *Follower) publishOnce(ctx context.Context, c *redis.Client) error {
	f.rate.update(time.Now(), f.o.Stats.Processed())
	value, err := f.state().encode()
	if err != nil {
		return err
	}
	if err := c.Set(ctx, configKey(f.o.Name), value, keyLife).Err(); err != nil {
		f.counts.publishFailures.Add(1)
		return err
	}
	f.counts.published.Add(1)
	return nil
}

// changed has the state published at once.
func (f *Follower) changed() {
	select {
	case f.kick <- struct{}{}:
	default: // asked for already
	}
}
