package control

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
	"github.com/sirupsen/logrus"
	"golang.org/x/sync/errgroup"
)

const (
	// blockFor is how long Redis holds a read back while there is nothing.
	blockFor = time.Second
	// commandLimit is how long any other command may take.
	commandLimit = 2 * time.Second
	// updatesLimit is how long a read of updates may take in all.
	updatesLimit = blockFor + 4*time.Second
	// mostUpdates of one reply. Few mappings come at once; the bound is for
	// the memory only.
	mostUpdates = 1000
	// verifyEvery so many reads without an entry the place is verified.
	verifyEvery = 5
)

// updates follows the controller: it handles each update, begins and finishes
// mappings. All of it is one goroutine's.
type updates struct {
	f          *Follower
	tasks      *errgroup.Group
	link       *link
	position   position
	parameters *parameters
	mapping    uuid.UUID
	// stopReading ends the reading of assignments and waits for its end; nil
	// when there is none.
	stopReading func()
}

// run returns the error of the handler; nil when ctx ends.
func (u *updates) run(ctx context.Context) error {
	defer context.AfterFunc(ctx, u.link.close)()
	defer u.link.close()
	if u.link.retry(ctx, commandLimit, u.position.start) != nil {
		return nil
	}
	close(u.f.following)
	idle, doubtful := 0, false
	for {
		var entries []redis.XMessage
		if u.link.retry(ctx, updatesLimit, func(ctx context.Context, c *redis.Client) (err error) {
			if doubtful {
				if err := u.position.verify(ctx, c); err != nil {
					return err
				}
			}
			// Until the read has succeeded nothing is certain.
			doubtful = true
			if entries, err = readStream(ctx, c, updatesKey, u.position.last, mostUpdates); err == nil {
				doubtful = false
			}
			return err
		}) != nil {
			return nil
		}
		if len(entries) == 0 {
			idle++
			doubtful = idle%verifyEvery == 0
			continue
		}
		idle, doubtful = 0, false
		u.position.passed(entries)
		if err := u.handle(ctx, entries); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
	}
}

// readStream waits up to blockFor for entries behind after; none is no error.
func readStream(ctx context.Context, c *redis.Client, key, after string, count int64) ([]redis.XMessage, error) {
	reply, err := c.XRead(ctx, &redis.XReadArgs{Streams: []string{key, after}, Count: count, Block: blockFor}).Result()
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", key, err)
	}
	for _, stream := range reply {
		if stream.Stream == key {
			return stream.Messages, nil
		}
	}
	return nil, nil
}

// data is the one field of an entry.
func data(entry redis.XMessage) (string, error) {
	text, ok := entry.Values[dataField].(string)
	if !ok {
		return "", errors.New("it has no field \"data\"")
	}
	return text, nil
}

// handle takes the entries of one reply in order. Of several new mappings only
// the one named last is begun, with the streams of the entry that named it
// first: repeated updates of a mapping carry none.
func (u *updates) handle(ctx context.Context, entries []redis.XMessage) error {
	list := u.parse(entries)
	for i, up := range list {
		if err := u.parameters.fetch(ctx, u.link, up.parameters); err != nil {
			return err
		}
		u.f.mu.Lock()
		u.f.hash = u.parameters.hash()
		u.f.mu.Unlock()
		switch {
		case up.mapping == u.mapping:
		case up.mapping == list[len(list)-1].mapping:
			if err := u.begin(ctx, up); err != nil {
				return err
			}
		default:
			if i == 0 || list[i-1].mapping != up.mapping {
				u.f.counts.superseded.Add(1)
				u.f.o.Log.WithField("mapping", up.mapping.String()).Info("mapping superseded before it could begin")
			}
			continue
		}
		u.f.changed()
		if up.finished {
			if err := u.finish(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// parse leaves out what is malformed.
func (u *updates) parse(entries []redis.XMessage) []update {
	list := make([]update, 0, len(entries))
	for _, entry := range entries {
		u.f.counts.updates.Add(1)
		text, err := data(entry)
		var up update
		if err == nil {
			up, err = parseUpdate([]byte(text))
		}
		if err != nil {
			u.f.counts.malformedUpdates.Add(1)
			u.f.o.Log.WithError(err).WithField("entry", entry.ID).Warn("a malformed update of the controller is skipped")
			continue
		}
		list = append(list, up)
	}
	return list
}

// begin replaces the mapping. The state names the new one when the work of the
// old one has ended: workers that have seen the acknowledgement of all must not
// get another frame of the old mapping.
func (u *updates) begin(ctx context.Context, up update) error {
	if u.stopReading != nil {
		u.stopReading()
		u.stopReading = nil
	}
	m := Mapping{UUID: up.mapping, Active: u.f.ours(up.active), Parameters: u.parameters.values()}
	u.f.o.Log.WithFields(logrus.Fields{"mapping": m.UUID.String(), "streams": len(m.Active)}).Info("mapping begins")
	if err := u.f.o.Handler.Begin(ctx, m); err != nil {
		return fmt.Errorf("beginning mapping %s: %w", m.UUID, err)
	}
	u.mapping = m.UUID
	u.f.mu.Lock()
	u.f.mapping = m.UUID
	u.f.mu.Unlock()
	u.f.counts.mappings.Add(1)
	if len(m.Active) == 0 {
		return nil // no assignment would concern us
	}
	reading, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	u.stopReading = func() {
		cancel()
		<-ended
	}
	u.tasks.Go(func() error {
		defer close(ended)
		defer cancel()
		return u.f.readAssignments(reading, m)
	})
	return nil
}

// ours is the streams of the ingester that are among the active ones.
func (f *Follower) ours(active []string) []string {
	named := map[string]bool{}
	for _, s := range active {
		named[s] = true
	}
	list := []string{}
	for _, s := range f.o.Streams {
		if named[s] {
			list = append(list, s)
		}
	}
	return list
}
