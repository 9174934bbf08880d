package scicattest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"time"
)

// AddProposal stores a proposal; it needs a proposalId. Like the other methods
// of this kind it asks for no permission and validates nothing.
func (s *Server) AddProposal(d Document) error {
	return s.add(d, "proposalId", func(d Document) { s.addProposal(d, "system") })
}

// AddInstrument stores an instrument; it needs a name. A pid is kept.
func (s *Server) AddInstrument(d Document) error {
	return s.add(d, "name", func(d Document) { s.addInstrument(d, "system") })
}

// AddSample stores a sample; it needs a sampleId.
func (s *Server) AddSample(d Document) error {
	return s.add(d, "sampleId", func(d Document) { s.addSample(d, "system") })
}

// AddDataset stores a dataset; it needs a pid.
func (s *Server) AddDataset(d Document) error {
	return s.add(d, "pid", func(d Document) {
		s.datasets.add(s.newDataset(d, &account{User: User{Name: "system"}}))
	})
}

// AddDatablock stores a datablock of a dataset that is there.
func (s *Server) AddDatablock(d Document) error {
	var missing error
	err := s.add(d, "datasetId", func(b Document) {
		owner := s.dataset(scriptText(b["datasetId"]))
		if owner == nil {
			missing = fmt.Errorf("catalogue in memory: there is no dataset %s", scriptText(b["datasetId"]))
			return
		}
		s.addDatablock(owner, b, "system")
	})
	return errors.Join(err, missing)
}

func (s *Server) add(d Document, key string, store func(Document)) error {
	// Through JSON, so that Go numbers and slices become what requests have.
	text, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("catalogue in memory: %w", err)
	}
	var plain Document
	if err := decodeJSON(text, &plain); err != nil {
		return fmt.Errorf("catalogue in memory: %w", err)
	}
	if plain[key] == nil {
		return fmt.Errorf("catalogue in memory: the document has no %s", key)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	store(plain)
	return nil
}

// deepCopyKeepingDates copies an object for the store itself.
func deepCopyKeepingDates(d Document) Document {
	out := maps.Clone(d)
	for k, v := range out {
		switch v := v.(type) {
		case Document:
			out[k] = deepCopyKeepingDates(v)
		case []any:
			list := make([]any, len(v))
			for i, item := range v {
				if o, isObject := item.(Document); isObject {
					item = deepCopyKeepingDates(o)
				}
				list[i] = item
			}
			out[k] = list
		}
	}
	return out
}

func timeOf(d date) time.Time { return time.Time(d) }

// wholeNumber is a number that is shown without an exponent.
func wholeNumber(f float64) json.Number {
	return json.Number(strconv.FormatFloat(f, 'f', -1, 64))
}
