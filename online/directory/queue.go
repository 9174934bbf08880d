package directory

import (
	"container/heap"
	"slices"
)

// queue holds at most most files and gives the oldest first. When there are more it
// lets go of the youngest.
type queue struct {
	most  int
	files byAge
}

// put takes a file in. What does not fit any more comes back.
func (q *queue) put(f file) (dropped []file) {
	heap.Push(&q.files, f)
	// A quarter is let grow, so that not every file costs a sorting.
	if q.len() <= q.most+q.most/4 {
		return nil
	}
	slices.SortFunc(q.files, compareAge) // which is a heap, too
	dropped = slices.Clone(q.files[q.most:])
	clear(q.files[q.most:])
	q.files = q.files[:q.most]
	return dropped
}

func (q *queue) len() int { return len(q.files) }

// take removes the oldest; there must be one.
func (q *queue) take() file {
	f := heap.Pop(&q.files).(file)
	if q.len() == 0 {
		q.files = nil // so many at once are rare; their memory is not kept
	}
	return f
}

func compareAge(a, b file) int {
	switch {
	case a.older(b):
		return -1
	case b.older(a):
		return 1
	default:
		return 0
	}
}

// byAge is a heap of files with the oldest on top.
type byAge []file

func (h byAge) Len() int           { return len(h) }
func (h byAge) Less(i, j int) bool { return h[i].older(h[j]) }
func (h byAge) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *byAge) Push(x any)        { *h = append(*h, x.(file)) }

func (h *byAge) Pop() any {
	last := len(*h) - 1
	f := (*h)[last]
	(*h)[last] = file{}
	*h = (*h)[:last]
	return f
}
