package online

import (
	"sync"

	"ingestor/internal/intake"
)

// delivery is a message and its acknowledgement.
type delivery struct {
	message intake.Message
	ack     intake.Ack
}

// inbox takes messages from the sources without ever making one wait. Its size
// is bounded by the gate, which closes as soon as the pool is full.
type inbox struct {
	mu    sync.Mutex
	queue []delivery
	// wake holds a token while the queue may have something.
	wake chan struct{}
}

func newInbox() *inbox { return &inbox{wake: make(chan struct{}, 1)} }

func (b *inbox) deliver(m intake.Message, ack intake.Ack) {
	b.mu.Lock()
	b.queue = append(b.queue, delivery{m, ack})
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

func (b *inbox) take() []delivery {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.queue
	b.queue = nil
	return all
}
