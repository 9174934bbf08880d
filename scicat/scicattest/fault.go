package scicattest

import (
	"fmt"
	"regexp"
	"time"
)

// Cut says when the connection is closed under the client.
type Cut int

// The moments of a cut.
const (
	// Never: the answer is sent.
	Never Cut = iota
	// Before: the request is not carried out.
	Before
	// After: the request is carried out, and nothing is answered.
	After
	// During: it is carried out, and half of the answer's body is sent.
	During
)

// Fault makes requests fail. The first fault that fits a request applies, and
// each counts the requests that fit it.
type Fault struct {
	// Method is one method; empty is any.
	Method string
	// PathPattern is a regular expression, searched in escaped path and query.
	PathPattern string
	// Skip lets the first ones pass, Times limits how often the fault applies
	// (0 is always), Nth is short for the nth one alone.
	Skip, Times, Nth int
	// Run restricts the fault to one run, see SetRun; 0 is any.
	Run int
	// Delay passes before anything is done.
	Delay time.Duration
	// Status is answered in place of the real answer, with Body as it is; 0
	// leaves the answer alone.
	Status  int
	Body    string
	Headers map[string]string
	// Acted carries the request out although Status is answered.
	Acted bool
	Cut   Cut
}

type activeFault struct {
	Fault
	pattern *regexp.Regexp
	seen    int
}

// AddFault adds a fault after those that are there.
func (s *Server) AddFault(f Fault) error {
	pattern, err := regexp.Compile(f.PathPattern)
	if err != nil {
		return fmt.Errorf("catalogue in memory: fault: %w", err)
	}
	if f.Nth > 0 {
		f.Skip, f.Times = f.Nth-1, 1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &activeFault{Fault: f, pattern: pattern})
	return nil
}

// ClearFaults removes all faults.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// SetRun begins another run, for faults that belong to one. The first is 1.
func (s *Server) SetRun(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.run = n
}

// fits counts a request and says whether the fault applies to it.
func (f *activeFault) fits(method, target string, run int) bool {
	if f.Method != "" && f.Method != method || f.Run != 0 && f.Run != run || !f.pattern.MatchString(target) {
		return false
	}
	f.seen++
	return f.seen > f.Skip && (f.Times == 0 || f.seen <= f.Skip+f.Times)
}

// acts says whether the request is carried out.
func (f *Fault) acts() bool {
	switch f.Cut {
	case Before:
		return false
	case After, During:
		return true
	}
	return f.Status == 0 || f.Acted
}

// wait passes the delay; false means that the server is being closed. It does
// not end with the client, because a real server does not notice either.
func (f *Fault) wait(closed <-chan struct{}) bool {
	if f.Delay <= 0 {
		return true
	}
	t := time.NewTimer(f.Delay)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-closed:
		return false
	}
}
