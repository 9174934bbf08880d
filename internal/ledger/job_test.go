package ledger

import (
	"reflect"
	"testing"
	"time"
)

// wantJob compares without regard to zones.
func wantJob(t *testing.T, got, want JobState) {
	t.Helper()
	for _, j := range []*JobState{&got, &want} {
		for _, at := range []*time.Time{&j.Mark.Time, &j.ScannedAt, &j.LastRun, &j.LastGood} {
			*at = at.UTC()
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}
