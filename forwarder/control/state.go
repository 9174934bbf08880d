package control

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// ingesterState is the value of the state's key: exactly the peers' fields, in
// their order.
type ingesterState struct {
	ServiceUUID      uuid.UUID                     `json:"service_uuid"`
	MappingUUID      *uuid.UUID                    `json:"mapping_uuid"`
	DransposeVersion string                        `json:"dranspose_version"`
	MapreduceVersion json.RawMessage               `json:"mapreduce_version"`
	ParametersHash   *string                       `json:"parameters_hash"`
	ProcessedEvents  uint64                        `json:"processed_events"`
	EventRate        float                         `json:"event_rate"`
	Name             string                        `json:"name"`
	URL              string                        `json:"url"`
	ConnectedWorkers map[uuid.UUID]connectedWorker `json:"connected_workers"`
	Streams          []string                      `json:"streams"`
}

type connectedWorker struct {
	Name        string    `json:"name"`
	ServiceUUID uuid.UUID `json:"service_uuid"`
	LastSeen    float     `json:"last_seen"`
}

// float is written as the peers do: also a whole number has a fraction, so that
// readers with types see a float.
type float float64

// MarshalJSON writes the shortest text that reads back as the same number.
func (f float) MarshalJSON() ([]byte, error) {
	s := strconv.FormatFloat(float64(f), 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return []byte(s), nil
}

// encode is the state as JSON.
func (s ingesterState) encode() ([]byte, error) {
	b, err := compact(s)
	if err != nil {
		return nil, fmt.Errorf("state of the ingester: %w", err)
	}
	return b, nil
}

// compact is v as JSON the way the peers write it, without Go's escapes for HTML.
func compact(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// state is what is published now.
func (f *Follower) state() ingesterState {
	s := ingesterState{
		ServiceUUID: f.service, DransposeVersion: f.o.Version, MapreduceVersion: f.o.BuildMeta,
		ProcessedEvents: f.o.Stats.Processed(), EventRate: float(f.rate.value),
		Name: f.o.Name, URL: f.o.URL, Streams: f.o.Streams,
		ConnectedWorkers: map[uuid.UUID]connectedWorker{},
	}
	for _, w := range f.o.Stats.Workers() {
		s.ConnectedWorkers[w.UUID] = connectedWorker{
			Name: w.Name, ServiceUUID: w.UUID, LastSeen: float(float64(w.LastSeen.UnixMicro()) / 1e6),
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.mapping != uuid.Nil {
		m := f.mapping
		s.MappingUUID = &m
	}
	if f.hash != "" {
		h := f.hash
		s.ParametersHash = &h
	}
	return s
}

// rate counts events by the second. It is for the publishing goroutine.
type rate struct {
	value float64
	since time.Time
	from  uint64
}

// update recomputes the rate when about a second has passed; ticks are not
// exact to the microsecond.
func (r *rate) update(now time.Time, processed uint64) {
	elapsed := now.Sub(r.since)
	if r.since.IsZero() {
		r.since, r.from = now, processed
		return
	}
	if elapsed < 900*time.Millisecond {
		return
	}
	r.value = float64(processed-r.from) / elapsed.Seconds()
	r.since, r.from = now, processed
}
