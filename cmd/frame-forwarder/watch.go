package main

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"ingestor/forwarder"
)

const (
	watchEvery = time.Second
	rateEvery  = 10 * time.Second
	// stuckAfter is how long an ingester may show no sign of life: even an idle one
	// counts its waiting, about every second.
	stuckAfter = 30 * time.Second
)

// watch looks at the ingesters once a second: for the service manager, for the
// log's line about rates, and to know whether they are alive.
type watch struct {
	all  []ingester
	tell *teller
	log  logrus.FieldLogger
	rate time.Time // when rates were looked at last

	mu     sync.Mutex // health reads pulses from other goroutines
	pulses []pulse    // of each ingester
}

// pulse is what an ingester had done when it was looked at.
type pulse struct {
	sign   float64
	at     time.Time
	totals totals // at the last look at rates
}

// totals are the counts that rates are made of.
type totals struct{ frames, bytes, events, discarded, dropped uint64 }

func newWatch(all []ingester, tell *teller, log logrus.FieldLogger) *watch {
	now := time.Now()
	w := &watch{all: all, tell: tell, log: log, rate: now, pulses: make([]pulse, len(all))}
	for n := range w.pulses {
		w.pulses[n] = pulse{sign: math.NaN(), at: now}
	}
	return w
}

// run looks until ctx ends. When serving ends the ingesters are stopping.
func (w *watch) run(ctx, serving context.Context) {
	every := time.NewTicker(watchEvery)
	defer every.Stop()
	stopping := serving.Done()
	for {
		select {
		case <-ctx.Done():
			return
		case <-stopping:
			stopping = nil
			w.tell.stopping()
		case now := <-every.C:
			w.look(now, serving.Err() != nil)
		}
	}
}

func (w *watch) look(now time.Time, stopping bool) {
	snapshots := make([]forwarder.Snapshot, len(w.all))
	ready := true
	for n, i := range w.all {
		snapshots[n] = i.Snapshot()
		if ok, _ := redisState(snapshots[n]); !ok || !isClosed(i.Ready()) {
			ready = false
		}
	}
	alive := w.beat(now, snapshots)
	w.tell.tell(now, alive, ready, statusLine(snapshots, stopping))
	if past := now.Sub(w.rate); past >= rateEvery {
		w.rate = now
		for n := range snapshots {
			w.rates(&w.pulses[n], &snapshots[n], past)
		}
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// beat notes who has moved since the last look, and says whether all are alive.
func (w *watch) beat(now time.Time, snapshots []forwarder.Snapshot) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := true
	for n := range snapshots {
		p := &w.pulses[n]
		if s := sign(&snapshots[n]); s != p.sign {
			p.sign, p.at = s, now
		}
		all = all && now.Sub(p.at) < stuckAfter
	}
	return all
}

// alive says whether ingester n has shown a sign of life lately.
func (w *watch) alive(n int, now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return now.Sub(w.pulses[n].at) < stuckAfter
}

// sign changes whenever the ingester works or waits.
func sign(s *forwarder.Snapshot) float64 {
	sum := float64(s.Processed)
	for _, d := range s.Waits {
		sum += d.Seconds()
	}
	return sum
}

func total(s *forwarder.Snapshot) totals {
	t := totals{events: s.Processed}
	for _, st := range s.Streams {
		t.frames += st.Frames
		t.bytes += st.Bytes
		for _, n := range st.Discards {
			t.discarded += n
		}
	}
	for _, w := range s.Workers {
		t.dropped += w.Dropped
	}
	return t
}

// rates writes the line about the last seconds, if any frame moved in them.
func (w *watch) rates(p *pulse, s *forwarder.Snapshot, past time.Duration) {
	now, before := total(s), p.totals
	p.totals = now
	if now.frames == before.frames && now.events == before.events {
		return
	}
	messages, bytes := queued(s)
	w.log.WithFields(logrus.Fields{
		"ingester":     s.Name,
		"events":       now.events - before.events,
		"frames_per_s": perSecond(now.frames-before.frames, past, 1),
		"MB_per_s":     perSecond(now.bytes-before.bytes, past, 1e6),
		"workers":      len(s.Connected), "queued_messages": messages, "queued_bytes": bytes,
		"discarded": now.discarded - before.discarded, "dropped": now.dropped - before.dropped,
	}).Info("Forwarding")
}

func perSecond(n uint64, past time.Duration, unit float64) string {
	return fmt.Sprintf("%.1f", float64(n)/past.Seconds()/unit)
}

// queued is what waits for workers.
func queued(s *forwarder.Snapshot) (messages, bytes int64) {
	for _, w := range s.Workers {
		messages += w.QueuedMessages
		bytes += w.QueuedBytes
	}
	return messages, bytes
}

// statusLine is one line for an operator, of `systemctl status`.
func statusLine(all []forwarder.Snapshot, stopping bool) string {
	var parts []string
	if stopping {
		parts = append(parts, "stopping")
	}
	for i := range all {
		s := &all[i]
		part := fmt.Sprintf("%s: %d events, %d workers, waits for %s", s.Name, s.Processed, len(s.Connected), s.Waiting)
		if ok, why := redisState(*s); !ok {
			part += ", without Redis (" + strings.ReplaceAll(why, "\n", " ") + ")"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "; ")
}
