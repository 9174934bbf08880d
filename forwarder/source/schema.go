package source

import (
	"math/bits"

	"ingestor/internal/jsonscan"
)

// kind is what a message means. Protocols may use further kinds from ownKinds on.
type kind uint8

const (
	invalid kind = iota
	start
	data
	end
	other // valid, and of no use
	ownKinds
)

// want is what a field of a header has to be.
type want uint8

const (
	wantInt want = iota
	wantFloat
	wantText
	wantInts
	wantMoment
	wantTextOrNull
	wantFloatOrNull
	wantLiteral // one of the texts
	wantNumber  // one of the numbers
)

// field is one key of a protocol's headers. A literal has one bit for each of its
// values, all other fields have one bit.
type field struct {
	name    string
	want    want
	texts   []string
	numbers []int64
	// frame marks the number of the frame.
	frame bool
	// keep marks one more number that a protocol needs to know.
	keep bool

	first uint8  // its first bit
	mask  uint32 // all its bits
}

// model is one kind of header: the bits that have to be right, and those that have to
// be right where they are there.
type model struct {
	kind               kind
	required, optional uint32
}

// schema classifies JSON headers as the peers' unions of models do: of the models
// that a header fits, the one counts that knows most of its keys, and of equal ones
// the first. A key that comes twice counts with its last value.
//
// It is for one goroutine.
type schema struct {
	fields []field
	models []model
	scan   *jsonscan.Scanner

	// What the last header held.
	seen, right       uint32
	frame, kept       int64
	hasFrame, hasKept bool

	pattern pattern
}

// newSchema makes a schema of fields; require and allow name them in its models.
func newSchema(fields ...field) *schema {
	s := &schema{scan: jsonscan.New(jsonscan.Options{NonFinite: true})}
	next := uint8(0)
	for _, f := range fields {
		n := uint8(max(1, len(f.texts)+len(f.numbers)))
		f.first, f.mask = next, (1<<n-1)<<next
		next += n
		s.fields = append(s.fields, f)
	}
	return s
}

// model adds a kind of header. Each of required is a field, or field=value for a
// literal; so are those of optional.
func (s *schema) model(k kind, required, optional []string) *schema {
	s.models = append(s.models, model{k, s.bits(required), s.bits(optional)})
	return s
}

func (s *schema) bits(names []string) (b uint32) {
	for _, name := range names {
		for _, f := range s.fields {
			if f.name == name {
				b |= f.mask
			}
			for i, text := range f.texts {
				if f.name+"="+text == name {
					b |= 1 << (int(f.first) + i)
				}
			}
			for i, number := range f.numbers {
				if f.name+"="+string(rune('0'+number)) == name {
					b |= 1 << (int(f.first) + i)
				}
			}
		}
	}
	return b
}

// classify says what a header means, and why it is invalid. The numbers of fields
// marked so are in s until the next call.
func (s *schema) classify(header []byte) (kind, string) {
	s.hasFrame, s.hasKept = false, false
	if s.pattern.fits(header, s) {
		return data, ""
	}
	s.seen, s.right, s.hasFrame, s.hasKept, s.frame, s.kept = 0, 0, false, false, 0, 0
	s.pattern.begin()
	s.scan.Reset(header)
	if s.scan.Kind() != jsonscan.Object {
		return invalid, "it is no JSON object"
	}
	if err := s.object(); err != nil {
		return invalid, err.Error()
	}
	best, most := invalid, -1
	for _, m := range s.models {
		if m.required&^s.right != 0 || m.optional&s.seen&^s.right != 0 {
			continue
		}
		if n := bits.OnesCount32((m.required | m.optional) & s.seen); n > most {
			best, most = m.kind, n
		}
	}
	if best == data {
		s.pattern.learn(header)
	}
	if best == invalid {
		return invalid, "its fields are those of no message of this protocol"
	}
	return best, ""
}

func (s *schema) object() error {
	if err := s.scan.EnterObject(); err != nil {
		return err
	}
	for {
		key, more, err := s.scan.NextKey()
		if err != nil {
			return err
		}
		if !more {
			return s.scan.End()
		}
		f := s.field(key)
		if f == nil {
			_, err = s.scan.Skip()
		} else {
			err = s.value(f)
		}
		if err != nil {
			return err
		}
	}
}

func (s *schema) field(key []byte) *field {
	for i := range s.fields {
		if string(key) == s.fields[i].name {
			return &s.fields[i]
		}
	}
	return nil
}

