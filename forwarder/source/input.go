package source

import "ingestor/internal/zmq"

// ringSize is how many messages are taken from a socket at once.
const ringSize = 64

// receiver is what an input needs of a socket.
type receiver interface {
	Receive(p *zmq.Pool, into []*zmq.Message) (int, error)
	SetReceiveHWM(n int) error
}

// input is one socket and what was read from it already.
type input struct {
	socket receiver
	ring   [ringSize]*zmq.Message
	head   int
	tail   int
	limit  int // messages that may wait in the socket
	most   int // bytes of the largest message so far
	share  int64
}

// defaultLimit is libzmq's own bound of messages that wait to be received.
const defaultLimit = 1000

// peek is the next message, or nil when nothing has come.
func (i *input) peek(p *zmq.Pool) (*zmq.Message, error) {
	if i.head == i.tail {
		if err := i.fill(p); err != nil || i.tail == 0 {
			return nil, err
		}
	}
	return i.ring[i.head], nil
}

// take is peek, and passes the message to the caller.
func (i *input) take(p *zmq.Pool) (*zmq.Message, error) {
	m, err := i.peek(p)
	if m != nil {
		i.ring[i.head] = nil
		i.head++
	}
	return m, err
}

// fill reads a batch into the empty ring.
func (i *input) fill(p *zmq.Pool) error {
	n, err := i.socket.Receive(p, i.ring[:])
	i.head, i.tail = 0, n
	for _, m := range i.ring[:n] {
		if size := m.Size(); size > i.most {
			i.most = size
			if err := i.lower(); err != nil {
				return err
			}
		}
	}
	return err
}

// lower keeps what may wait in the socket within its share of bytes. The limit is of
// messages, so it follows the largest one. It is never raised again: libzmq could
// leave the sender waiting (see zmq.Socket.SetReceiveHWM).
func (i *input) lower() error {
	limit := int(max(1, min(defaultLimit, i.share/int64(max(1, i.most)))))
	if limit >= i.limit {
		return nil
	}
	i.limit = limit
	return i.socket.SetReceiveHWM(limit)
}

// drop gives back what the ring holds.
func (i *input) drop(p *zmq.Pool) {
	for ; i.head < i.tail; i.head++ {
		p.Put(i.ring[i.head])
		i.ring[i.head] = nil
	}
	i.head, i.tail = 0, 0
}
