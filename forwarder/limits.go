package forwarder

// What waits in the process is bounded in bytes by the option QueueBytes, in shares of
// a sixteenth: for what the upstreams' sockets read ahead (the dump may hold as much,
// of frames that the others hold too), for the queues of workers that are slow or away,
// and for libzmq's pipes to the workers. Two are left for what an allocator wastes.
// The pipes know messages only; so their limit follows the size of the messages.
const (
	shares        = 16
	upstreamShare = 4
	queueShare    = 7
	pipeShare     = 3
)

// Limits of a pipe, in messages. Few are enough to keep a connection busy.
const (
	pipeMost  = 1000 // libzmq's own
	pipeLeast = 2
	// decayAfter is the number of messages after which an earlier, larger size is
	// forgotten.
	decayAfter = 4096
)

// pipes keeps the limit of the pipes to the workers.
type pipes struct {
	bytes   int64 // for all pipes together
	set     func(messages int) error
	workers int

	limit   int
	largest int64 // of the last messages
	recent  int64 // of those since the last decay
	seen    int
}

// message notes the size of a message that is about to be sent. blocked tells
// whether any pipe is full: then the limit is not raised (see zmq.SetSendHWM).
func (p *pipes) message(size int64, blocked bool) error {
	if size > p.recent {
		p.recent = size
	}
	if size > p.largest {
		p.largest = size
		return p.update(blocked, false)
	}
	if p.seen++; p.seen >= decayAfter && !blocked {
		p.seen, p.largest, p.recent = 0, p.recent, 0
		return p.update(blocked, false)
	}
	return nil
}

// worker notes how many workers there are. A new one's pipe has libzmq's limit until
// it is set again.
func (p *pipes) worker(n int, blocked bool) error {
	p.workers = n
	return p.update(blocked, true)
}

func (p *pipes) update(blocked, again bool) error {
	want := pipeMost
	if p.largest > 0 {
		want = int(min(pipeMost, max(pipeLeast, p.bytes/(p.largest+overhead)/int64(max(1, p.workers)))))
	}
	if want > p.limit && blocked {
		want = p.limit
	}
	if want == p.limit && (!again || want == pipeMost) {
		return nil
	}
	p.limit = want
	return p.set(want)
}
