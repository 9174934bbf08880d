package nexus

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// goldenValue is a row of testdata/golden.json, which h5py wrote.
type goldenValue struct {
	Kind        string
	Size        int
	Shape       []int
	Null        bool
	Unsupported bool
	Missing     bool
	Data        []any
	Children    []string
	Attributes  map[string]goldenValue
}

func readGolden(t *testing.T) map[string]map[string]goldenValue {
	t.Helper()
	b, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var g map[string]map[string]goldenValue
	if err := json.Unmarshal(b, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

func openTestFile(t testing.TB, path string) *File {
	t.Helper()
	f, err := Open(t.Context(), path, OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// TestRead_EveryValueIsThatOfH5py compares structure, types and values of all
// datasets and attributes, through all links, with h5py.
func TestRead_EveryValueIsThatOfH5py(t *testing.T) {
	for name, paths := range readGolden(t) {
		t.Run(name, func(t *testing.T) {
			f := openTestFile(t, filepath.Join("testdata", name))
			for path, want := range paths {
				t.Run(path, func(t *testing.T) { checkObject(t, f, path, want) })
			}
		})
	}
}

func checkObject(t *testing.T, f *File, path string, want goldenValue) {
	if f.Exists(path) == want.Missing {
		t.Errorf("exists: %v", !want.Missing)
	}
	if want.Missing {
		if _, err := f.Read(path); !errors.Is(err, ErrNotFound) {
			t.Errorf("read: %v", err)
		}
		return
	}
	if isGroup := f.IsGroup(path); isGroup != (want.Children != nil) {
		t.Errorf("is a group: %v", isGroup)
	}
	if want.Children != nil {
		got, err := f.Children(path)
		if err != nil || !slices.Equal(got, want.Children) {
			t.Errorf("children %q, %v; want %q", got, err, want.Children)
		}
	} else {
		v, err := f.Read(path)
		checkValue(t, v, err, want)
		checkDescription(t, f, path, v)
	}
	got, err := f.Attrs(path)
	if err != nil || len(got) != len(want.Attributes) {
		t.Errorf("attributes %q, %v; want %d", got, err, len(want.Attributes))
	}
	for name, want := range want.Attributes {
		v, err := f.Attr(path, name)
		checkValue(t, v, err, want)
	}
}

var goldenKinds = map[string]Kind{
	"int": Int, "uint": Uint, "float": Float, "bool": Bool, "enum": Enum, "fixed": FixedString, "text": VarString,
	"complex": Complex, "compound": Compound,
}

func checkValue(t *testing.T, v Value, err error, want goldenValue) {
	t.Helper()
	if want.Unsupported {
		if !errors.Is(err, ErrUnsupported) {
			t.Errorf("error %v, want %v", err, ErrUnsupported)
		}
		return
	}
	if err != nil {
		t.Error(err)
		return
	}
	if v.Type.Kind != goldenKinds[want.Kind] || want.Size != 0 && v.Type.Kind != Compound && v.Type.Size != want.Size {
		t.Errorf("type %+v, want %s of %d bytes", v.Type, want.Kind, want.Size)
	}
	if v.Null != want.Null || !slices.Equal(v.Shape, want.Shape) {
		t.Errorf("shape %v, null %v; want %v, %v", v.Shape, v.Null, want.Shape, want.Null)
	}
	if (v.Shape == nil) != (len(want.Shape) == 0) {
		t.Errorf("shape %#v; nil is for scalars alone", v.Shape)
	}
	if want.Null {
		if v.Data != nil {
			t.Errorf("data of an empty dataspace: %v", v.Data)
		}
		return
	}
	if got := golden(v); !reflect.DeepEqual(got, want.Data) {
		t.Errorf("data\n got %.300v\nwant %.300v", got, want.Data)
	}
}

func checkDescription(t *testing.T, f *File, path string, v Value) {
	t.Helper()
	d, err := f.Describe(path)
	if err != nil || d.Group || d.Dangling || d.Null != v.Null || d.TypeName == "" || !slices.Equal(d.Shape, v.Shape) {
		t.Errorf("description %+v, %v", d, err)
	}
	if d.Type != v.Type {
		t.Errorf("described type %+v, read type %+v", d.Type, v.Type)
	}
}

// golden writes a value in the form of golden.json.
func golden(v Value) []any {
	out := []any{}
	for i := range reflect.ValueOf(v.Data).Len() {
		out = append(out, goldenElement(reflect.ValueOf(v.Data).Index(i).Interface()))
	}
	return out
}

func goldenElement(x any) any {
	switch x := x.(type) {
	case float64:
		return double(x)
	case complex128:
		return double(real(x)) + double(imag(x))
	case string:
		return hex.EncodeToString([]byte(x))
	case Record:
		var out []any
		for _, m := range x {
			shape := []any{}
			for _, d := range m.Value.Shape {
				shape = append(shape, float64(d))
			}
			out = append(out, []any{m.Name, shape, golden(m.Value)})
		}
		return out
	}
	return fmt.Sprint(x)
}

func double(x float64) string {
	if math.IsNaN(x) {
		return "7ff8000000000000"
	}
	return fmt.Sprintf("%016x", math.Float64bits(x))
}

// TestRead_SharedFiles reads all of the two real files of the acceptance data.
func TestRead_SharedFiles(t *testing.T) {
	shared := os.Getenv("INGESTOR_SHARED")
	if shared == "" {
		t.Skip("INGESTOR_SHARED does not name the folder of the shared acceptance data")
	}
	for name, atLeast := range map[string]int{"small-coda.hdf": 43, "small-ymir.hdf": 57} {
		t.Run(name, func(t *testing.T) {
			f := openTestFile(t, filepath.Join(shared, "acceptance", "data", name))
			paths := datasets(t, f)
			if len(paths) < atLeast {
				t.Errorf("%d datasets, want %d", len(paths), atLeast)
			}
			for _, p := range paths {
				if _, err := f.Read(p); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// datasets lists the paths of all datasets; links into a group on the way there
// are not followed.
func datasets(t testing.TB, f *File) []string {
	t.Helper()
	var out []string
	var walk func(path string, above []ObjectID)
	walk = func(path string, above []ObjectID) {
		d, err := f.Describe(path)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case d.Dangling || slices.Contains(above, d.ID):
		case !d.Group:
			out = append(out, path)
		default:
			names, err := f.Children(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range names {
				walk(strings.TrimSuffix(path, "/")+"/"+n, append(above, d.ID))
			}
		}
	}
	walk("/", nil)
	return out
}
