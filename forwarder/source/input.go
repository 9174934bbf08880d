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
	fixed  bool
	most   int // bytes of the largest message so far
	share  int64
	read   uint64 // messages, ever
	told   uint64 // of them, when libzmq's reader told its writer last
}

// firstLimit bounds the messages that wait to be received until their size is known.
// With messages of 1 kB it is as fast as libzmq's own 1000, and 128 is a third slower
// (docs/performance.md); the lower it is, the sooner it can be lowered: see lower.
const firstLimit = 512

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
	most := ringSize
	if i.want() < i.limit {
		// The limit is lowered where libzmq's reader tells its writer how far it is:
		// no batch goes beyond that.
		step := i.step()
		most = int(min(ringSize, step-i.read%step))
	}
	n, err := i.socket.Receive(p, i.ring[:most])
	i.head, i.tail = 0, n
	if n == 0 {
		return err
	}
	before := i.read
	i.read += uint64(n)
	if at := i.read - i.read%i.step(); at > before {
		i.told = at
	}
	for _, m := range i.ring[:n] {
		i.most = max(i.most, m.Size())
	}
	if lowered := i.lower(); err == nil {
		err = lowered
	}
	return err
}

// step is the number of messages after which libzmq's reader tells its writer how far
// it is (see zmq.Socket.SetReceiveHWM).
func (i *input) step() uint64 { return uint64(i.limit+1) / 2 }

// want is the limit that keeps what waits in the socket within its share of bytes.
func (i *input) want() int {
	if i.fixed {
		return i.limit
	}
	return int(max(1, min(firstLimit, i.share/int64(max(1, i.most)))))
}

// lower brings the limit down to what is wanted, or as near as is safe now: the rest
// is done where the reader tells its writer next. It is never raised again.
func (i *input) lower() error {
	safe := max(i.want(), int(2*(i.read-i.told)))
	if safe >= i.limit {
		return nil
	}
	i.limit = safe
	return i.socket.SetReceiveHWM(safe)
}

// drop gives back what the ring holds.
func (i *input) drop(p *zmq.Pool) {
	for ; i.head < i.tail; i.head++ {
		p.Put(i.ring[i.head])
		i.ring[i.head] = nil
	}
	i.head, i.tail = 0, 0
}
