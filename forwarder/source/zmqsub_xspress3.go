package source

import "ingestor/internal/zmq"

// newXspress is Xspress3, in two layouts: an image is one message of three parts, or
// three messages (header, data, meta), whose parts are then put together. What
// follows a header is not looked at.
func newXspress(s Settings) (Source, error) {
	return newSub(s, "xspress", func(r *reporter, up *Upstream) machine {
		return &xspress{series: series{judge: headed{schema: xspressSchema()}, report: r, pool: up.Pool}}
	})
}

func xspressSchema() *schema {
	return newSchema(
		field{name: "htype", want: wantLiteral, texts: []string{"header", "image", "series_end"}},
		field{name: "frame", want: wantInt, frame: true},
		field{name: "shape", want: wantInts},
		field{name: "exptime", want: wantFloatOrNull},
		field{name: "type", want: wantText},
		field{name: "compression", want: wantTextOrNull},
		field{name: "filename", want: wantText},
	).
		model(start, []string{"filename"}, []string{"htype=header"}).
		model(data, []string{"frame", "shape", "type"}, []string{"htype=image", "exptime", "compression"}).
		model(end, nil, []string{"htype=series_end"})
}

// followers is how many messages come behind the header of an image in the older
// layout, and whole the number of parts in the newer one.
const (
	followers = 2
	wholeShot = 3
)

type xspress struct {
	series
	held *zmq.Message // an image whose followers are not all there
	need int
}

func (x *xspress) restart() {
	if x.held != nil {
		x.drop(x.held, Incomplete, "the rest of the image has not come")
		x.held = nil
	}
	x.series.restart()
}

func (x *xspress) feed(m *zmq.Message) *zmq.Message {
	switch {
	case x.held != nil:
		x.held.MoveFrom(m)
		x.pool.Put(m)
		if x.need--; x.need > 0 {
			return nil
		}
		m, x.held = x.held, nil
		return m
	case x.state == waiting && m.Parts() != 1:
		return x.drop(m, Parts, "a start has one part")
	case x.state != running:
		return x.series.feed(m)
	}
	v := x.judge.judge(m)
	parts := m.Parts()
	if m = x.step(m, v); m != nil && v.kind == data && parts != wholeShot {
		x.held, x.need = m, followers
		return nil
	}
	return m
}
