package scicattest

import (
	"maps"
	"net/http"
	"slices"
	"time"
)

// Request is a request that was made, whether it was answered or not.
type Request struct {
	Time   time.Time
	Method string
	// Target is path and query as they were sent.
	Target string
	Header http.Header
	// Body is its beginning, decompressed, at most 1 MiB.
	Body []byte
	// Status is what was answered; 0 when the connection was cut.
	Status int
	Run    int
}

// record keeps a request and picks the fault that applies to it.
func (s *Server) record(r *http.Request, body []byte) (*Fault, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	target := r.URL.RequestURI()
	if !s.opt.ForgetRequests {
		s.requests = append(s.requests, Request{
			Time: s.opt.Now(), Method: r.Method, Target: target, Header: r.Header.Clone(),
			Body: slices.Clone(body[:min(len(body), keptBody)]), Run: s.run,
		})
	}
	for _, f := range s.faults {
		if f.fits(r.Method, target, s.run) {
			picked := f.Fault
			return &picked, len(s.requests) - 1
		}
	}
	return nil, len(s.requests) - 1
}

func (s *Server) note(n, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n >= 0 && n < len(s.requests) {
		s.requests[n].Status = status
	}
}

// Requests are all requests to the API so far.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// ClearRequests forgets the requests so far.
func (s *Server) ClearRequests() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = nil
}

// Datasets are the stored datasets as an administrator reads them, in the order
// of their creation.
func (s *Server) Datasets() []Document {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Document, len(s.datasets.all))
	for i, d := range s.datasets.all {
		out[i] = deepCopy(datasetView(d)).(Document)
	}
	return out
}

// Dataset is one of them.
func (s *Server) Dataset(pid string) (Document, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.dataset(pid)
	if d == nil {
		return nil, false
	}
	return deepCopy(datasetView(d)).(Document), true
}

// Datablocks are the datablocks of a dataset, or all for an empty pid.
func (s *Server) Datablocks(pid string) []Document {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Document
	for _, b := range s.datablocks.all {
		if pid == "" || b["datasetId"] == pid {
			out = append(out, deepCopy(b).(Document))
		}
	}
	return out
}

// deepCopy copies a JSON value, with dates as the texts they are shown as.
func deepCopy(v any) any {
	switch v := v.(type) {
	case Document:
		out := maps.Clone(v)
		for k, item := range out {
			out[k] = deepCopy(item)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = deepCopy(item)
		}
		return out
	case date:
		return stamp(time.Time(v))
	}
	return v
}
