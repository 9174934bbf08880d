package ledger

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"ingestor/internal/intake"
	"ingestor/internal/outcome"
)

func note(t *testing.T, l *Ledger, notes ...MessageNote) {
	t.Helper()
	if err := l.NoteMessages(t.Context(), notes); err != nil {
		t.Fatal(err)
	}
}

// message is what is known of the message of a note.
func message(t *testing.T, l *Ledger, n MessageNote) MessageEntry {
	t.Helper()
	list, err := l.messages(t.Context(), content,
		" WHERE deployment = ? AND source = ? AND topic = ? AND partition = ? AND offset = ? AND time = ?", l.deployment, n.Source, n.Topic, n.Partition, n.Offset, stamp(n.Time))
	if err != nil || len(list) != 1 {
		t.Fatalf("%d entries of %s/%d/%d, %v", len(list), n.Topic, n.Partition, n.Offset, err)
	}
	e := list[0]
	e.Time = n.Time // its zone may differ
	return e
}

// at is a message that is tried for the first time.
func at(offset int64) MessageNote {
	return MessageNote{
		Source: "kafka", Topic: "done", Offset: offset, Time: testTime.Add(time.Duration(offset) * time.Second),
		JobID: fmt.Sprint("job-", offset), File: fmt.Sprintf("/data/%d.hdf", offset), Attempts: 1,
		Error: "busy", Class: "transient", Exit: 75, Stderr: []byte("locked"),
		Key: []byte("k"), Value: []byte("v"), Headers: []intake.Header{{Key: "h", Value: []byte("x")}},
	}
}

// ended is a note of how a message ended.
func ended(n MessageNote, o outcome.Outcome) MessageNote {
	return MessageNote{Source: n.Source, Topic: n.Topic, Partition: n.Partition, Offset: n.Offset, Time: n.Time, Outcome: string(o), Attempts: n.Attempts + 1}
}

func TestNoteMessages_KeepsTheContentWhileItMayBeNeeded(t *testing.T) {
	keeps := map[outcome.Outcome]bool{"": true, outcome.DeadLettered: true, outcome.Malformed: true, outcome.InvalidPath: true}
	for _, o := range append(outcome.All(), "") {
		t.Run("outcome "+string(o), func(t *testing.T) {
			l := open(t, t.TempDir())
			first, direct := at(1), at(2)
			direct.Outcome = string(o)
			last := ended(first, o)
			last.Stderr, last.PID, last.Datablock = []byte("the end"), "p", "b"
			note(t, l, first, direct)
			note(t, l, last)
			got, want := message(t, l, first), last
			want.JobID, want.File = first.JobID, first.File
			if keeps[o] {
				want.Key, want.Value, want.Headers = first.Key, first.Value, first.Headers
			} else {
				want.Stderr = nil
			}
			if !reflect.DeepEqual(got.MessageNote, want) || got.Kept != keeps[o] {
				t.Errorf("got  %+v, kept %v\nwant %+v", got.MessageNote, got.Kept, want)
			}
			if got := message(t, l, direct); got.Kept != keeps[o] || (got.Key != nil) != keeps[o] || (got.Headers != nil) != keeps[o] || (got.Stderr != nil) != keeps[o] {
				t.Errorf("noted at once: %+v", got)
			}
		})
	}
}

func TestNoteMessages_WithoutOutcomeLeavesTheOneThatIsKnown(t *testing.T) {
	l := open(t, t.TempDir())
	for i, o := range outcome.All() {
		n := at(int64(i))
		note(t, l, n, ended(n, o), n)
		if e := message(t, l, n); e.Outcome != string(o) || e.Kept && o == outcome.Registered {
			t.Errorf("after a second delivery: %+v, want %s", e, o)
		}
		got, known, err := l.Outcome(t.Context(), n.Source, n.Topic, n.Partition, n.Offset, n.Time)
		if err != nil || !known || got != string(o) {
			t.Errorf("got %q, %v, %v, want %s", got, known, err, o)
		}
	}
}

func TestOutcome_IsOfOnePositionOfOneSourceAtOneTime(t *testing.T) {
	l := open(t, t.TempDir())
	n := at(7)
	n.Partition = 2
	note(t, l, n, ended(n, outcome.Registered))
	for name, change := range map[string]func(*MessageNote){
		"another source":              func(n *MessageNote) { n.Source = "files:/data" },
		"another topic":               func(n *MessageNote) { n.Topic = "Done" },
		"another partition":           func(n *MessageNote) { n.Partition++ },
		"another offset":              func(n *MessageNote) { n.Offset++ },
		"the topic was made anew":     func(n *MessageNote) { n.Time = n.Time.Add(time.Millisecond) },
		"the source knows no time":    func(n *MessageNote) { n.Time = time.Time{} },
		"the same position elsewhere": func(n *MessageNote) { n.Topic, n.Source = n.Source, n.Topic },
	} {
		other := n
		change(&other)
		if o, known, err := l.Outcome(t.Context(), other.Source, other.Topic, other.Partition, other.Offset, other.Time); known || o != "" || err != nil {
			t.Errorf("%s: %q, %v, %v", name, o, known, err)
		}
		note(t, l, other)
		if o, known, err := l.Outcome(t.Context(), other.Source, other.Topic, other.Partition, other.Offset, other.Time); !known || o != "" || err != nil {
			t.Errorf("%s, noted: %q, %v, %v", name, o, known, err)
		}
	}
	if e := message(t, l, n); e.Outcome != "registered" {
		t.Errorf("the first: %+v", e)
	}
}

