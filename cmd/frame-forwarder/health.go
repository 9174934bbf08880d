package main

import (
	"encoding/json"
	"net/http"
	"time"

	"ingestor/forwarder"
)

// healthReport is the answer of /health. Fields are only ever added.
type healthReport struct {
	OK        bool             `json:"ok"` // every ingester is well
	Ingesters []ingesterHealth `json:"ingesters"`
}

type ingesterHealth struct {
	Name  string `json:"name"`
	URL   string `json:"url"`
	OK    bool   `json:"ok"`
	Alive bool   `json:"alive"` // it has worked or waited within the last half minute
	Redis bool   `json:"redis"` // connected
	// RedisError is why not.
	RedisError string   `json:"redis_error,omitempty"`
	Mapping    *string  `json:"mapping"` // uuid of the scan
	Workers    []string `json:"workers"` // those that are connected
	// Waiting is what it waits for when it waits: assignment, upstream, workers, dump.
	Waiting        string         `json:"waiting"`
	Processed      uint64         `json:"processed_events"`
	Pending        int64          `json:"pending_events"`
	QueuedMessages int64          `json:"queued_messages"`
	QueuedBytes    int64          `json:"queued_bytes"`
	LastEvent      *time.Time     `json:"last_event"`
	Streams        []streamHealth `json:"streams"`
}

type streamHealth struct {
	Name   string `json:"name"`
	Source string `json:"source"`
	State  string `json:"state"`
	Events uint64 `json:"events"`
}

// health answers with what is known, without asking anybody.
func (w *watch) health(answer http.ResponseWriter, _ *http.Request) {
	report := healthReport{OK: true}
	now := time.Now()
	for n, i := range w.all {
		h := healthOf(i.Snapshot())
		h.Alive = w.alive(n, now)
		h.OK = h.Redis && h.Alive
		report.OK = report.OK && h.OK
		report.Ingesters = append(report.Ingesters, h)
	}
	answer.Header().Set("Content-Type", "application/json")
	if !report.OK {
		answer.WriteHeader(http.StatusServiceUnavailable)
	}
	// Whoever asked may be gone already.
	_ = json.NewEncoder(answer).Encode(report)
}

func healthOf(s forwarder.Snapshot) ingesterHealth {
	h := ingesterHealth{
		Name: s.Name, URL: s.URL, Workers: []string{}, Waiting: s.Waiting,
		Processed: s.Processed, Pending: s.Pending,
	}
	h.Redis, h.RedisError = redisState(s)
	if s.Mapping != "" {
		h.Mapping = &s.Mapping
	}
	if !s.LastEvent.IsZero() {
		h.LastEvent = &s.LastEvent
	}
	for _, w := range s.Connected {
		h.Workers = append(h.Workers, w.Name)
	}
	h.QueuedMessages, h.QueuedBytes = queued(&s)
	for _, st := range s.Streams {
		h.Streams = append(h.Streams, streamHealth{Name: st.Name, Source: st.Source, State: st.State, Events: st.Events})
	}
	return h
}
