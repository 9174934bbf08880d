package forwarder

// What waits in the process is bounded in bytes by the option QueueBytes, in shares of
// a sixteenth: for what the upstreams' sockets read ahead (the dump may hold as much,
// of frames that the others hold too), for the queues of workers that are slow or away,
// and for libzmq's pipes to the workers. Two are left for what an allocator wastes.
const (
	shares        = 16
	upstreamShare = 4
	queueShare    = 7
	pipeShare     = 3
)

// A pipe holds at most libzmq's 1000 messages; a few more are just being sent.
const (
	pipeMessages = 1000
	inPipeMost   = 2048
)

// inPipe follows what waits in the pipe to one worker: the sizes of the messages that
// libzmq was given and has not taken yet, in bytes. It is a ring.
type inPipe struct {
	sizes       [inPipeMost]int64
	given, gone uint64 // messages, ever
	bytes       int64
}

// put notes a message that was given to libzmq.
func (p *inPipe) put(size int64) {
	p.sizes[p.given%inPipeMost] = size
	p.given++
	p.bytes += size
}

// full says whether the pipe holds limit bytes or more; taken asks how many messages
// libzmq has taken, which is only done when it matters. One message of any size always
// fits.
func (p *inPipe) full(limit int64, taken func() uint64) bool {
	if p.bytes < limit && p.given-p.gone < inPipeMost {
		return false
	}
	for now := taken(); p.gone < now && p.gone < p.given; p.gone++ {
		p.bytes -= p.sizes[p.gone%inPipeMost]
	}
	return p.given > p.gone && p.bytes >= limit || p.given-p.gone >= inPipeMost
}
