package source

import (
	"fmt"
	"testing"

	"ingestor/internal/zmq"
)

var image = []byte(`{"htype": "image", "frame": 123456, "shape": [1, 1000], "type": "uint8", "compression": "none", "msg_number": 123457}`)

func TestSTINS_AHeaderIsJudgedWithoutAllocation(t *testing.T) {
	s := stins()
	if n := testing.AllocsPerRun(100, func() {
		if k, why := s.classify(image); k != data || s.frame != 123456 {
			t.Fatal(k, why, s.frame)
		}
	}); n != 0 {
		t.Errorf("%v allocations a header", n)
	}
}

func BenchmarkSTINSHeader(b *testing.B) {
	s := stins()
	b.SetBytes(int64(len(image)))
	b.ReportAllocs()
	for b.Loop() {
		if k, _ := s.classify(image); k != data {
			b.Fatal(k)
		}
	}
}

func BenchmarkEigerHeader(b *testing.B) {
	s := eigerLegacy()
	header := []byte(`{"frame":123456,"hash":"815e4907ce3482ec3cc4d33a1145cd44","htype":"dimage-1.0","series":6}`)
	b.ReportAllocs()
	for b.Loop() {
		if k, _ := s.classify(header); k != data {
			b.Fatal(k)
		}
	}
}

// BenchmarkReceive is the whole way of a small frame: out of a socket, judged, handed
// over, dropped. The sender's share is in it.
func BenchmarkReceive(b *testing.B) {
	for _, connections := range []int{1, 2} {
		b.Run(fmt.Sprintf("%d connections", connections), func(b *testing.B) {
			up, push := pushing(b, "inproc://bench")
			s := open(b, up, Settings{Source: "zmqpull_single", URL: "inproc://bench", Connections: connections})
			payload := make([]byte, 1000)
			n := 0
			send := func() {
				m := up.Pool.Get()
				m.Append(fmt.Appendf(nil, `{"htype": "image", "frame": %d, "shape": [1, 1000], "type": "uint8", "compression": "none", "msg_number": %d}`, n, n+1))
				m.Append(payload)
				if push.Send(m) == nil {
					n++
				}
				up.Pool.Put(m)
			}
			if err := push.SendBytes([]byte(`{"htype":"header","msg_number":0,"filename":""}`)); err != nil {
				b.Fatal(err)
			}
			up.Pool.Put(event(b, s))
			b.ReportAllocs()
			for got := 0; b.Loop(); got++ {
				var m *zmq.Message
				for m == nil {
					for before := -1; n < got+300 && n > before; { // until the pipe is full
						before = n
						send()
					}
					var err error
					if m, err = s.Next(); err != nil {
						b.Fatal(err)
					}
				}
				up.Pool.Put(m)
			}
		})
	}
}
