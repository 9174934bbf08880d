package source

import (
	"errors"

	"ingestor/internal/jsonscan"
	"ingestor/internal/zmq"
)

// newPCAP is PandABox's data by ZeroMQ: one message holds several triggers, each
// list a column of them. Every row becomes an event of its own; start and end go on
// as they are.
func newPCAP(s Settings) (Source, error) {
	return newSub(s, "PCAP", func(r *reporter, up *Upstream) machine {
		return &pcap{series: series{judge: headed{schema: pcapSchema()}, report: r, pool: up.Pool}}
	})
}

func pcapSchema() *schema {
	return newSchema(
		field{name: "message_type", want: wantLiteral, texts: []string{"series-start", "data", "series-end"}},
		field{name: "message_id", want: wantInt},
		field{name: "version", want: wantNumber, numbers: []int64{1}},
		field{name: "frame_number", want: wantInt, frame: true},
		field{name: "arm_time", want: wantMoment},
	).
		model(start, []string{"message_type=series-start", "message_id", "version", "arm_time"}, nil).
		model(data, []string{"message_type=data", "message_id", "version", "frame_number"}, nil).
		model(end, []string{"message_type=series-end", "message_id", "version"}, nil)
}

type pcap struct {
	series
	rows rows
	out  []byte
}

func (p *pcap) restart() {
	p.series.restart()
	p.rows = rows{}
}

// more gives the next row of the message in hand.
func (p *pcap) more() *zmq.Message {
	if p.rows.next >= p.rows.count {
		return nil
	}
	p.out = p.rows.append(p.out[:0], p.rows.next)
	p.rows.next++
	m := p.pool.Get()
	m.Append(p.out)
	return m
}

func (p *pcap) feed(m *zmq.Message) *zmq.Message {
	if p.state != running {
		return p.series.feed(m)
	}
	v := p.judge.judge(m)
	if v.kind != data {
		return p.step(m, v)
	}
	if m.Parts() != 1 {
		return p.drop(m, Parts, "a data message has one part")
	}
	r, err := split(m.First())
	if err != nil {
		return p.drop(m, Invalid, err.Error())
	}
	if r.count > 0 && v.numbered {
		if p.numbered {
			p.report.frames(p.last, v.frame)
		}
		p.last, p.numbered = v.frame+int64(r.count)-1, true
	}
	p.rows = r
	p.pool.Put(m)
	return p.more()
}

// rows are the triggers of one data message.
type rows struct {
	id, frame   whole
	columns     ordered[column]
	count, next int
}

// column is one field that the protocol does not know: a value, or a list of them,
// each written as the peers write it.
type column struct {
	list   bool
	value  []byte
	values [][]byte
}

// What makes a data message useless although its header is right.
var (
	errDigits  = errors.New("a whole number has more than 4300 digits")
	errNoList  = errors.New("no field is a list, so there is no telling how many triggers it holds")
	errLengths = errors.New("its lists are of different lengths")
)

// split reads a data message whose header is known to be right.
func split(b []byte) (rows, error) {
	var r rows
	s := jsonscan.New(jsonscan.Options{NonFinite: true})
	s.Reset(b)
	if err := s.EnterObject(); err != nil {
		return r, err
	}
	for {
		key, more, err := s.NextKey()
		if err != nil {
			return r, err
		}
		if !more {
			break
		}
		switch string(key) {
		case "message_id":
			r.id, _, err = lax(s, intOfNumber, intOfText, wholeOfBool)
		case "frame_number":
			r.frame, _, err = lax(s, intOfNumber, intOfText, wholeOfBool)
		case "version", "message_type":
			_, err = s.Skip()
		default:
			name := string(key)
			var c column
			c, err = readColumn(s)
			r.columns.set(name, c)
		}
		if err != nil {
			return r, err
		}
	}
	if err := s.End(); err != nil {
		return r, err
	}
	return r, r.measure()
}

func readColumn(s *jsonscan.Scanner) (column, error) {
	if s.Kind() != jsonscan.Array {
		value, err := appendValue(nil, s)
		return column{value: value}, err
	}
	c := column{list: true}
	if err := s.EnterArray(); err != nil {
		return c, err
	}
	var all []byte
	var ends []int
	for {
		more, err := s.NextElement()
		if err != nil {
			return c, err
		}
		if !more {
			break
		}
		if all, err = appendValue(all, s); err != nil {
			return c, err
		}
		ends = append(ends, len(all))
	}
	from := 0
	for _, to := range ends {
		c.values = append(c.values, all[from:to])
		from = to
	}
	return c, nil
}

// measure finds the number of rows.
func (r *rows) measure() error {
	r.count = -1
	for _, c := range r.columns.values {
		switch {
		case !c.list:
		case r.count >= 0 && r.count != len(c.values):
			return errLengths
		default:
			r.count = len(c.values)
		}
	}
	if r.count < 0 {
		return errNoList
	}
	return nil
}

// append writes row i as the peers do: the fields of the protocol, then all others in
// the order in which they came.
func (r *rows) append(b []byte, i int) []byte {
	b = append(b, `{"message_id":`...)
	b = r.id.append(b, 0)
	b = append(b, `,"version":1,"message_type":"data","frame_number":`...)
	b = r.frame.append(b, int64(i))
	for n, name := range r.columns.names {
		b = append(b, ',')
		b = append(appendText(b, []byte(name)), ':')
		if c := r.columns.values[n]; c.list {
			b = append(b, c.values[i]...)
		} else {
			b = append(b, c.value...)
		}
	}
	return append(b, '}')
}
