package main

import (
	"testing"
	"time"

	"ingestor/internal/fault"
)

func TestParseSince(t *testing.T) {
	zone := time.FixedZone("CET", 3600)
	now := time.Date(2026, 3, 14, 9, 0, 0, 0, zone)
	for text, want := range map[string]time.Time{
		"12h":                         now.Add(-12 * time.Hour),
		"1h30m":                       now.Add(-90 * time.Minute),
		"0s":                          now,
		"2d":                          time.Date(2026, 3, 12, 9, 0, 0, 0, zone),
		"2026-03-14":                  time.Date(2026, 3, 14, 0, 0, 0, 0, zone),
		"2026-03-13T23:30":            time.Date(2026, 3, 13, 23, 30, 0, 0, zone),
		"2026-03-13 23:30":            time.Date(2026, 3, 13, 23, 30, 0, 0, zone),
		"2026-03-13T23:30:05Z":        time.Date(2026, 3, 13, 23, 30, 5, 0, time.UTC),
		"2026-03-14T08:59:59.5+01:00": time.Date(2026, 3, 14, 8, 59, 59, 5e8, zone),
	} {
		if got, err := parseSince(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v, want %v, %v", text, got, want, err)
		}
	}
	for _, text := range []string{"", "yesterday", "12", "-1h", "-2d", "2026-13-01", "2026-03-15", "2026-03-14T09:00:01+01:00", "1e9d", "99999999999h"} {
		if got, err := parseSince(text, now); fault.KindOf(err) != fault.Usage {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}
