package control

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sirupsen/logrus"
)

// How outages are met. The state's key lives 10 s and has to be back within
// seconds, so attempts never get rarer than one a second.
const (
	firstPause  = 50 * time.Millisecond
	longestWait = time.Second
	remindEvery = time.Minute
)

var errLinkClosed = errors.New("the connection was closed by its owner")

// link is one connection to Redis, made when needed and made anew after every
// failure. close may be called by anybody; the rest is for one goroutine.
type link struct {
	name    string
	options redis.Options
	log     logrus.FieldLogger
	// returned counts the failures that were overcome.
	returned *atomic.Uint64

	mu     sync.Mutex
	client *redis.Client
	closed bool

	pause        time.Duration
	down         time.Time // start of the outage, zero without one
	lastReminder time.Time
}

func (f *Follower) newLink(name string) *link {
	return &link{name: name, options: f.redis, log: f.o.Log.WithField("link", name), returned: &f.counts.reconnects}
}

// retry calls op until it succeeds, each time for at most limit, and tells of
// an outage when it begins and when it ends. Its only error is that of ctx.
// Replies that are errors (LOADING, NOAUTH, WRONGTYPE, …) are an outage too:
// they pass when somebody mends what is wrong.
func (l *link) retry(ctx context.Context, limit time.Duration, op func(context.Context, *redis.Client) error) error {
	for {
		err := l.once(ctx, limit, op)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			l.up()
			return nil
		}
		l.failed(err)
		if err := wait(ctx, l.pause); err != nil {
			return err
		}
	}
}

func (l *link) once(ctx context.Context, limit time.Duration, op func(context.Context, *redis.Client) error) error {
	c, err := l.get()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err = op(ctx, c); err != nil {
		l.drop(c)
	}
	return err
}

// up notes a success.
func (l *link) up() {
	if !l.down.IsZero() {
		l.log.WithField("after", time.Since(l.down).Round(time.Millisecond).String()).Info("Redis is back")
		l.returned.Add(1)
		l.down = time.Time{}
	}
	l.pause = 0
}

// failed notes a failure and chooses the pause before the next attempt.
func (l *link) failed(err error) {
	now := time.Now()
	if l.down.IsZero() {
		l.down = now
	}
	if l.pause == 0 || now.Sub(l.lastReminder) >= remindEvery {
		l.lastReminder = now
		l.log.WithError(err).Warn("Redis can not be used; trying again until it can")
	}
	l.pause = min(max(2*l.pause, firstPause), longestWait)
}

// get is the client, a new one if there is none.
func (l *link) get() (*redis.Client, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, errLinkClosed
	}
	if l.client == nil {
		o := l.options // NewClient changes what it is given
		l.client = redis.NewClient(&o)
	}
	return l.client, nil
}

// drop gives a failed client up: a new one has no memory of the outage, which
// the library's pool would wait out for another second.
func (l *link) drop(c *redis.Client) {
	l.mu.Lock()
	if l.client == c {
		l.client = nil
	}
	l.mu.Unlock()
	_ = c.Close() // it has failed already, or is closed
}

// close ends the link for good; what waits for a reply returns at once.
func (l *link) close() {
	l.mu.Lock()
	c := l.client
	l.client, l.closed = nil, true
	l.mu.Unlock()
	if c != nil {
		_ = c.Close()
	}
}

// wait lets d pass, or returns the error of ctx when that ends first.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
