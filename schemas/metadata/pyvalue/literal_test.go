package pyvalue

import (
	"strings"
	"testing"
)

func TestParseLiteral_ReadsWhatPythonReads(t *testing.T) {
	for name, row := range map[string]struct{ text, repr string }{
		"integers have any size":                {"123456789012345678901234567890", "123456789012345678901234567890"},
		"integers may hold underscores":         {"1_000", "1000"},
		"integers of other bases":               {"[0x1F, 0o17, 0b11]", "[31, 15, 3]"},
		"floats print the shortest text":        {"[1e5, .5, 5., 1e22, 1e-05]", "[100000.0, 0.5, 5.0, 1e+22, 1e-05]"},
		"a sum is only a complex number":        {"-1+2j", "(-1+2j)"},
		"texts in both quotes":                  {`['a', "it's"]`, `['a', "it's"]`},
		"texts side by side are one":            {"'a' 'b'", "'ab'"},
		"escapes":                               {`'\x41\u00e9\n\101\q'`, `'Aé\nA\\q'`},
		"raw texts keep their backslashes":      {`r'\n'`, `'\\n'`},
		"bytes":                                 {`b'a\x00'`, `b'a\x00'`},
		"a text over several lines":             {"'''a\nb'''", `'a\nb'`},
		"a tuple of one has a comma":            {"(1,)", "(1,)"},
		"parentheses alone make no tuple":       {"(1)", "1"},
		"a tuple needs no parentheses":          {"1, 2", "(1, 2)"},
		"sets lose what is there twice":         {"{2, 1, 2}", "{1, 2}"},
		"the empty set is a call":               {"set()", "set()"},
		"the last of equal keys counts":         {"{1: 'a', 1.0: 'b', True: 'c'}", "{1: 'c'}"},
		"nested":                                {"{'a': [1, {'b': None}], 'c': (True,)}", "{'a': [1, {'b': None}], 'c': (True,)}"},
		"space and comments between brackets":   {"[1, # one\n 2]", "[1, 2]"},
		"space before the text is passed over":  {" \t[]", "[]"},
		"a set of numbers as its hash table is": {"{9, 8, 1}", "{8, 9, 1}"},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := ParseLiteral(row.text)
			if err != nil || Repr(v) != row.repr {
				t.Errorf("%s: got %v, %v, want %s", row.text, v, err, row.repr)
			}
		})
	}
}

func TestParseLiteral_RefusesWhatPythonRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"a name": "abc", "nothing": "", "an expression": "1+2", "a call": "list()", "an attribute": "a.b",
		"an unclosed list": "[1,", "two values": "1 2", "leading zeros": "007", "a double sign": "--1",
		"a sign before True": "-True", "text beside bytes": "'a' b'b'", "a formatted text": "f'a'",
		"a list as a key": "{[]: 1}", "a named character": `'\N{BULLET}'`, "a broken escape": `'\x4'`,
		"an unclosed text": "'a", "a line end in a text": "'a\nb'", "too deep": strings.Repeat("[", 300) + strings.Repeat("]", 300),
		"an indented line": "\n 1", "a second line": "1\n2", "a zero byte": "'\x00'",
	} {
		t.Run(name, func(t *testing.T) {
			if v, err := ParseLiteral(text); err == nil {
				t.Errorf("%q: got %s, want an error", text, Repr(v))
			}
		})
	}
}

func FuzzParseLiteral(f *testing.F) {
	for _, seed := range []string{"[1, 2.5, 'a']", "{'a': (1,), 2: {3}}", "1+2j", "b'\\x00' b'a'", "'''a''' \"b\"", "[\n#c\n1,\n]", "set()", "\\\n1", "0x_f", "..."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := ParseLiteral(text)
		if err != nil {
			return
		}
		// What was read prints as a literal that reads as the same again, but for
		// complex numbers, which lose the signs of zeros in Python, too.
		repr := Repr(v)
		if strings.Contains(repr, "inf") || strings.Contains(repr, "nan") || strings.Contains(repr, `\udc`) || strings.Contains(repr, "Ellipsis") || strings.Contains(repr, "j") {
			return
		}
		again, err := ParseLiteral(repr)
		if err != nil || Repr(again) != repr {
			t.Errorf("%q reads as %s, which reads as %v, %v", text, repr, again, err)
		}
	})
}
