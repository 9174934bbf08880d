package jsonscan

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// decode builds what encoding/json would build, numbers kept as written.
func decode(s *Scanner) (any, error) {
	switch s.Kind() {
	case Object:
		if err := s.EnterObject(); err != nil {
			return nil, err
		}
		m := map[string]any{}
		for {
			key, ok, err := s.NextKey()
			if err != nil || !ok {
				return m, err
			}
			name := string(key)
			v, err := decode(s)
			if err != nil {
				return nil, err
			}
			m[name] = v
		}
	case Array:
		if err := s.EnterArray(); err != nil {
			return nil, err
		}
		list := []any{}
		for {
			more, err := s.NextElement()
			if err != nil || !more {
				return list, err
			}
			v, err := decode(s)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
	case Text:
		v, err := s.Text()
		return string(v), err
	case Number:
		v, err := s.Number()
		return json.Number(v), err
	case Bool:
		return s.Bool()
	case Null:
		return nil, s.Null()
	}
	_, err := s.Skip()
	return nil, err
}

// FuzzAgainstEncodingJSON: what we take, encoding/json takes with the same
// value; what only it takes is one of the three bounds of the package comment.
func FuzzAgainstEncodingJSON(f *testing.F) {
	for _, doc := range []string{
		`{"event_number":1,"assignments":{"stins":["w1"]}}`,
		`[1,-0,0.5e-7,1E+30,"a\u00e9\ud83d\ude00\n\/","\ud800",true,false,null,{},[[]]]`,
		`{"a":{"b":[1,{"c":"d"}]},"a":2}`, `[1,]`, `{"a":1,}`, `01`, `"`, "\"\xff\"", `[[[[`, ` {} {}`,
		strings.Repeat("[", 210) + strings.Repeat("]", 210),
	} {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		s := New(Options{})
		s.Reset(doc)
		raw, err := s.Skip()
		if err == nil {
			err = s.End()
		}
		if ok := json.Valid(doc); ok != (err == nil) {
			if err == nil {
				t.Fatalf("encoding/json refuses %q", doc)
			}
			var syntax *SyntaxError
			if !errors.As(err, &syntax) {
				t.Fatalf("%v is no SyntaxError", err)
			}
			switch syntax.Reason {
			case reasonUTF8, reasonDepth:
			case reasonSurrogate:
				if !bytes.Contains(bytes.ToLower(doc), []byte(`\ud`)) {
					t.Fatalf("%v in %q", err, doc)
				}
			default:
				t.Fatalf("only we refuse %q: %v", doc, err)
			}
		}
		s.Reset(doc)
		got, decodeErr := decode(s)
		if decodeErr == nil {
			decodeErr = s.End()
		}
		if (err == nil) != (decodeErr == nil) || (err != nil && !reflect.DeepEqual(err, decodeErr)) {
			t.Fatalf("skipping %q: %v, reading: %v", doc, err, decodeErr)
		}
		if err != nil {
			return
		}
		if !utf8.Valid(doc) {
			t.Fatalf("took %q, which is not UTF-8", doc)
		}
		if !bytes.Equal(raw, bytes.Trim(doc, " \t\r\n")) {
			t.Fatalf("Skip of %q returned %q", doc, raw)
		}
		d := json.NewDecoder(bytes.NewReader(doc))
		d.UseNumber()
		var want any
		if err := d.Decode(&want); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("read %q as %#v, want %#v", doc, got, want)
		}
	})
}