// value reads the value of a field and notes which of its bits are right.
func (s *schema) value(f *field) error {
	s.seen |= f.mask
	s.right &^= f.mask
	if f.frame {
		s.hasFrame = false
	}
	if f.keep {
		s.hasKept = false
	}
	var right bool
	var err error
	switch f.want {
	case wantInt:
		return s.int(f)
	case wantFloat:
		_, right, err = lax(s.scan, floatOfNumber, floatOfText, floatOfBool)
	case wantFloatOrNull:
		if s.scan.Kind() == jsonscan.Null {
			right, err = true, s.scan.Null()
		} else {
			_, right, err = lax(s.scan, floatOfNumber, floatOfText, floatOfBool)
		}
	case wantMoment:
		right, err = s.moment()
	case wantInts:
		right, err = s.ints()
	case wantText, wantTextOrNull:
		k := s.scan.Kind()
		right = k == jsonscan.Text || f.want == wantTextOrNull && k == jsonscan.Null
		_, err = s.scan.Skip()
	case wantLiteral:
		return s.literal(f)
	case wantNumber:
		return s.number(f)
	}
	if right {
		s.right |= f.mask
	}
	return err
}

// int reads a whole number, and keeps it where the field is marked so.
func (s *schema) int(f *field) error {
	var n whole
	var ok bool
	if s.scan.Kind() == jsonscan.Number {
		raw, err := s.scan.Number()
		if err != nil {
			return err
		}
		if n.n, ok = plainInt(raw); ok {
			s.pattern.number(s.scan.Offset()-len(raw), len(raw), f)
		} else {
			n, ok = intOfNumber(raw)
			s.pattern.odd = s.pattern.odd || f.frame || f.keep
		}
	} else {
		s.pattern.odd = s.pattern.odd || f.frame || f.keep
		var err error
		if n, ok, err = lax(s.scan, intOfNumber, intOfText, wholeOfBool); err != nil {
			return err
		}
	}
	if !ok {
		return nil
	}
	s.right |= f.mask
	s.keep(f, n)
	return nil
}

func (s *schema) keep(f *field, n whole) {
	if f.frame {
		s.frame, s.hasFrame = n.n, n.big == nil
	}
	if f.keep {
		s.kept, s.hasKept = n.n, n.big == nil
	}
}

// lax reads a number that may be written as a text or a boolean. What is neither is
// skipped and not ok.
func lax[T any](scan *jsonscan.Scanner, number, text func([]byte) (T, bool), boolean func(bool) T) (v T, ok bool, err error) {
	var raw []byte
	switch scan.Kind() {
	case jsonscan.Number:
		if raw, err = scan.Number(); err == nil {
			v, ok = number(raw)
		}
	case jsonscan.Text:
		if raw, err = scan.Text(); err == nil {
			v, ok = text(raw)
		}
	case jsonscan.Bool:
		var b bool
		if b, err = scan.Bool(); err == nil {
			v, ok = boolean(b), true
		}
	default:
		_, err = scan.Skip()
	}
	return v, ok, err
}

func wholeOfBool(b bool) whole {
	if b {
		return whole{n: 1}
	}
	return whole{}
}

func floatOfBool(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func (s *schema) moment() (bool, error) {
	switch s.scan.Kind() {
	case jsonscan.Number:
		raw, err := s.scan.Number()
		if err != nil {
			return false, err
		}
		f, ok := floatOfNumber(raw)
		return ok && momentOfSeconds(f), nil
	case jsonscan.Text:
		text, err := s.scan.Text()
		return err == nil && momentOfText(text), err
	}
	_, err := s.scan.Skip()
	return false, err
}

func (s *schema) ints() (bool, error) {
	if s.scan.Kind() != jsonscan.Array {
		_, err := s.scan.Skip()
		return false, err
	}
	if err := s.scan.EnterArray(); err != nil {
		return false, err
	}
	right := true
	for {
		more, err := s.scan.NextElement()
		if err != nil || !more {
			return right, err
		}
		_, ok, err := lax(s.scan, intOfNumber, intOfText, wholeOfBool)
		if err != nil {
			return false, err
		}
		right = right && ok
	}
}

// literal notes which of a field's texts the value is.
func (s *schema) literal(f *field) error {
	if s.scan.Kind() != jsonscan.Text {
		_, err := s.scan.Skip()
		return err
	}
	text, err := s.scan.Text()
	if err != nil {
		return err
	}
	for i, t := range f.texts {
		if string(text) == t {
			s.right |= 1 << (int(f.first) + i)
		}
	}
	return nil
}

// number notes which of a field's numbers the value is. A text is none of them.
func (s *schema) number(f *field) error {
	if s.scan.Kind() == jsonscan.Text {
		_, err := s.scan.Skip()
		return err
	}
	n, ok, err := lax(s.scan, intOfNumber, intOfText, wholeOfBool)
	if err != nil || !ok || n.big != nil {
		return err
	}
	for i, number := range f.numbers {
		if n.n == number {
			s.right |= 1 << (int(f.first) + i)
		}
	}
	return nil
}
