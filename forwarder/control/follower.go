package control

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"
)

// Follower is one ingester's life in Redis.
type Follower struct {
	o       Options
	redis   redis.Options
	service uuid.UUID
	counts  counts

	// following is closed when the place in the updates is known.
	following chan struct{}
	// kick asks for the state to be published at once.
	kick chan struct{}
	// published is when that last succeeded, in Unix nanoseconds; 0: never.
	published atomic.Int64
	// pendingSince is the time of the oldest assignments that the pump has not
	// accepted yet, in Unix milliseconds; 0: none.
	pendingSince atomic.Int64
	// rate belongs to the publishing goroutine.
	rate rate

	mu      sync.Mutex
	mapping uuid.UUID // uuid.Nil: none yet
	hash    string    // of the parameters; empty before the first update
}

// New makes a follower with a new service uuid. It connects to nothing. Its
// errors are of kind fault.BadConfiguration.
func New(o Options) (*Follower, error) {
	o = o.withDefaults()
	options, urlErr := parseRedisURL(o.RedisURL)
	if err := errors.Join(urlErr, o.validate()); err != nil {
		return nil, err
	}
	service, err := uuid.NewRandom()
	if err != nil {
		return nil, err
	}
	return &Follower{o: o, redis: *options, service: service, following: make(chan struct{}), kick: make(chan struct{}, 1)}, nil
}

// Run follows the controller until ctx ends; then it deletes the state in
// Redis, which takes at most 2 s, and returns nil. Outages of Redis, also one
// from the start on, are waited out. It returns an error only when the Handler
// does. It is to be called once.
func (f *Follower) Run(ctx context.Context) error {
	g, within := errgroup.WithContext(ctx)
	g.Go(func() error {
		f.publish(within)
		return nil
	})
	g.Go(func() error {
		u := &updates{f: f, tasks: g, link: f.newLink("updates"), parameters: newParameters(f.o.Log)}
		return u.run(within)
	})
	if err := g.Wait(); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// readyWithin is how old the last publication may be: the key has still life.
const readyWithin = 5 * time.Second

// Ready says whether the peers can see this ingester, and if not, why.
func (f *Follower) Ready() (bool, string) {
	at := f.published.Load()
	if at == 0 {
		return false, "the state has not been published in Redis yet"
	}
	if age := time.Since(time.Unix(0, at)); age > readyWithin {
		return false, "the state could not be published in Redis for " + age.Round(time.Second).String()
	}
	return true, ""
}
