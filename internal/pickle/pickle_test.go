package pickle

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"os"
	"strings"
	"testing"
)

type testCase struct {
	Name     string
	Protocol int
	Pickle   []byte
	Want     string
}

func measured(t testing.TB) []testCase {
	t.Helper()
	b, err := os.ReadFile("testdata/cases.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []testCase }
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	return file.Cases
}

// canon writes a value as testdata/make.py does.
func canon(v any) string {
	list := func(items []any) string {
		texts := make([]string, len(items))
		for i, item := range items {
			texts[i] = canon(item)
		}
		return strings.Join(texts, ",")
	}
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		return strings.ToUpper(fmt.Sprint(v)[:1]) + fmt.Sprint(v)[1:]
	case int64:
		return fmt.Sprint(v)
	case *big.Int:
		return v.String()
	case float64:
		if math.IsNaN(v) {
			return "nan"
		}
		return fmt.Sprintf("f%016x", math.Float64bits(v))
	case string:
		return "s" + hex.EncodeToString([]byte(v))
	case Bytes:
		return "b" + hex.EncodeToString(v)
	case *List:
		return "[" + list(v.Items) + "]"
	case *Tuple:
		return "(" + list(v.Items) + ")"
	case *Dict:
		pairs := make([]string, len(v.Keys))
		for i := range pairs {
			pairs[i] = canon(v.Keys[i]) + ":" + canon(v.Values[i])
		}
		return "{" + strings.Join(pairs, ",") + "}"
	}
	return "opaque"
}

func TestLoad_ReadsWhatPythonReads(t *testing.T) {
	for _, c := range measured(t) {
		t.Run(fmt.Sprintf("%s in protocol %d", c.Name, c.Protocol), func(t *testing.T) {
			v, err := Load(c.Pickle, Limits{})
			got := canon(v)
			if err != nil {
				got = "invalid"
			}
			if got != c.Want {
				// A bytearray, a set or a builtin of protocol 0 to 3 is a call, which stays opaque.
				if got == "opaque" && c.Protocol >= 0 && strings.HasPrefix(c.Want, "b") {
					return
				}
				t.Errorf("%q reads as %.200s (%v), want %.200s", c.Pickle, got, err, c.Want)
			}
		})
	}
}

func TestLoad_ExecutesNothing(t *testing.T) {
	for name, p := range map[string]string{
		"reduce":     "cos\nsystem\n(S'touch /tmp/pwned'\ntR.",
		"inst":       "(S'touch /tmp/pwned'\nios\nsystem\n.",
		"obj":        "(cos\nsystem\nS'touch /tmp/pwned'\no.",
		"newobj":     "cos\nsystem\n(S'x'\nt\x81.",
		"newobj_ex":  "cos\nsystem\n(S'x'\nt}\x92.",
		"of results": "cos\nsystem\n)R)R.",
	} {
		v, err := Load([]byte(p), Limits{})
		if _, ok := v.(*Opaque); !ok || err != nil {
			t.Errorf("%s gives %T, %v; want a marker", name, v, err)
		}
	}
}

func TestLoad_NamesTheCallableOfANumpyScalar(t *testing.T) {
	p := "cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(S'f8'\nI00\nI01\ntRS'abcdefgh'\ntR."
	v, err := Load([]byte(p), Limits{})
	o, ok := v.(*Opaque)
	if err != nil || !ok || !o.Is("scalar", "numpy._core.multiarray", "numpy.core.multiarray") || o.Is("scalar", "os") {
		t.Fatalf("%#v, %v", v, err)
	}
	if args := o.Args.(*Tuple).Items; len(args) != 2 || args[1] != "abcdefgh" {
		t.Errorf("arguments %v", args)
	}
}

func TestLoad_SaysWhereItStopped(t *testing.T) {
	_, err := Load([]byte("N0\xff."), Limits{})
	var e *Error
	if !errors.As(err, &e) || e.Offset != 2 || e.Reason != reasonOpcode {
		t.Errorf("%v", err)
	}
}

func TestLoad_IsBounded(t *testing.T) {
	deep := strings.Repeat("(", 1<<20) + strings.Repeat("]t", 10) + "."
	for name, c := range map[string]struct {
		pickle string
		limits Limits
		reason string
	}{
		"too long":                    {"N" + strings.Repeat(" ", 100), Limits{Bytes: 100}, reasonSize},
		"too many values":             {strings.Repeat("N", 101), Limits{Objects: 100}, reasonObjects},
		"too many marks":              {strings.Repeat("(", 101), Limits{Objects: 100}, reasonObjects},
		"too many memos":              {"N" + strings.Repeat("\x94", 101), Limits{Objects: 100}, reasonObjects},
		"deep marks":                  {deep, Limits{}, reasonObjects},
		"a length beyond the end":     {"X\xff\xff\xff\xff", Limits{}, reasonEarlyEnd},
		"a length beyond 64 bits":     {"\x8d\xff\xff\xff\xff\xff\xff\xff\xff", Limits{}, reasonEarlyEnd},
		"a negative length":           {"T\xff\xff\xff\xff", Limits{}, reasonLength},
		"more digits than Python has": {"L1" + strings.Repeat("0", 5000) + "L\n.", Limits{}, reasonNumber},
		"a dict copied for ever":      {"}" + strings.Repeat("K\x01Ns", 50) + "q\x00" + strings.Repeat("cbuiltins\ndict\nh\x00\x85R", 50), Limits{Objects: 1000}, reasonObjects},
		"a text encoded for ever":     {"X\xe8\x03\x00\x00" + strings.Repeat("x", 1000) + "q\x00" + strings.Repeat("c_codecs\nencode\nh\x00U\x06latin1\x86R", 50), Limits{Objects: 1000}, reasonObjects},
	} {
		_, err := Load([]byte(c.pickle), c.limits)
		var e *Error
		if !errors.As(err, &e) || e.Reason != c.reason {
			t.Errorf("%s: %v, want %q", name, err, c.reason)
		}
	}
}

func TestDict_TheLastOfEqualKeysCounts(t *testing.T) {
	v, err := Load([]byte("}(U\x01aK\x01U\x01bK\x02U\x01aK\x03u."), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	d := v.(*Dict)
	if got, ok := d.Text("a"); !ok || got != int64(3) {
		t.Errorf("a is %v", got)
	}
	if _, ok := d.Text("c"); ok {
		t.Error("c is there")
	}
	if !d.OnlyText() {
		t.Error("a key is not text")
	}
	d.set(int64(1), nil)
	if d.OnlyText() {
		t.Error("1 is text")
	}
}

func TestLoad_TakesWhatHoldsItself(t *testing.T) {
	v, err := Load([]byte("]q\x00h\x00a."), Limits{})
	if l, ok := v.(*List); err != nil || !ok || len(l.Items) != 1 || l.Items[0] != any(l) {
		t.Errorf("%T, %v", v, err)
	}
}
