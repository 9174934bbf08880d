package main

import (
	"cmp"
	"context"
	"net"
	"net/url"
	"time"

	"ingestor/forwarder"
	"ingestor/internal/fault"
)

// redisPatience is how long Redis may take at the start without --wait.
const redisPatience = 4 * time.Second

const redisHint = "is forwarder.redis_dsn (--redis-url) right? With --wait it is waited for"

// redisState says whether the peers can see the ingester in Redis, and if not, why.
func redisState(s forwarder.Snapshot) (ok bool, why string) { return s.Redis.Ready, s.Redis.Reason }

func (t scrape) redis(m *metrics, s *forwarder.Snapshot) {
	r := &s.Redis
	t.put(m.redis, oneIf(r.Ready))
	t.put(m.lag, r.Lag.Seconds())
	t.put(m.reconnects, float64(r.Reconnects))
	t.put(m.published, float64(r.Published))
	t.put(m.publishFailures, float64(r.PublishFailures))
	t.put(m.mappings, float64(r.Mappings))
	t.put(m.updates, float64(r.Updates))
	t.put(m.badUpdates, float64(r.MalformedUpdates))
	t.put(m.assignments, float64(r.Assignments))
	t.put(m.badAssignments, float64(r.MalformedAssignments))
}

// reachable finds at once that there is no Redis at all, which is what goes wrong
// mostly.
func reachable(ctx context.Context, dsn string) error {
	u, err := url.Parse(dsn)
	if err != nil {
		return nil // the ingesters refuse it with better words
	}
	network, address := "tcp", net.JoinHostPort(cmp.Or(u.Hostname(), "localhost"), cmp.Or(u.Port(), "6379"))
	if u.Scheme == "unix" {
		network, address = "unix", u.Path
	}
	ctx, cancel := context.WithTimeout(ctx, redisPatience)
	defer cancel()
	var dialer net.Dialer
	connection, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return fault.Errorf(fault.Unavailable, "no Redis at %s: %w: %s", address, err, redisHint)
	}
	return connection.Close()
}

// redisAnswers fails when Redis can not be used at the start. Later outages are
// lived through; but whoever starts a program wants to know that it can work.
func redisAnswers(ctx context.Context, all []ingester) error {
	limit := time.NewTimer(redisPatience)
	defer limit.Stop()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		well, away := true, ""
		for _, i := range all {
			if ok, why := redisState(i.Snapshot()); !ok {
				well, away = false, why
			}
		}
		if well {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
		case <-limit.C:
			return fault.Errorf(fault.Unavailable, "Redis can not be used: %s: %s", away, redisHint)
		}
	}
}
