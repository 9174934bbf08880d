package kafka

import (
	"errors"
	"time"
)

// brokerReport is what librdkafka tells of a broker in its statistics.
type brokerReport struct {
	// Source is "configured" (of bootstrap.servers), "learned" (from another
	// broker), or "logical" (a role, such as the coordinator of the group).
	Source string `json:"source"`
	State  string `json:"state"`
	RxIdle int64  `json:"rxidle"` // microseconds since the last answer, -1 for never
}

const (
	// cutOffReports is how many reports in a row must say so: 15 s.
	cutOffReports = 3
	// silentFor is after how long without any answer another client is tried,
	// whatever the reason. While the brokers are away that is no loss either.
	silentFor = 5 * time.Minute
)

var (
	errCutOff = errors.New("the client knows no broker any more, and would never find one again")
	errSilent = errors.New("no broker has answered for " + silentFor.String())
)

// cutOff finds out that a client has lost all its brokers for ever. It happens to
// librdkafka (2.10 and later) where the last broker that it is connected to shuts
// down, leaves itself out of its last answer, and the connection ends before the
// answer is looked at: the client forgets the broker and that it has to begin with
// bootstrap.servers again.
type cutOff struct{ reports int }

// told takes a report and says whether that is so.
func (c *cutOff) told(brokers map[string]brokerReport) bool {
	c.reports++
	for _, b := range brokers {
		if b.Source != "logical" && b.Source != "internal" {
			c.reports = 0
		}
	}
	return c.reports >= cutOffReports
}
