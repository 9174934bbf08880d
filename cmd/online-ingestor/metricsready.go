package main

import (
	"encoding/json"
	"net/http"
	"time"

	"ingestor/internal/outcome"
	"ingestor/online"
)

// loopPatience is how old the last word of the daemon's loop may be: it speaks
// about once a second.
const loopPatience = 30 * time.Second

// readiness is the answer of GET /ready. Fields are only ever added.
type readiness struct {
	Ready bool `json:"ready"` // messages are taken in, as far as there is room
	// Reason is why not: a source, the loop, or that it stops. Holds say the rest.
	Reason    string                    `json:"reason,omitempty"`
	Holds     []holdReport              `json:"holds"`
	Ledger    string                    `json:"ledger"` // ok, none, or what is wrong
	Delivered int64                     `json:"delivered"`
	Returned  int64                     `json:"returned"`
	Outcomes  map[outcome.Outcome]int64 `json:"outcomes"`
	Running   int                       `json:"running"`
	Waiting   int                       `json:"waiting"`
	Postponed int                       `json:"postponed"`
	Ending    int                       `json:"ending"`
}

type holdReport struct {
	Hold  online.Hold `json:"hold"`
	Since time.Time   `json:"since"`
}

// ready answers with what the daemon said last: 200 when it takes messages in, 503
// with who holds it and since when. A full pool is no reason to be not ready.
func (m *metrics) ready(answer http.ResponseWriter, _ *http.Request) {
	s, observed, _ := m.now()
	r := readinessOf(&s)
	switch age := time.Since(observed); {
	case observed.IsZero():
		r.Ready, r.Reason = false, "starting"
	case age > loopPatience:
		r.Ready, r.Reason = false, "the main loop has not moved for "+age.Truncate(time.Second).String()
	}
	answer.Header().Set("Content-Type", "application/json")
	answer.Header().Set("Cache-Control", "no-store")
	if !r.Ready {
		answer.WriteHeader(http.StatusServiceUnavailable)
	}
	// Whoever asked may be gone already.
	_ = json.NewEncoder(answer).Encode(r)
}

func readinessOf(s *online.Status) readiness {
	r := readiness{
		Ready: s.NotReady == nil && !s.Stopping, Holds: []holdReport{}, Ledger: "ok",
		Delivered: s.Messages, Returned: s.Returned, Outcomes: s.Outcomes,
		Running: s.Running, Waiting: s.Waiting, Postponed: s.Postponed, Ending: s.Ending,
	}
	switch {
	case s.WithoutLedger:
		r.Ledger = "none"
	case s.Ledger != nil:
		r.Ledger = oneLine(s.Ledger.Error())
	}
	switch {
	case s.Stopping:
		r.Reason = "stopping"
	case s.NotReady != nil:
		r.Reason = oneLine(s.NotReady.Error())
	}
	for _, h := range s.Holds {
		r.Holds = append(r.Holds, holdReport{h.Hold, h.Since})
		r.Ready = r.Ready && h.Hold == online.HoldPoolFull
	}
	return r
}
