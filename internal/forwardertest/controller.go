package forwardertest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

// Keys of the contract.
const (
	KeyUpdates = "dranspose:controller:updates"
)

// KeyConfig is where the forwarder of that name registers.
func KeyConfig(name string) string { return "dranspose:ingester:" + name + ":config" }

// KeyAssigned is the stream of assignments of a mapping.
func KeyAssigned(mapping uuid.UUID) string { return "dranspose:assigned:" + mapping.String() }

// KeyReady is the stream of answers of a mapping.
func KeyReady(mapping uuid.UUID) string { return "dranspose:ready:" + mapping.String() }

// KeyParameter is the value of one version of a parameter.
func KeyParameter(name string, version uuid.UUID) string {
	return "dranspose:parameters:" + name + ":" + version.String()
}

// Update is a ControllerUpdate.
type Update struct {
	Mapping    uuid.UUID            `json:"mapping_uuid"`
	Parameters map[string]uuid.UUID `json:"parameters_version"`
	Hash       *string              `json:"target_parameters_hash"`
	Active     []string             `json:"active_streams"`
	Finished   bool                 `json:"finished"`
}

// command is the update as it goes into the stream.
func (u Update) command(t testing.TB) []string {
	if u.Parameters == nil {
		u.Parameters = map[string]uuid.UUID{}
	}
	if u.Active == nil {
		u.Active = []string{}
	}
	b, err := json.Marshal(u)
	if err != nil {
		t.Fatal(err)
	}
	return []string{"XADD", KeyUpdates, "*", "data", string(b)}
}

// Event is one work assignment: who gets the frame of which stream.
type Event struct {
	Number      uint64              `json:"event_number"`
	Assignments map[string][]string `json:"assignments"`
}

// Scan is the usual trigger map of one stream: the first and the last of its
// events go to all workers, those between to one after the other.
func Scan(stream string, events int, workers ...string) []Event {
	list := make([]Event, events)
	for i := range list {
		to := []string{workers[i%len(workers)]}
		if i == 0 || i == events-1 {
			to = workers
		}
		list[i] = Event{Number: uint64(i), Assignments: map[string][]string{stream: to}}
	}
	return list
}

// Expected is the event numbers that one worker gets of a map.
func Expected(events []Event, worker string) []uint64 {
	var list []uint64
	for _, e := range events {
		found := false
		for _, to := range e.Assignments {
			for _, w := range to {
				found = found || w == worker
			}
		}
		if found {
			list = append(list, e.Number)
		}
	}
	return list
}

// Config is the state that a forwarder publishes.
type Config struct {
	ServiceUUID    uuid.UUID                  `json:"service_uuid"`
	Mapping        *uuid.UUID                 `json:"mapping_uuid"`
	Version        *string                    `json:"dranspose_version"`
	ParametersHash *string                    `json:"parameters_hash"`
	Processed      int                        `json:"processed_events"`
	Rate           float64                    `json:"event_rate"`
	Name           string                     `json:"name"`
	URL            string                     `json:"url"`
	Workers        map[string]ConnectedWorker `json:"connected_workers"`
	Streams        []string                   `json:"streams"`
	// Raw is the value as it was read.
	Raw string `json:"-"`
}

// ConnectedWorker is a worker as the forwarder saw it.
type ConnectedWorker struct {
	Name        string    `json:"name"`
	ServiceUUID uuid.UUID `json:"service_uuid"`
	LastSeen    float64   `json:"last_seen"`
}

// Controller does the controller's part in Redis.
type Controller struct {
	*Redis
	t testing.TB
}

// NewController makes a controller on the Redis server at host:port.
func NewController(t testing.TB, addr string) *Controller {
	c := &Controller{NewRedis(addr), t}
	t.Cleanup(c.Close)
	return c
}

