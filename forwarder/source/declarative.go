package source

import (
	"errors"
	"fmt"
	"slices"

	"ingestor/internal/fault"
	"ingestor/internal/jsonscan"
	"ingestor/internal/zmq"
)

// Declarative describes an upstream of messages whose first part is a JSON object, so
// that a new detector needs no code. Messages go on as they are.
type Declarative struct {
	// Socket is pull (the upstream pushes) or sub (it publishes); empty means pull.
	Socket string
	// Bind has us listen at the URL; else we connect to it.
	Bind bool
	// Subscribe is, with sub, how the first part of messages has to begin; empty
	// takes all.
	Subscribe string
	// Typ is what headers and dumps say of the stream's kind.
	Typ string
	// Field is the key of the header that tells what a message is. Start, Data and
	// End are its values: texts, or numbers, true, false and null as they are
	// written. Messages with other values are dropped.
	Field            string
	Start, Data, End []string
	// Parts is the number of parts that a data message has, its header included;
	// MinParts and MaxParts bound it. 0 does not.
	Parts, MinParts, MaxParts int
	// FrameField is the key of the header with the number of the frame, by which gaps
	// are found and several connections put in order; empty: there is none.
	FrameField string
}

func newDeclarative(s Settings) (Source, error) {
	if s.Declarative == nil {
		return nil, fault.Errorf(fault.BadConfiguration, "stream %q: the source declarative needs its description", s.Stream)
	}
	d := *s.Declarative
	if d.Socket == "" {
		d.Socket = "pull"
	}
	if err := d.check(s); err != nil {
		return nil, fault.New(fault.BadConfiguration, fmt.Errorf("stream %q: %w", s.Stream, err))
	}
	url, err := endpoint(s)
	if err != nil {
		return nil, err
	}
	u := &upstream{
		typ: d.Typ, kind: zmq.Pull, url: url, bind: d.Bind, sockets: s.Connections,
		build: verbatim(func() judge { return newDeclared(d) }),
	}
	if d.Socket == "sub" {
		u.kind, u.subscribe = zmq.Sub, []string{d.Subscribe}
		return u, nil
	}
	return pulling{u}, nil
}

// check lists all that is wrong with the description.
func (d Declarative) check(s Settings) error {
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if d.Socket != "pull" && d.Socket != "sub" {
		add("socket is pull or sub, not %q", d.Socket)
	}
	if d.Subscribe != "" && d.Socket != "sub" {
		add("subscribe is for socket sub")
	}
	if d.Typ == "" {
		add("typ is missing")
	}
	if d.Field == "" {
		add("field is missing, the key that tells what a message is")
	}
	if d.FrameField != "" && d.FrameField == d.Field {
		add("field and frame_field are the same key %q", d.Field)
	}
	seen := map[string]string{}
	for _, values := range []struct {
		name string
		list []string
	}{{"start", d.Start}, {"data", d.Data}, {"end", d.End}} {
		if len(values.list) == 0 {
			add("%s has no values", values.name)
		}
		for _, v := range values.list {
			if before, ok := seen[v]; ok {
				add("%q is a value of %s and of %s", v, before, values.name)
			}
			seen[v] = values.name
		}
	}
	if d.Parts < 0 || d.MinParts < 0 || d.MaxParts < 0 || (d.MaxParts > 0 && d.MinParts > d.MaxParts) {
		add("the bounds of the parts contradict each other")
	}
	if s.Connections != 1 && (d.Socket != "pull" || d.Bind || d.FrameField == "") {
		add("%d upstream connections need socket pull that connects, and a frame_field", s.Connections)
	}
	return errors.Join(errs...)
}

// declared judges by a Declarative.
type declared struct {
	Declarative
	scan *jsonscan.Scanner
}

func newDeclared(d Declarative) *declared {
	return &declared{d, jsonscan.New(jsonscan.Options{NonFinite: true})}
}

func (d *declared) judge(m *zmq.Message) verdict {
	v, err := d.header(m.First())
	if err != nil {
		return verdict{kind: invalid, reason: Invalid, why: err.Error()}
	}
	n := m.Parts()
	if v.kind == data && (d.Parts > 0 && n != d.Parts || n < d.MinParts || d.MaxParts > 0 && n > d.MaxParts) {
		return verdict{kind: invalid, reason: Parts, why: "a data message has another number of parts"}
	}
	return v
}

var errNoField = errors.New("it has no field that tells what it is")

func (d *declared) header(b []byte) (verdict, error) {
	d.scan.Reset(b)
	if err := d.scan.EnterObject(); err != nil {
		return verdict{}, err
	}
	var v verdict
	told := false
	for {
		key, more, err := d.scan.NextKey()
		if err != nil {
			return v, err
		}
		if !more {
			break
		}
		switch string(key) {
		case d.Field:
			told = true
			v.kind, err = d.meaning()
		case d.FrameField: // no key is "" here unless there is none to look for
			var n whole
			n, v.numbered, err = lax(d.scan, intOfNumber, intOfText, wholeOfBool)
			v.numbered = v.numbered && n.big == nil && d.FrameField != ""
			v.frame = n.n
		default:
			_, err = d.scan.Skip()
		}
		if err != nil {
			return v, err
		}
	}
	if err := d.scan.End(); err != nil {
		return v, err
	}
	if !told {
		return v, errNoField
	}
	return v, nil
}

// meaning reads the value of the field.
func (d *declared) meaning() (kind, error) {
	var value []byte
	var err error
	if d.scan.Kind() == jsonscan.Text {
		value, err = d.scan.Text()
	} else {
		value, err = d.scan.Skip()
	}
	if err != nil {
		return invalid, err
	}
	is := func(s string) bool { return string(value) == s }
	switch {
	case slices.ContainsFunc(d.Data, is):
		return data, nil
	case slices.ContainsFunc(d.Start, is):
		return start, nil
	case slices.ContainsFunc(d.End, is):
		return end, nil
	}
	return other, nil
}