func TestNoteMessages_KeepsForeignBytesAsTheyAre(t *testing.T) {
	l := open(t, t.TempDir())
	odd := "\xff'\";--\x01ä\n"
	for i, n := range []MessageNote{
		{Source: odd, Topic: odd, JobID: odd, File: odd, PID: odd, Datablock: odd, Error: odd, Class: odd},
		{Partition: math.MinInt32, Offset: math.MinInt64, Time: time.Unix(math.MaxInt32, 999_999_999), Exit: math.MaxInt32, Attempts: math.MaxInt32},
		{Partition: math.MaxInt32, Offset: math.MaxInt64, Time: time.Unix(-1, 1)},
		{Topic: "1", Key: []byte{}, Value: []byte{}, Headers: []intake.Header{{}, {Key: odd, Value: []byte(odd)}, {Key: odd, Value: []byte{}}}},
		{Topic: "2", Value: []byte(strings.Repeat("\x00", 10<<20))},
	} {
		n.Outcome = "dead_lettered"
		note(t, l, n)
		e := message(t, l, n)
		if n.Value != nil && len(n.Value) == 0 { // read as none, and kept
			n.Value = e.Value
		}
		if !reflect.DeepEqual(e.MessageNote, n) && len(n.Value) < 100 {
			t.Errorf("%d: got  %+v\nwant %+v", i, e.MessageNote, n)
		} else if string(e.Value) != string(n.Value) || e.Kept != (i > 2) {
			t.Errorf("%d: another value of %d bytes", i, len(e.Value))
		}
	}
}

func TestNoteMessages_AllOrNone(t *testing.T) {
	l := open(t, t.TempDir())
	if err := l.NoteMessages(t.Context(), nil); err != nil {
		t.Error(err)
	}
	if _, err := l.db.ExecContext(t.Context(), "CREATE TRIGGER refuse BEFORE INSERT ON messages WHEN new.offset = 2 BEGIN SELECT raise(ABORT, 'refused'); END"); err != nil {
		t.Fatal(err)
	}
	err := l.NoteMessages(t.Context(), []MessageNote{at(1), at(2), at(3)})
	if err == nil || !strings.Contains(err.Error(), "refused") || !strings.Contains(err.Error(), l.Path()) {
		t.Errorf("got %v", err)
	}
	note(t, l, at(4))
	for offset, want := range []bool{1: false, 2: false, 3: false, 4: true} {
		n := at(int64(offset))
		if _, known, err := l.Outcome(t.Context(), n.Source, n.Topic, n.Partition, n.Offset, n.Time); known != want || err != nil {
			t.Errorf("note %d: %v, %v", offset, known, err)
		}
	}
}

func TestPrune_ForgetsWhatEndedAndIsNotToBeTriedAgain(t *testing.T) {
	dir := t.TempDir()
	o, now := testOptions(), testTime
	o.Now = func() time.Time { return now }
	l, err := Open(t.Context(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	const many = 3*pruneAtOnce + 1
	var notes []MessageNote
	for i := range int64(many) {
		notes = append(notes, ended(at(i), outcome.Registered))
	}
	note(t, l, notes...)
	note(t, l, at(-1), ended(at(-2), outcome.DeadLettered), ended(at(-3), outcome.Malformed), ended(at(-4), outcome.Ignored))
	watched := ended(at(-6), outcome.Registered)
	watched.Source = "files:/data"
	note(t, l, watched)
	now = testTime.Add(time.Hour)
	note(t, l, ended(at(-5), outcome.Registered), ended(at(0), outcome.Registered))
	for _, want := range []int64{many + 1, 0} { // not 0 and -5, which were noted later, but -3 and -4
		if n, err := l.Prune(t.Context(), now); err != nil || n != want {
			t.Errorf("%d forgotten, want %d, %v", n, want, err)
		}
	}
	for _, offset := range []int64{-1, -2, -5, 0} {
		message(t, l, at(offset))
	}
	if _, known, err := l.Outcome(t.Context(), watched.Source, watched.Topic, watched.Partition, watched.Offset, watched.Time); !known || err != nil {
		t.Errorf("a message of a watched folder is forgotten: %v", err)
	}
}
