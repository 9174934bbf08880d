package jsonscan

import (
	"errors"
	"strings"
	"testing"
)

// whole skips the one value of a document and ends it.
func whole(o Options, doc string) ([]byte, error) {
	s := New(o)
	s.Reset([]byte(doc))
	raw, err := s.Skip()
	if err != nil {
		return nil, err
	}
	return raw, s.End()
}

func TestScanner_Documents(t *testing.T) {
	loose := Options{NonFinite: true}
	for _, c := range []struct {
		name   string
		o      Options
		doc    string
		offset int // -1: valid
		reason string
	}{
		{"an object", Options{}, ` {"a" : [1, -0.5e+3, true , null], "b":{}} `, -1, ""},
		{"a scalar alone is a document", Options{}, `"x"`, -1, ""},
		{"an empty document is none", Options{}, ``, 0, reasonEarlyEnd},
		{"white space alone is none", Options{}, " \n", 2, reasonEarlyEnd},
		{"trailing garbage", Options{}, `{} x`, 3, reasonTrailing},
		{"a second value", Options{}, `1 2`, 2, reasonTrailing},
		{"a NUL behind the value", Options{}, "1\x00", 1, reasonTrailing},
		{"a NUL as value", Options{}, "\x00", 0, reasonNoValue},
		{"a byte order mark", Options{}, "\ufeff{}", 0, reasonNoValue},
		{"a comma too many in an array", Options{}, `[1,]`, 3, reasonNoValue},
		{"a comma too many in an object", Options{}, `{"a":1,}`, 7, reasonNoKey},
		{"a comma first", Options{}, `[,1]`, 1, reasonNoValue},
		{"no comma", Options{}, `[1 2]`, 3, reasonNoComma},
		{"no colon", Options{}, `{"a" 1}`, 5, reasonNoColon},
		{"a key without quotes", Options{}, `{a:1}`, 1, reasonNoKey},
		{"the wrong bracket", Options{}, `[1}`, 2, reasonNoComma},
		{"a bracket left open", Options{}, `[[1]`, 4, reasonEarlyEnd},
		{"a leading zero", Options{}, `01`, 1, reasonNumber},
		{"a plus sign", Options{}, `+1`, 0, reasonNoValue},
		{"a sign alone", Options{}, `-`, 1, reasonEarlyEnd},
		{"a point without fraction", Options{}, `[1.]`, 3, reasonNumber},
		{"an exponent without digits", Options{}, `[1e+]`, 4, reasonNumber},
		{"an integer of any length", Options{}, strings.Repeat("9", 400), -1, ""},
		{"NaN when strict", Options{}, `NaN`, 0, reasonNoValue},
		{"-Infinity when strict", Options{}, `-Infinity`, 1, reasonNumber},
		{"NaN when allowed", loose, `[NaN,Infinity,-Infinity,-1]`, -1, ""},
		{"half of NaN", loose, `Na`, 2, reasonEarlyEnd},
		{"nan in another spelling", loose, `nan`, 0, reasonLiteral},
		{"half a word", Options{}, `[tru]`, 1, reasonLiteral},
		{"a longer word", Options{}, `nullx`, 4, reasonTrailing},
		{"a control character", Options{}, "\"a\nb\"", 2, reasonControl},
		{"a control character behind an escape", Options{}, "\"\\n\nb\"", 3, reasonControl},
		{"an unknown escape", Options{}, `"\x"`, 2, reasonEscape},
		{"a bad hexadecimal digit", Options{}, `"\u00g0"`, 5, reasonEscape},
		{"half a surrogate pair", Options{}, `"a\ud800"`, 2, reasonSurrogate},
		{"a low surrogate first", Options{}, `"\udc00\ud800"`, 1, reasonSurrogate},
		{"a surrogate pair", Options{}, `"\ud83d\ude00"`, -1, ""},
		{"text that is not UTF-8", Options{}, "\"\xc3(\"", 1, reasonUTF8},
		{"not UTF-8 behind an escape", Options{}, "\"\\n\xff\"", 3, reasonUTF8},
		{"a surrogate in UTF-8", Options{}, "\"\xed\xa0\x80\"", 1, reasonUTF8},
		{"text left open", Options{}, `"abc`, 4, reasonEarlyEnd},
		{"an escape left open", Options{}, `"abc\`, 5, reasonEarlyEnd},
		{"as deep as allowed", Options{}, strings.Repeat("[", 200) + strings.Repeat("]", 200), -1, ""},
		{"one level too deep", Options{}, strings.Repeat("[", 201), 200, reasonDepth},
		{"a depth of its own", Options{MaxDepth: 1}, `{"a":{}}`, 5, reasonDepth},
		{"many levels one after another", Options{MaxDepth: 2}, `[[],[],[{}]]`, 8, reasonDepth},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := whole(c.o, c.doc)
			if c.offset < 0 {
				if err != nil {
					t.Fatalf("valid document refused: %v", err)
				}
				return
			}
			var syntax *SyntaxError
			if !errors.As(err, &syntax) {
				t.Fatalf("got %v, want a SyntaxError", err)
			}
			if syntax.Offset != c.offset || syntax.Reason != c.reason {
				t.Errorf("got byte %d %q, want byte %d %q", syntax.Offset, syntax.Reason, c.offset, c.reason)
			}
		})
	}
}

func TestScanner_ReadsAHeader(t *testing.T) {
	s := New(Options{})
	s.Reset([]byte(`{"htype":"im\u0061ge", "frame": 7, "shape":[3, 4], "ok":true,"none":null,"meta":{"x":[1]} }`))
	var got []string
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(s.EnterObject())
	for {
		key, ok, err := s.NextKey()
		check(err)
		if !ok {
			break
		}
		got = append(got, string(key), s.Kind().String())
		switch s.Kind() {
		case Text:
			v, err := s.Text()
			check(err)
			got = append(got, string(v))
		case Number:
			v, err := s.Number()
			check(err)
			got = append(got, string(v))
		case Array:
			check(s.EnterArray())
			for {
				more, err := s.NextElement()
				check(err)
				if !more {
					break
				}
				v, err := s.Number()
				check(err)
				got = append(got, string(v))
			}
		case Bool:
			if v, err := s.Bool(); err != nil || !v {
				t.Errorf("Bool() = %v, %v", v, err)
			}
		case Null:
			check(s.Null())
		default:
			v, err := s.Skip()
			check(err)
			got = append(got, string(v))
		}
	}
	check(s.End())
	want := `htype|a text|image|frame|a number|7|shape|an array|3|4|ok|a boolean|none|null|meta|an object|{"x":[1]}`
	if s := strings.Join(got, "|"); s != want {
		t.Errorf("read %s\nwant %s", s, want)
	}
}

func TestScanner_AnotherKindIsAFault(t *testing.T) {
	for reason, read := range map[string]func(*Scanner) error{
		reasonWantObject: (*Scanner).EnterObject,
		reasonWantArray:  (*Scanner).EnterArray,
		reasonWantText:   func(s *Scanner) error { _, err := s.Text(); return err },
		reasonWantBool:   func(s *Scanner) error { _, err := s.Bool(); return err },
		reasonWantNull:   (*Scanner).Null,
	} {
		s := New(Options{})
		s.Reset([]byte(" 1"))
		var syntax *SyntaxError
		if err := read(s); !errors.As(err, &syntax) || syntax.Reason != reason || syntax.Offset != 1 {
			t.Errorf("got %v, want %q at byte 1", err, reason)
		}
	}
	s := New(Options{})
	s.Reset([]byte(`"1"`))
	if _, err := s.Number(); err == nil || s.Err() == nil {
		t.Error("a text was taken as a number")
	}
}

func TestScanner_TheFirstFaultStays(t *testing.T) {
	s := New(Options{})
	s.Reset([]byte(`[x`))
	if err := s.EnterArray(); err != nil {
		t.Fatal(err)
	}
	_, first := s.Skip()
	_, _, second := s.NextKey()
	_, third := s.Text()
	if first == nil || !errors.Is(second, first) || !errors.Is(third, first) || !errors.Is(s.End(), first) {
		t.Errorf("faults differ: %v, %v, %v, %v", first, second, third, s.End())
	}
	if s.Kind() != Invalid {
		t.Errorf("Kind() after a fault is %v", s.Kind())
	}
	s.Reset([]byte(`{}`))
	if _, err := s.Skip(); err != nil || s.End() != nil || s.Err() != nil {
		t.Error("Reset keeps the fault of the document before")
	}
}

func TestScanner_EndAsksForTheClosingBrackets(t *testing.T) {
	s := New(Options{})
	s.Reset([]byte(`{"a":1}`))
	if err := s.EnterObject(); err != nil {
		t.Fatal(err)
	}
	if err := s.End(); err == nil {
		t.Error("End() within an object is nil")
	}
}

func TestScanner_Uint(t *testing.T) {
	for doc, want := range map[string]uint64{"0": 0, "18446744073709551615": 1<<64 - 1, " 42 ": 42} {
		s := New(Options{})
		s.Reset([]byte(doc))
		if n, err := s.Uint(); err != nil || n != want {
			t.Errorf("Uint of %s: %d, %v", doc, n, err)
		}
	}
	for _, doc := range []string{"-1", "1.0", "1e3", "18446744073709551616", "99999999999999999999", `"1"`, "NaN"} {
		s := New(Options{NonFinite: true})
		s.Reset([]byte(doc))
		if n, err := s.Uint(); err == nil {
			t.Errorf("Uint of %s: %d without an error", doc, n)
		}
	}
}

func TestScanner_ViewsStayUntilReset(t *testing.T) {
	s := New(Options{})
	s.Reset([]byte(`["\u0041","` + strings.Repeat(`\u0042`, 100) + `","\u0043"]`))
	if err := s.EnterArray(); err != nil {
		t.Fatal(err)
	}
	var views [][]byte
	for {
		more, err := s.NextElement()
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			break
		}
		v, err := s.Text()
		if err != nil {
			t.Fatal(err)
		}
		views = append(views, v)
	}
	if string(views[0]) != "A" || string(views[1]) != strings.Repeat("B", 100) || string(views[2]) != "C" {
		t.Errorf("views changed: %q", views)
	}
}
