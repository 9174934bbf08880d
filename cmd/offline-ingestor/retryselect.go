package main

import (
	"strconv"
	"strings"
	"time"

	"ingestor/internal/fault"
	"ingestor/internal/ledger"
)

// selection is which messages the command line chooses.
type selection struct {
	all        bool
	job, since string
}

// filter checks the selection. Nothing chosen is all of them only where they are
// just looked at.
func (s selection) filter(look bool) (ledger.MessageFilter, error) {
	f := ledger.MessageFilter{All: s.all, JobID: s.job}
	switch {
	case s.all && (s.job != "" || s.since != ""):
		return f, fault.Errorf(fault.Usage, "--all leaves nothing to choose: give it alone, or --job ID, --since TIME, or both")
	case s.since != "":
		var err error
		if f.Since, err = parseSince(s.since, time.Now()); err != nil {
			return f, err
		}
	case !s.all && s.job == "" && !look:
		return f, fault.Errorf(fault.Usage, "which messages? Give --all, --job ID, --since TIME, or --list to see them")
	case !s.all && s.job == "":
		f.All = true
	}
	return f, nil
}

// words says what was chosen, in a sentence about messages.
func (s selection) words() string {
	text := ""
	if s.job != "" {
		text += " of job " + strconv.Quote(s.job)
	}
	if s.since != "" {
		text += " given up since " + s.since
	}
	return text
}

// layouts are the points in time that --since takes; without a zone they are
// local.
var layouts = []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly}

// parseSince is a point in time, or a duration back from now.
func parseSince(text string, now time.Time) (time.Time, error) {
	for _, layout := range layouts {
		if t, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			if t.After(now) {
				return t, fault.Errorf(fault.Usage, "--since %s: that is in the future, it is %s now", text, now.Format(time.RFC3339))
			}
			return t, nil
		}
	}
	if days, found := strings.CutSuffix(text, "d"); found {
		if n, err := strconv.ParseUint(days, 10, 15); err == nil {
			return now.AddDate(0, 0, -int(n)), nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	return time.Time{}, fault.Errorf(fault.Usage, "--since %q is no time: give 12h or 2d (back from now), 2026-03-14, or 2026-03-14T09:30:00+01:00", text)
}
