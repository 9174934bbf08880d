package offsets

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var key = Key{Topic: "t", Partition: 1}

// assigned is a Book with one assigned partition and tickets for offsets.
func assigned(offsets ...int64) (*Book, []Ticket) {
	b := New()
	b.Assign(key)
	var tickets []Ticket
	for _, o := range offsets {
		tickets = append(tickets, b.Track(key, o))
	}
	return b, tickets
}

func wantMarks(t *testing.T, b *Book, want map[Key]int64) {
	t.Helper()
	if got := b.Marks(); !maps.Equal(got, want) {
		t.Errorf("marks %v, want %v", got, want)
	}
}

func TestMarkFollowsTheOldestUnfinished(t *testing.T) {
	const none = -1
	tests := map[string]struct {
		offsets []int64
		finish  []int   // indices of offsets, in this order
		marks   []int64 // after each of them
	}{
		"in order":              {[]int64{5, 6, 7}, []int{0, 1, 2}, []int64{6, 7, 8}},
		"reverse":               {[]int64{5, 6, 7}, []int{2, 1, 0}, []int64{none, none, 8}},
		"middle first":          {[]int64{5, 6, 7}, []int{1, 0, 2}, []int64{none, 7, 8}},
		"gaps":                  {[]int64{5, 9, 20}, []int{0, 2, 1}, []int64{6, 6, 21}},
		"twice is harmless":     {[]int64{5, 6, 7}, []int{1, 1, 0, 0, 1, 2}, []int64{none, none, 7, 7, 7, 8}},
		"one alone":             {[]int64{0}, []int{0}, []int64{1}},
		"last one stays behind": {[]int64{1, 2, 3, 4}, []int{2, 1, 0}, []int64{none, none, 4}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			b, tickets := assigned(tc.offsets...)
			for i, n := range tc.finish {
				tickets[n].Finish()
				want := map[Key]int64{}
				if tc.marks[i] != none {
					want[key] = tc.marks[i]
				}
				wantMarks(t, b, want)
			}
		})
	}
}

func TestMarkIsListedUntilItIsCommitted(t *testing.T) {
	b, tickets := assigned(3, 4)
	tickets[0].Finish()
	wantMarks(t, b, map[Key]int64{key: 4})
	wantMarks(t, b, map[Key]int64{key: 4})
	b.Committed(key, 4)
	wantMarks(t, b, map[Key]int64{})
	tickets[1].Finish()
	wantMarks(t, b, map[Key]int64{key: 5})
	b.Committed(key, 4) // the answer to an older commit comes late
	wantMarks(t, b, map[Key]int64{key: 5})
}

func TestTicketOfAnEarlierEpochHasNoEffect(t *testing.T) {
	b, old := assigned(5, 6)
	b.Revoke(key)
	old[0].Finish()
	wantMarks(t, b, map[Key]int64{})
	b.Assign(key)
	fresh := b.Track(key, 5)
	old[0].Finish()
	old[1].Finish()
	if n := b.Unfinished(key); n != 1 {
		t.Errorf("%d unfinished, want 1", n)
	}
	fresh.Finish()
	wantMarks(t, b, map[Key]int64{key: 6})
}

func TestAssignAtAnEarlierOffsetBeginsThere(t *testing.T) {
	b, old := assigned(100)
	old[0].Finish()
	b.Committed(key, 101)
	b.Assign(key)
	wantMarks(t, b, map[Key]int64{})
	b.Track(key, 7).Finish()
	wantMarks(t, b, map[Key]int64{key: 8})
}

func TestTrackOfAnUnassignedPartitionIsInert(t *testing.T) {
	b := New()
	b.Track(key, 1).Finish()
	b.Committed(key, 1)
	b.Revoke(key)
	Ticket{}.Finish()
	wantMarks(t, b, map[Key]int64{})
	if n := b.Unfinished(key); n != 0 {
		t.Errorf("%d unfinished, want 0", n)
	}
}

func TestOffsetThatComesAgain(t *testing.T) {
	t.Run("while unfinished shares its entry", func(t *testing.T) {
		b, tickets := assigned(1, 2, 3)
		again := b.Track(key, 2)
		if n := b.Unfinished(key); n != 3 {
			t.Errorf("%d unfinished, want 3", n)
		}
		tickets[0].Finish()
		again.Finish()
		wantMarks(t, b, map[Key]int64{key: 3})
	})
	t.Run("after it finished is waited for again", func(t *testing.T) {
		b, tickets := assigned(1, 2, 3)
		tickets[1].Finish()
		again := b.Track(key, 2)
		tickets[0].Finish()
		tickets[1].Finish()
		wantMarks(t, b, map[Key]int64{key: 2})
		again.Finish()
		wantMarks(t, b, map[Key]int64{key: 3})
	})
	t.Run("below the mark is inert", func(t *testing.T) {
		b, tickets := assigned(1, 2)
		tickets[0].Finish()
		b.Track(key, 1)
		if n := b.Unfinished(key); n != 1 {
			t.Errorf("%d unfinished, want 1", n)
		}
	})
}

func TestOldestTellsOffsetAndTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, first := assigned(10)
		start := time.Now()
		time.Sleep(time.Minute)
		b.Track(key, 12)
		if offset, since, ok := b.OldestSince(key); !ok || offset != 10 || !since.Equal(start) {
			t.Errorf("oldest %d since %v, %v", offset, since, ok)
		}
		first[0].Finish()
		if offset, since, ok := b.OldestSince(key); !ok || offset != 12 || since.Sub(start) != time.Minute {
			t.Errorf("oldest %d since %v, %v", offset, since, ok)
		}
	})
	if _, ok := New().Oldest(key); ok {
		t.Error("an empty book has an oldest message")
	}
}

func TestMemoryGoesWithTheUnfinishedOnly(t *testing.T) {
	b := New()
	b.Assign(key)
	b.Track(key, 0)
	const many = 100_000
	var second Ticket
	for i := range int64(many) {
		ticket := b.Track(key, 1+3*i)
		if i == many/2 {
			second = ticket
			continue
		}
		ticket.Finish()
	}
	entries := 0
	for n := b.epochs[key].head; n != nil; n = n.next {
		entries++
	}
	if entries != 2 || b.Unfinished(key) != 2 {
		t.Errorf("%d entries for %d unfinished messages, want 2", entries, b.Unfinished(key))
	}
	second.Finish()
	wantMarks(t, b, map[Key]int64{})
}

func TestFinishFromManyGoroutines(t *testing.T) {
	b := New()
	var wg sync.WaitGroup
	for p := range int32(4) {
		k := Key{Topic: "t", Partition: p}
		b.Assign(k)
		var tickets []Ticket
		for o := range int64(1000) {
			tickets = append(tickets, b.Track(k, 2*o))
		}
		rand.Shuffle(len(tickets), func(i, j int) { tickets[i], tickets[j] = tickets[j], tickets[i] })
		for part := range slices.Chunk(tickets, 100) {
			wg.Go(func() {
				for _, ticket := range part {
					ticket.Finish()
					b.Marks()
				}
			})
		}
	}
	wg.Wait()
	for p := range int32(4) {
		if got := b.Marks()[Key{Topic: "t", Partition: p}]; got != 1999 {
			t.Errorf("partition %d: mark %d, want 1999", p, got)
		}
	}
}

func TestRandomScriptsAgreeWithTheModel(t *testing.T) {
	for seed := range uint64(300) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			// All three partitions are assigned first, and little is revoked.
			script := []byte{0x00, 0, 0x10, 9, 0x20, 200}
			for range 300 {
				step := byte(r.UintN(48))
				if step%8 < 2 && r.UintN(8) > 0 {
					step += 2
				}
				script = append(script, step, byte(r.UintN(256)))
			}
			replay(t, script)
		})
	}
}

func FuzzBook(f *testing.F) {
	f.Add([]byte{0, 5, 2, 0, 2, 0, 2, 0, 5, 2, 5, 1, 5, 0, 7, 1})                  // reverse
	f.Add([]byte{0, 5, 2, 3, 2, 2, 5, 1, 4, 2, 5, 0, 5, 2, 5, 1})                  // gaps, going back
	f.Add([]byte{0, 9, 2, 0, 1, 0, 5, 0, 0, 3, 2, 0, 5, 0, 5, 1, 7, 4})            // revoked, assigned earlier
	f.Add([]byte{0, 0, 16, 0, 32, 0, 2, 1, 18, 1, 34, 1, 5, 0, 5, 1, 5, 2, 23, 0}) // three partitions
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 1000 { // the model is quadratic
			script = script[:1000]
		}
		replay(t, script)
	})
}

func BenchmarkTrackAndFinish(b *testing.B) {
	for _, behind := range []int{0, 100_000} {
		b.Run(fmt.Sprint("unfinished ", behind), func(b *testing.B) {
			book := New()
			book.Assign(key)
			offset := int64(0)
			for range behind {
				book.Track(key, offset)
				offset++
			}
			b.ReportAllocs()
			for b.Loop() {
				book.Track(key, offset).Finish()
				offset++
			}
		})
	}
}
