package source

import (
	"math/rand/v2"
	"testing"

	"ingestor/internal/zmq"
)

// pipe behaves as libzmq's pipe between an I/O thread and a socket, whose writer never
// lacks messages (pipe.cpp of 4.3.4: check_hwm, read, set_hwms, process_pipe_hwm).
type pipe struct {
	hwm, lwm            uint64
	written, read, told uint64
	size                func() int
}

func (p *pipe) Receive(pool *zmq.Pool, into []*zmq.Message) (int, error) {
	n := 0
	for ; n < len(into); n++ {
		for p.written-p.told < p.hwm {
			p.written++
		}
		if p.read == p.written {
			break
		}
		p.read++
		if p.read%p.lwm == 0 {
			p.told = p.read
		}
		into[n] = pool.Get()
		into[n].Append(make([]byte, p.size()))
	}
	return n, nil
}

func (p *pipe) SetReceiveHWM(n int) error {
	p.hwm, p.lwm = uint64(n), uint64(n+1)/2
	return nil
}

func TestLoweringTheLimitNeverStopsTheSender(t *testing.T) {
	var pool zmq.Pool
	defer pool.Close()
	for seed := range uint64(3000) {
		random := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // repeatable
		large := 1 + random.IntN(400)            // where the frames become large
		size := 1 << random.IntN(13)
		n := 0
		p := &pipe{hwm: firstLimit, lwm: firstLimit / 2, size: func() int {
			if n++; n < large {
				return 10
			}
			return random.IntN(size) + size
		}}
		in := &input{socket: p, limit: firstLimit, share: int64(1 + random.IntN(64<<10))}
		for range 1500 {
			m, err := in.take(&pool)
			if err != nil || m == nil {
				t.Fatalf("seed %d: after %d messages nothing comes: limit %d, read %d, told %d", seed, n, in.limit, p.read, p.told)
			}
			pool.Put(m)
		}
		if in.limit != in.want() || in.read != p.read {
			t.Fatalf("seed %d: the limit is %d, wanted %d", seed, in.limit, in.want())
		}
		in.drop(&pool)
	}
}
