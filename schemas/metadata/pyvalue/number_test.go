package pyvalue

import (
	"math"
	"strings"
	"testing"
)

func TestParseInt_ReadsTextsAsPythonDoes(t *testing.T) {
	for text, want := range map[string]string{
		" 42\n": "42", "+5": "5", "-7": "-7", "007": "7", "1_000": "1000", "٤٢": "42", "123456789012345678901234567890": "123456789012345678901234567890",
	} {
		if got, err := ParseInt(text); err != nil || got.String() != want {
			t.Errorf("%q: got %v, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", " ", "3.0", "0x10", "1e3", "1__0", "_1", "1_", "+", "- 1", "½", strings.Repeat("9", 4301)} {
		if got, err := ParseInt(text); err == nil {
			t.Errorf("%q: got %v, want an error", text, got)
		}
	}
}

func TestParseFloat_ReadsTextsAsPythonDoes(t *testing.T) {
	for text, want := range map[string]string{
		" 1e3 ": "1000.0", ".5": "0.5", "5.": "5.0", "-0": "-0.0", "1_0.2_5": "10.25", "Infinity": "inf", "-inf": "-inf", "+NaN": "nan", "1e400": "inf", "١٫٥": "",
		"1e16": "1e+16", "0.0001": "0.0001", "0.00001": "1e-05", "5e-324": "5e-324", "123456789012345680": "1.2345678901234568e+17",
	} {
		got, err := ParseFloat(text)
		if want == "" {
			if err == nil {
				t.Errorf("%q: got %v, want an error", text, got)
			}
			continue
		}
		if err != nil || Repr(got) != want {
			t.Errorf("%q: got %v, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "0x1p3", "1e", "e5", ".", "1,5", "infinit", "1__0"} {
		if got, err := ParseFloat(text); err == nil {
			t.Errorf("%q: got %v, want an error", text, got)
		}
	}
}

func TestToInt_CutsTowardsZero(t *testing.T) {
	for f, want := range map[Float]string{2.9: "2", -2.9: "-2", 1e22: "10000000000000000000000"} {
		if got, err := ToInt(f); err != nil || got.String() != want {
			t.Errorf("%v: got %v, %v", f, got, err)
		}
	}
	for name, v := range map[string]Value{"NaN": Float(math.NaN()), "infinity": Float(math.Inf(1)), "a list": List{}, "nothing": None{}} {
		if got, err := ToInt(v); err == nil {
			t.Errorf("%s: got %v, want an error", name, got)
		}
	}
}

func TestText_OfNumpyNumbersHasTheirPrecision(t *testing.T) {
	for want, s := range map[string]Scalar{
		"0.1": {'f', 4, Float(float32(0.1))}, "1e+06": {'f', 4, Float(1e6)}, "999999.0": {'f', 4, Float(999999)}, "1.1": {'f', 2, Float(1.099609375)},
		"1e+03": {'f', 2, Float(1000)}, "0.10000000000000000555": {'f', 16, Float(0.1)}, "7": {'i', 1, NewInt(7)}, "True": {'b', 1, Bool(true)}, "b'ab'": {'S', 2, Bytes("ab")},
	} {
		if got := Text(s); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestText_OfArraysIsNumpysLayout(t *testing.T) {
	long := Array{Kind: 'i', Size: 8, Shape: []int{1001}}
	for i := range 1001 {
		long.Elements = append(long.Elements, NewInt(int64(i)))
	}
	for name, row := range map[string]struct {
		array Array
		want  string
	}{
		"integers are padded":           {Array{'i', 4, []int{3}, []Value{NewInt(1), NewInt(-20), NewInt(300)}}, "[  1 -20 300]"},
		"floats are aligned":            {Array{'f', 8, []int{3}, []Value{Float(1.5), Float(20), Float(0.125)}}, "[ 1.5   20.     0.125]"},
		"an exponent for numbers apart": {Array{'f', 8, []int{2}, []Value{Float(1.1), Float(1e30)}}, "[1.1e+00 1.0e+30]"},
		"not finite":                    {Array{'f', 8, []int{3}, []Value{Float(1), Float(math.NaN()), Float(math.Inf(1))}}, "[ 1. nan inf]"},
		"booleans":                      {Array{'b', 1, []int{2}, []Value{Bool(true), Bool(false)}}, "[ True False]"},
		"rows":                          {Array{'i', 8, []int{2, 1, 2}, []Value{NewInt(0), NewInt(1), NewInt(2), NewInt(3)}}, "[[[0 1]]\n\n [[2 3]]]"},
		"texts are bytes":               {Array{'O', 0, []int{2}, []Value{Bytes("a"), Bytes("é")}}, `[b'a' b'\xc3\xa9']`},
		"long ones are cut":             {long, "[   0    1    2 ...  998  999 1000]"},
		"empty":                         {Array{'f', 8, []int{0}, nil}, "[]"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Text(row.array); got != row.want {
				t.Errorf("got\n%s\nwant\n%s", got, row.want)
			}
		})
	}
}

func FuzzNumbers(f *testing.F) {
	for _, seed := range []string{"42", " -1_000 ", "1e5", "nan", "٤٢", "0x10", ".5e-3"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		i, intErr := ParseInt(text)
		fl, floatErr := ParseFloat(text)
		if intErr == nil {
			if floatErr != nil {
				t.Errorf("%q is the integer %s but no number: %v", text, i, floatErr)
			}
			if again, err := ParseInt(i.String()); err != nil || again.String() != i.String() {
				t.Errorf("%q: %v, %v", text, again, err)
			}
		}
		if floatErr == nil {
			if again, err := ParseFloat(Repr(fl)); err != nil || again != fl && !math.IsNaN(float64(fl)) {
				t.Errorf("%q: %v, %v", text, again, err)
			}
		}
	})
}