// Must is Do without an error.
func (c *Controller) Must(args ...string) any {
	c.t.Helper()
	v, err := c.Do(args...)
	if err != nil {
		c.t.Fatalf("%s: %v", strings.Join(args[:min(2, len(args))], " "), err)
	}
	return v
}

// Update sends updates; several become visible at once.
func (c *Controller) Update(updates ...Update) {
	c.t.Helper()
	commands := make([][]string, len(updates))
	for i, u := range updates {
		commands[i] = u.command(c.t)
	}
	if err := c.Transaction(commands...); err != nil {
		c.t.Fatal(err)
	}
}

// Assign writes assignments, batch of them to an entry.
func (c *Controller) Assign(mapping uuid.UUID, events []Event, batch int) {
	c.t.Helper()
	for len(events) > 0 {
		n := min(batch, len(events))
		b, err := json.Marshal(events[:n])
		if err != nil {
			c.t.Fatal(err)
		}
		c.Must("XADD", KeyAssigned(mapping), "*", "data", string(b))
		events = events[n:]
	}
}

// Config reads what the forwarder publishes; false when it does not.
func (c *Controller) Config(name string) (Config, bool) {
	v, err := c.Do("GET", KeyConfig(name))
	raw, ok := v.(string)
	if err != nil || !ok {
		return Config{}, false
	}
	var cfg Config
	if err := json.Unmarshal([]byte(raw), &cfg); err != nil {
		c.t.Errorf("config of %s: %v: %s", name, err, raw)
		return Config{}, false
	}
	cfg.Raw = raw
	return cfg, true
}

// AwaitConfig waits for a config that pleases.
func (c *Controller) AwaitConfig(name, what string, pleases func(Config) bool) Config {
	c.t.Helper()
	return c.AwaitConfigWithin(Patience, name, what, pleases)
}

// AwaitConfigWithin is AwaitConfig with another limit.
func (c *Controller) AwaitConfigWithin(limit time.Duration, name, what string, pleases func(Config) bool) Config {
	c.t.Helper()
	var last Config
	ok := Within(limit, func() bool {
		cfg, there := c.Config(name)
		if there {
			last = cfg
		}
		return there && pleases(cfg)
	})
	if !ok {
		c.t.Fatalf("config of %s not within %s: %s; it is %s", name, limit, what, last.Raw)
	}
	return last
}

// Map sets a mapping as the controller does: the update, the acknowledgement,
// then the assignments.
func (c *Controller) Map(name string, mapping uuid.UUID, active []string, events []Event) {
	c.t.Helper()
	c.Update(Update{Mapping: mapping, Active: active})
	c.AwaitMapping(name, mapping)
	c.Assign(mapping, events, 1000)
}

// AwaitMapping waits until the forwarder acknowledges a mapping.
func (c *Controller) AwaitMapping(name string, mapping uuid.UUID) {
	c.t.Helper()
	c.AwaitConfig(name, "mapping "+mapping.String(), func(cfg Config) bool {
		return cfg.Mapping != nil && *cfg.Mapping == mapping
	})
}

// AwaitWorkers waits until the forwarder lists exactly these workers.
func (c *Controller) AwaitWorkers(name string, workers ...*Worker) {
	c.t.Helper()
	c.AwaitConfig(name, fmt.Sprintf("%d workers", len(workers)), func(cfg Config) bool {
		if len(cfg.Workers) != len(workers) {
			return false
		}
		for _, w := range workers {
			if cfg.Workers[w.UUID().String()].Name != w.Name() {
				return false
			}
		}
		return true
	})
}

// Stream reads the data of all entries of a stream.
func (c *Controller) Stream(key string) []string {
	c.t.Helper()
	list, _ := c.Must("XRANGE", key, "-", "+").([]any)
	var data []string
	for _, entry := range list {
		fields := entry.([]any)[1].([]any)
		for i := 0; i+1 < len(fields); i += 2 {
			if fields[i] == "data" {
				data = append(data, fields[i+1].(string))
			}
		}
	}
	return data
}
