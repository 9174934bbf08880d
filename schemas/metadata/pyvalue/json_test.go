package pyvalue

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
)

func TestParseJSON_ReadsAsPythonDoes(t *testing.T) {
	for name, row := range map[string]struct{ body, repr string }{
		"order is kept":               {`{"b": 1, "a": 2}`, "{'b': 1, 'a': 2}"},
		"the last of two keys counts": {`{"a": 1, "b": 0, "a": 2}`, "{'a': 2, 'b': 0}"},
		"integers have any size":      {`[123456789012345678901234567890, 1.0, 1E5]`, "[123456789012345678901234567890, 1.0, 100000.0]"},
		"NaN and infinity":            {`[NaN, -Infinity, 1e400]`, "[nan, -inf, inf]"},
		"escapes":                     {`"\u00e9\n\ud83d\ude00\/"`, `'é\n😀/'`},
		"words":                       {` [true, false, null] `, "[True, False, None]"},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := ParseJSON([]byte(row.body))
			if err != nil || Repr(v) != row.repr {
				t.Errorf("got %v, %v, want %s", v, err, row.repr)
			}
		})
	}
	for _, body := range []string{"", "<html>", "[1,]", "{1: 2}", "01", "[1", `"a`, "\"a\nb\"", "1 2", "nul", `"\x41"`, strings.Repeat("[", 1000)} {
		if v, err := ParseJSON([]byte(body)); err == nil {
			t.Errorf("%q: got %s, want an error", body, Repr(v))
		}
	}
}

func TestPlain_WritesAsPythonDoes(t *testing.T) {
	d := NewDict()
	for _, entry := range [][2]Value{{Str("z"), NewInt(1)}, {NewInt(2), Float(3)}, {Bool(true), None{}}, {Str("a"), Tuple{Str("é")}}} {
		if err := d.Set(entry[0], entry[1]); err != nil {
			t.Fatal(err)
		}
	}
	plain, err := Plain(List{d, Float(1e16)})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(plain)
	if err != nil {
		t.Fatal(err)
	}
	if want := `[{"z":1,"2":3.0,"true":null,"a":["é"]},1e+16]`; string(text) != want {
		t.Errorf("got %s, want %s", text, want)
	}
	for name, v := range map[string]Value{"NaN": Float(math.NaN()), "infinity in a list": List{Float(math.Inf(-1))}, "bytes": Bytes("a"), "a set": Set{}, "a complex number": Complex(1i)} {
		if plain, err := Plain(v); err == nil {
			t.Errorf("%s: got %v, want an error", name, plain)
		}
	}
}

func FuzzParseJSON(f *testing.F) {
	for _, seed := range []string{`{"a": [1, 2.5, "x", null, true]}`, "NaN", `"\ud800"`, "[[[]]]", "-0.0e-5", "{}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		v, err := ParseJSON(body)
		if json.Valid(body) && err != nil && len(body) < 1000 {
			t.Errorf("%q is JSON: %v", body, err)
		}
		if err != nil {
			return
		}
		plain, err := Plain(v)
		if err != nil {
			return
		}
		text, err := json.Marshal(plain)
		if err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		if _, err := ParseJSON(text); err != nil {
			t.Errorf("%q is written as %q: %v", body, text, err)
		}
	})
}
