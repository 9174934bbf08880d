package control

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sirupsen/logrus"
)

const (
	// assignmentsLimit is how long a read may take in all; replies are large.
	assignmentsLimit = blockFor + 9*time.Second
	// replyBytes is the size of a reply that is aimed at: entries hold from one
	// assignment to tens of thousands of them.
	replyBytes = 4 << 20
	// firstCount and mostEntries are how many entries are asked for at first
	// and at most.
	firstCount, mostEntries = 16, 4096
)

// assigned is the reading of one mapping's assignments.
type assigned struct {
	f    *Follower
	key  string
	link *link
	dec  *decoder
	// last is the id of the last entry read, seen how many were.
	last string
	seen int64
	// failed says that the connection broke since the last read.
	failed bool
	// buffer holds the text of one entry.
	buffer []byte
}

// readAssignments hands the assignments of a mapping to the handler, until ctx
// ends or an entry is malformed: what follows such an entry can not be matched
// with frames. It returns the error of the handler; nil when ctx ends.
func (f *Follower) readAssignments(ctx context.Context, m Mapping) error {
	a := &assigned{f: f, key: assignedKey(m.UUID), link: f.newLink("assignments"), dec: newDecoder(m.Active), last: beginning}
	defer context.AfterFunc(ctx, a.link.close)()
	defer a.link.close()
	defer f.pendingSince.Store(0)
	count, idle, doubtful := int64(firstCount), 0, false
	for {
		var entries []redis.XMessage
		if a.link.retry(ctx, assignmentsLimit, func(ctx context.Context, c *redis.Client) (err error) {
			if doubtful || a.failed {
				if err := a.verify(ctx, c); err != nil {
					return err
				}
			}
			entries, err = readStream(ctx, c, a.key, a.last, count)
			a.failed = err != nil
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
		f.pendingSince.Store(int64(parseID(entries[0].ID).ms))
		size, malformed := a.decode(entries)
		count = min(max(replyBytes*int64(len(entries))/max(1, size), 1), mostEntries)
		b, read, repeated := a.dec.take()
		f.counts.assignments.Add(read)
		f.counts.repeated.Add(repeated)
		if repeated > 0 {
			f.o.Log.WithFields(logrus.Fields{"mapping": m.UUID.String(), "events": repeated}).
				Warn("assignments were repeated; left out")
		}
		if len(b.Events) > 0 {
			if err := f.o.Handler.Assign(ctx, m.UUID, b); err != nil {
				if ctx.Err() != nil {
					return nil
				}
				return fmt.Errorf("assignments of mapping %s: %w", m.UUID, err)
			}
		}
		f.pendingSince.Store(0)
		if malformed != nil {
			f.counts.malformedAssignments.Add(1)
			f.o.Log.WithError(malformed).WithFields(logrus.Fields{"mapping": m.UUID.String(), "entry": a.last}).
				Error("malformed assignments: nothing more is delivered in this mapping")
			return nil
		}
	}
}

// decode adds entries up to the first malformed one, whose error it returns,
// and counts their bytes.
func (a *assigned) decode(entries []redis.XMessage) (size int64, err error) {
	for _, entry := range entries {
		a.last = entry.ID
		a.seen++
		a.f.counts.entries.Add(1)
		text, err := data(entry)
		if err != nil {
			return size, err
		}
		size += int64(len(text))
		a.buffer = append(a.buffer[:0], text...)
		if err := a.dec.add(a.buffer); err != nil {
			return size, err
		}
	}
	return size, nil
}

// verify finds out whether the stream is the one that was read: one that has
// fewer entries, or not the last one read, is another. That is read from its
// beginning; event numbers that were handed over are left out anyway. Only
// after a failure the last entry is looked for: it may be large.
func (a *assigned) verify(ctx context.Context, c *redis.Client) error {
	if a.last == beginning {
		return nil
	}
	n, err := c.XLen(ctx, a.key).Result()
	if err != nil {
		return fmt.Errorf("length of %s: %w", a.key, err)
	}
	same := n >= a.seen
	if same && a.failed {
		here, err := c.XRangeN(ctx, a.key, a.last, a.last, 1).Result()
		if err != nil {
			return fmt.Errorf("entry %s of %s: %w", a.last, a.key, err)
		}
		same = len(here) > 0
	}
	if !same {
		a.last, a.seen = beginning, 0
	}
	return nil
}
