package source

import (
	"errors"
	"fmt"

	"ingestor/internal/jsonscan"
)

// sardanaModel is one of Sardana's messages: its name and the fields that it has to
// have, in the order in which they are written.
type sardanaModel struct {
	typ    string
	fields []field
}

// The messages that are forwarded.
const (
	dataDescription = iota
	recordData
	recordEnd
)

func sardanaModels() []sardanaModel {
	return []sardanaModel{
		dataDescription: {"DataDescription", []field{{name: "serialno", want: wantInt}, {name: "scandir", want: wantText}, {name: "title", want: wantText}}},
		recordData:      {"RecordData", []field{{name: "timestamp", want: wantFloat}}},
		recordEnd:       {"RecordEnd", nil},
	}
}

// rewrite validates a body and writes it as the peers do: type, the fields of the
// model, then all others in the order in which they came.
func (sm sardanaModel) rewrite(body []byte) ([]byte, error) {
	s := jsonscan.New(jsonscan.Options{NonFinite: true})
	s.Reset(body)
	if err := s.EnterObject(); err != nil {
		return nil, err
	}
	var others ordered[[]byte]
	known := make([][]byte, len(sm.fields))
	var faults [8]error // the last value of a key counts, so does its fault
	for {
		key, more, err := s.NextKey()
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
		name := string(key)
		var value []byte
		switch i := sm.index(name); {
		case name == "type":
			if value, err = appendValue(nil, s); err != nil {
				return nil, err
			}
			faults[len(known)] = nil
			if string(value) != `"`+sm.typ+`"` {
				faults[len(known)] = fmt.Errorf("type: it should be %q", sm.typ)
			}
		case i >= 0:
			if known[i], faults[i], err = sm.fields[i].rewrite(s); err != nil {
				return nil, err
			}
		default:
			if value, err = appendValue(nil, s); err != nil {
				return nil, err
			}
			others.set(name, value)
		}
	}
	if err := s.End(); err != nil {
		return nil, err
	}
	for i, value := range known {
		if value == nil && faults[i] == nil {
			faults[i] = fmt.Errorf("%s: it is missing", sm.fields[i].name)
		}
	}
	if err := errors.Join(faults[:]...); err != nil {
		return nil, err
	}
	return sm.write(known, others), nil
}

func (sm sardanaModel) write(known [][]byte, others ordered[[]byte]) []byte {
	b := append([]byte(`{"type":"`), sm.typ...)
	b = append(b, '"')
	for i, value := range known {
		b = append(append(b, `,"`...), sm.fields[i].name...)
		b = append(append(b, `":`...), value...)
	}
	for i, name := range others.names {
		b = append(b, ',')
		b = append(appendText(b, []byte(name)), ':')
		b = append(b, others.values[i]...)
	}
	return append(b, '}')
}

func (sm sardanaModel) index(name string) int {
	for i := range sm.fields {
		if sm.fields[i].name == name {
			return i
		}
	}
	return -1
}

// rewrite reads a field's value and writes it again; fault says why it is not right,
// err that the document is broken.
func (f field) rewrite(s *jsonscan.Scanner) (value []byte, fault, err error) {
	var ok bool
	switch f.want {
	case wantInt:
		var n whole
		if n, ok, err = lax(s, intOfNumber, intOfText, wholeOfBool); ok {
			value = n.append(nil, 0)
		}
	case wantFloat:
		var x float64
		if x, ok, err = lax(s, floatOfInt, floatOfText, floatOfBool); ok {
			value = appendFloat(nil, x)
		}
	case wantText:
		if s.Kind() != jsonscan.Text {
			_, err = s.Skip()
			break
		}
		var text []byte
		if text, err = s.Text(); err == nil {
			ok, value = true, appendText(nil, text)
		}
	}
	if err == nil && !ok {
		fault = fmt.Errorf("%s: the value is not of the right type", f.name)
	}
	return value, fault, err
}

// floatOfInt is floatOfNumber, and knows that a whole number has no negative zero.
func floatOfInt(raw []byte) (float64, bool) {
	if string(raw) == "-0" {
		return 0, true
	}
	return floatOfNumber(raw)
}

// isObject says whether a body is one JSON object.
func isObject(body []byte) error {
	s := jsonscan.New(jsonscan.Options{NonFinite: true})
	s.Reset(body)
	if s.Kind() != jsonscan.Object {
		return errors.New("it is no JSON object")
	}
	if _, err := s.Skip(); err != nil {
		return err
	}
	return s.End()
}
