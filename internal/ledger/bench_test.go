package ledger

import (
	"fmt"
	"testing"
	"time"
)

func BenchmarkNoteMessages(b *testing.B) {
	for _, many := range []int{1, 100} {
		b.Run(fmt.Sprint(many), func(b *testing.B) {
			l, err := Open(b.Context(), b.TempDir(), Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			var offset int64
			for b.Loop() {
				notes := make([]MessageNote, many)
				for i := range notes {
					notes[i] = MessageNote{
						Source: "kafka", Topic: "writing-done", Offset: offset, Time: testTime.Add(time.Duration(offset)), Attempts: 1,
						JobID: "7d4b2c1e-5a0f-4f7b-9a54-2f6f0e9c3d10", File: fmt.Sprintf("/data/odin/2026/443503/raw/run_%d.hdf", offset),
						Outcome: "registered", PID: "20.500.12269/7d4b2c1e-5a0f-4f7b-9a54-2f6f0e9c3d10", Datablock: "7d4b2c1e-5a0f-4f7b-9a54-2f6f0e9c3d10",
					}
					offset++
				}
				if err := l.NoteMessages(b.Context(), notes); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(offset), "µs/note")
		})
	}
}

// BenchmarkRequests is what a spool asks for every second.
func BenchmarkRequests(b *testing.B) {
	l, err := Open(b.Context(), b.TempDir(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	for b.Loop() {
		if err := l.Requests(b.Context(), func(Request) bool { return true }); err != nil {
			b.Fatal(err)
		}
	}
}
