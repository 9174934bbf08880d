package metadata

import (
	"fmt"
	"strings"
	"testing"

	"ingestor/internal/nexus"
	"ingestor/schemas/metadata/pyvalue"
)

func TestGlobMatch_FitsTheWholeName(t *testing.T) {
	for pattern, row := range map[string]struct{ yes, no string }{
		"user_*": {"user_ user_1 user_10", "Xuser_1 user"}, "*user": {"user a_user", "users"}, "*_1*": {"a_1 _1 a_1_1b", "a1"},
		"det_?": {"det_1 det_é", "det_ det_10"}, "*": {"a abc", ""}, "**": {"a", ""}, "a.1*": {"a.1 a.12", "ab1"}, "[ab]*": {"[ab]c", "a b"}, "?*": {"a ab", ""}, "a*b*c": {"abc aXbYc abbcc", "ab acb"},
	} {
		for _, name := range strings.Fields(row.yes) {
			if !globMatch(pattern, name) {
				t.Errorf("%s does not fit %s", name, pattern)
			}
		}
		for _, name := range strings.Fields(row.no) {
			if globMatch(pattern, name) {
				t.Errorf("%s fits %s", name, pattern)
			}
		}
	}
}

func wildcardFile() *memoryFile {
	return &memoryFile{values: map[string]nexus.Value{
		"/entry/user_1/name": text1("one"), "/entry/user_10/name": fixed("ten"), "/entry/user_2/name": text1("two"), "/entry/user_3/mail": text1("x"),
		"/entry/Xuser_/name": text1("X"), "/entry/user_1/role/a/name": text1("ra"), "/entry/user_2/role/b/name": text1("rb"),
		"/entry/num/d_1/v": int1(4), "/entry/num/d_2/v": text1("s"), "/entry/leaf/a": text1("va"), "/entry/leaf/b": text1("vb"), "/entry/leaf/g/x": text1("no"),
		"/entry/bad/a": text1("caf\xe9"), "/entry/list/a": texts("p", "q"), "/entry/list/b": texts("r"), "/entry/is?it": texts("yes"),
	}}
}

