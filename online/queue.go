package online

import "sync"

// queue passes things to one reader without ever making a writer wait. What
// bounds it is the gate, which closes as soon as enough is under way.
type queue[T any] struct {
	mu    sync.Mutex
	items []T
	// wake holds a token while there may be something.
	wake chan struct{}
}

func newQueue[T any]() *queue[T] { return &queue[T]{wake: make(chan struct{}, 1)} }

func (q *queue[T]) put(items ...T) {
	q.mu.Lock()
	q.items = append(q.items, items...)
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take is everything that is there.
func (q *queue[T]) take() []T {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := q.items
	q.items = nil
	return all
}
