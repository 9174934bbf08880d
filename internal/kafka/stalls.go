package kafka

import "time"

const (
	// stallCalm is after how long without one a stall is not counted as one of a
	// series.
	stallCalm = time.Hour
	// stallDoublings bounds how patient a series of stalls makes.
	stallDoublings = 5
)

// stalls is what a source remembers of them, over its clients.
type stalls struct {
	count  int
	series int
	last   time.Time
}

// add counts some that were found at once.
func (s *stalls) add(n int, now time.Time) {
	if now.Sub(s.last) > stallCalm {
		s.series = 0
	}
	s.count, s.series, s.last = s.count+n, s.series+1, now
}

// patience is how long to wait before the next: if what was done did not help,
// doing it more often will not either, and a message that takes long to fetch
// must be fetched some day.
func (s *stalls) patience(first time.Duration, now time.Time) time.Duration {
	if now.Sub(s.last) > stallCalm {
		return first
	}
	return first << min(s.series, stallDoublings)
}
