package ledger

import (
	"slices"
	"testing"
	"time"

	"ingestor/internal/outcome"
)

// requests are the offsets of what is to be delivered, in order.
func requests(t *testing.T, l *Ledger) (offsets []int64, list []Request) {
	t.Helper()
	if err := l.Requests(t.Context(), func(r Request) bool { list = append(list, r); return true }); err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		e, known, err := l.Message(t.Context(), r.ID)
		if err != nil || !known || !e.Requested.Equal(r.At) {
			t.Fatalf("%v, %v: %+v", known, err, e)
		}
		offsets = append(offsets, e.Offset)
	}
	return offsets, list
}

func request(t *testing.T, l *Ledger, f MessageFilter, want int) {
	t.Helper()
	if n, err := l.RequestRetry(t.Context(), f); err != nil || n != want {
		t.Errorf("%d requested, want %d, %v", n, want, err)
	}
}

func TestRequestRetry_ChoosesDeadLetteredMessagesOnly(t *testing.T) {
	now := testTime
	fill := func(t *testing.T) *Ledger {
		now = testTime
		o := testOptions()
		o.Now = func() time.Time { return now }
		l, err := Open(t.Context(), t.TempDir(), o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		for i, o := range outcome.All() {
			n := at(int64(100 + i))
			n.JobID = "job-2"
			note(t, l, n, ended(n, o))
		}
		gone := ended(at(50), outcome.DeadLettered) // whose content is not kept
		gone.JobID = "job-2"
		note(t, l, gone, at(40))
		for i := range int64(3) {
			now = testTime.Add(time.Duration(i) * time.Hour)
			n := at(3 - i) // the oldest is given up last
			note(t, l, n, ended(n, outcome.DeadLettered))
		}
		return l
	}
	dead := int64(100 + slices.Index(outcome.All(), outcome.DeadLettered))
	for _, c := range []struct {
		name   string
		filter MessageFilter
		listed int
		want   []int64
	}{
		{"nothing chosen", MessageFilter{}, 0, nil},
		{"all", MessageFilter{All: true}, 5, []int64{1, 2, 3, dead}},
		{"a job, with several files", MessageFilter{JobID: "job-2"}, 3, []int64{2, dead}},
		{"a job in other letters", MessageFilter{JobID: "JOB-2"}, 0, nil},
		{"given up since", MessageFilter{Since: testTime.Add(time.Hour)}, 2, []int64{1, 2}},
		{"a job since", MessageFilter{JobID: "job-2", Since: testTime.Add(time.Hour)}, 1, []int64{2}},
		{"one that is not there", MessageFilter{ID: 1 << 40}, 0, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := fill(t)
			list, err := l.DeadLettered(t.Context(), c.filter)
			if err != nil || len(list) != c.listed {
				t.Errorf("%d listed, want %d, %v", len(list), c.listed, err)
			}
			for i, e := range list {
				if e.Value != nil || e.Key != nil || e.Headers != nil || e.Stderr != nil || e.Kept != (e.Offset != 50) || e.Outcome != "dead_lettered" ||
					i > 0 && e.Time.Before(list[i-1].Time) {
					t.Errorf("listed %+v", e)
				}
				if one, err := l.DeadLettered(t.Context(), MessageFilter{ID: e.ID}); err != nil || len(one) != 1 || one[0].Offset != e.Offset {
					t.Errorf("by its number: %+v, %v", one, err)
				}
			}
			request(t, l, c.filter, len(c.want))
			request(t, l, c.filter, 0) // what waits already is not asked for twice
			if got, _ := requests(t, l); !slices.Equal(got, c.want) {
				t.Errorf("requested %v, want %v", got, c.want)
			}
		})
	}
}

func TestRequestRetry_IsAnsweredByANoteWithAnOutcome(t *testing.T) {
	l := open(t, t.TempDir())
	n := at(1)
	dead := n
	dead.Outcome = "dead_lettered"
	note(t, l, dead)
	request(t, l, MessageFilter{All: true}, 1)
	_, before := requests(t, l)
	note(t, l, n) // an attempt that failed in passing
	if got, again := requests(t, l); len(got) != 1 || again[0] != before[0] {
		t.Errorf("after an attempt: %v", again)
	}
	dead.Error = "now it is this"
	note(t, l, dead)
	if got, _ := requests(t, l); len(got) != 0 {
		t.Errorf("after the end: %v", got)
	}
	if e := message(t, l, n); e.Error != "now it is this" || e.Outcome != "dead_lettered" || !e.Kept {
		t.Errorf("%+v", e)
	}
	// The clock of these tests stands still, and the request is another all the same.
	request(t, l, MessageFilter{All: true}, 1)
	if got, again := requests(t, l); len(got) != 1 || again[0].At.IsZero() {
		t.Errorf("asked again: %v", again)
	}
	note(t, l, ended(n, outcome.Existed))
	request(t, l, MessageFilter{All: true}, 0)
	if got, _ := requests(t, l); len(got) != 0 {
		t.Errorf("after a success: %v", got)
	}
}

func TestRequests_EndWhenNobodyWantsMore(t *testing.T) {
	l := open(t, t.TempDir())
	for i := range int64(5) {
		n := at(i)
		n.Outcome = "dead_lettered"
		note(t, l, n)
	}
	request(t, l, MessageFilter{All: true}, 5)
	seen := 0
	if err := l.Requests(t.Context(), func(Request) bool { seen++; return seen < 2 }); err != nil || seen != 2 {
		t.Errorf("%d, %v", seen, err)
	}
}