func TestWildcards(t *testing.T) {
	for path, want := range map[string]string{
		"/entry/user_*/name":         "['one', 'ten', 'two']",
		"entry/user_*/name":          "['one', 'ten', 'two']",
		"//entry/user_?/name/":       "['one', 'two']",
		"/*/user_*/role/*/name":      "['ra', 'rb']",
		"/entry/leaf/*":              "['va', 'vb']",
		"/entry/leaf/?":              "['va', 'vb']",
		"/entry/none_*/name":         "[]",
		"/entry/user_1/name/*":       "group not found",
		"/entry/nowhere/u_*/name":    "group not found",
		"/entry/num/d_*/v":           "integers",
		"/entry/bad/*":               "UTF-8",
		"/entry/list/*":              "2 texts",
		"/entry/list/b*":             "['r']",
		"/entry/is?it":               "['yes']",
		"/entry/user_*/name/deeper*": "[]",
	} {
		result := evaluatedOn(t, wildcardFile(), "v: {source: NXS, path: '"+path+"', value_type: 'string[]', unit: u}", "")
		v := variableOf(t, result, "v")
		if v.Failure != nil {
			if strings.HasPrefix(want, "[") || !strings.Contains(v.Failure.Reason, want) {
				t.Errorf("%s: %v, want %s", path, v.Failure, want)
			}
			continue
		}
		if got := v.Text(); got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
	result := evaluatedOn(t, wildcardFile(), "v: {source: NXS, path: '/entry/user_*/name', value_type: string}", "")
	if variableOf(t, result, "v").Failure == nil {
		t.Error("wildcards need the type string[]")
	}
}

func TestFileValues(t *testing.T) {
	f4 := nexus.Value{Type: nexus.Type{Kind: nexus.Float, Size: 4}, Shape: []int{2}, Data: []float64{float64(float32(0.1)), 2}}
	record := nexus.Value{Type: nexus.Type{Kind: nexus.Compound}, Data: []nexus.Record{{{Name: "a", Value: int1(1)}, {Name: "b", Value: float1(2.5, 4)}, {Name: "c", Value: fixed("ab")}, {Name: "d", Value: ints(1, 2)}}}}
	empty := nexus.Value{Type: nexus.Type{Kind: nexus.Float, Size: 8, BigEndian: true}, Null: true}
	opaque := nexus.Value{Type: nexus.Type{Kind: nexus.Opaque, Size: 2}, Data: []string{"\x00\x01"}}
	for name, row := range map[string]struct {
		value nexus.Value
		types map[string]string
	}{
		"a text":                  {text1("42"), map[string]string{"string": "42", "integer": "42", "float": "42.0", "email": "b'42'", "string[]": "['42']", "integer[]": "[42]", "list": "!", "date": "!"}},
		"a text that is no UTF-8": {text1("\xff"), map[string]string{"string": "!", "string[]": "!", "email": `b'\xff'`, "date": "!"}},
		"an array of one text":    {texts("a"), map[string]string{"string": "a", "string[]": "['a']", "link": "b'a'"}},
		"an array of texts":       {fixed("a", "b"), map[string]string{"string": "!", "string[]": "['a', 'b']", "email": "[b'a' b'b']", "date": "None", "list": "!"}},
		"a number":                {int1(7), map[string]string{"string": "!", "integer": "7", "float": "7.0", "email": "7", "string[]": "['7']", "date": "1970-01-01T00:00:07+00:00", "none": "!"}},
		"a single float":          {float1(float64(float32(0.1)), 4), map[string]string{"float": "0.10000000149011612", "email": "0.10000000149011612", "string[]": "['0.1']", "integer": "0"}},
		"an array of floats":      {f4, map[string]string{"float": "!", "float[]": "[0.10000000149011612, 2.0]", "string[]": "['0.1', '2.0']", "link": "[0.1 2. ]", "integer[]": "[0, 2]", "dict": "!"}},
		"an array of one integer": {ints(5), map[string]string{"integer": "5", "date": "None", "integer[]": "[5]", "string[]": "['5']"}},
		"a record":                {record, map[string]string{"string": "!", "email": "(1, 2.5, b'ab', [1, 2])", "dict": "!", "integer": "!"}},
		"an empty dataset":        {empty, map[string]string{"string": "!", "float": "!", "email": "Empty(dtype=dtype('>f8'))", "date": "None"}},
		"opaque bytes":            {opaque, map[string]string{"string": "\x00\x01", "email": `b'\x00\x01'`, "integer": "!"}},
		"an unknown type":         {int1(1), map[string]string{"text": "!", "string []": "!"}},
	} {
		t.Run(name, func(t *testing.T) {
			for typeName, want := range row.types {
				result := evaluatedOn(t, &memoryFile{values: map[string]nexus.Value{"/v": row.value}}, "v: {source: NXS, path: v, value_type: '"+typeName+"'}", "")
				v := variableOf(t, result, "v")
				switch {
				case want == "!" && v.Failure == nil:
					t.Errorf("%s: got %s, want a failure", typeName, v.Text())
				case want != "!" && (v.Failure != nil || v.Text() != want):
					t.Errorf("%s: got %q %v, want %q", typeName, v.Text(), v.Failure, want)
				}
			}
		})
	}
}

func TestUnits_OfEveryKindOfAttribute(t *testing.T) {
	for name, row := range map[string]struct {
		attribute *nexus.Value
		want      string
		warns     bool
	}{
		"none":                      {nil, "own", false},
		"a text":                    {pointer(text1("µm")), "µm", false},
		"an empty text":             {pointer(text1("")), "", false},
		"bytes":                     {pointer(fixed("mm")), "mm", false},
		"an integer":                {pointer(int1(7)), "7", false},
		"a float":                   {pointer(float1(2.5, 8)), "2.5", false},
		"a single float":            {pointer(float1(float64(float32(0.1)), 4)), "0.1", false},
		"an array of one text":      {pointer(texts("kg")), "kg", false},
		"an array of one number":    {pointer(ints(3)), "3", false},
		"an array of two":           {pointer(texts("a", "b")), "own", true},
		"bytes that are not UTF-8":  {pointer(fixed("\xb5m")), "own", true},
		"an empty attribute":        {&nexus.Value{Type: nexus.Type{Kind: nexus.VarString}, Null: true}, "own", true},
		"an attribute of bad shape": {&nexus.Value{Type: nexus.Type{Kind: nexus.Int}, Shape: []int{2}, Data: []int64{1}}, "own", true},
	} {
		t.Run(name, func(t *testing.T) {
			file := &memoryFile{values: map[string]nexus.Value{"/v": float1(1.5, 8)}}
			if row.attribute != nil {
				file.values["/v@units"] = *row.attribute
			}
			result := evaluatedOn(t, file, "v: {source: NXS, path: /v, value_type: float, unit: own}", "")
			if v := variableOf(t, result, "v"); v.Unit != row.want || (len(result.Warnings) > 0) != row.warns {
				t.Errorf("got %q, %v, want %q", v.Unit, result.Warnings, row.want)
			}
		})
	}
}

func pointer(v nexus.Value) *nexus.Value { return &v }

func TestReader_ReadsEachDatasetOnce(t *testing.T) {
	file := wildcardFile()
	evaluatedOn(t, file, `a: {source: NXS, path: /entry/leaf/a, value_type: string}
b: {source: NXS, path: entry//leaf/a/, value_type: 'string[]'}
c: {source: NXS, path: '/entry/leaf/*', value_type: 'string[]'}
d: {source: NXS, path: '/entry/l*/b', value_type: 'string[]'}`, "")
	if n := file.reads.Load(); n != 3 {
		t.Errorf("%d reads of 3 datasets", n)
	}
}

func TestDate_OfWhatIsNoDateIsNothing(t *testing.T) {
	for _, v := range []pyvalue.Value{pyvalue.List{}, pyvalue.NewDict(), pyvalue.None{}, pyvalue.Scalar{Kind: 'i', Size: 8, Item: pyvalue.NewInt(1)}} {
		if got, err := convert(v, "date"); err != nil || fmt.Sprint(got) != fmt.Sprint(pyvalue.None{}) {
			t.Errorf("%v: got %v, %v", v, got, err)
		}
	}
}
