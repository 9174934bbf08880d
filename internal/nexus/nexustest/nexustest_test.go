package nexustest_test

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"ingestor/internal/nexus"
	"ingestor/internal/nexus/nexustest"
)

func write(t *testing.T, root nexustest.Group) *nexus.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.nxs")
	if err := nexustest.Write(path, root); err != nil {
		t.Fatal(err)
	}
	f, err := nexus.Open(t.Context(), path, nexus.OpenOptions{})
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

func TestWrite_EveryKindComesBack(t *testing.T) {
	for _, c := range []struct {
		name  string
		in    nexustest.Dataset
		typ   nexus.Type
		shape []int
		out   any
	}{
		{"text", nexustest.Dataset{Data: "é"}, nexus.Type{Kind: nexus.VarString, UTF8: true}, nil, []string{"é"}},
		{"texts", nexustest.Dataset{Data: []string{"a", "", "b"}}, nexus.Type{Kind: nexus.VarString, UTF8: true}, []int{3}, []string{"a", "", "b"}},
		{"no texts", nexustest.Dataset{Data: []string{}}, nexus.Type{Kind: nexus.VarString, UTF8: true}, []int{0}, []string{}},
		{"fixed", nexustest.Dataset{Data: nexustest.Fixed("abc")}, nexus.Type{Kind: nexus.FixedString, Size: 3}, nil, []string{"abc"}},
		{"fixed array", nexustest.Dataset{Data: []nexustest.Fixed{"a", "bcd"}}, nexus.Type{Kind: nexus.FixedString, Size: 3}, []int{2}, []string{"a", "bcd"}},
		{"int8", nexustest.Dataset{Data: int8(-128)}, nexus.Type{Kind: nexus.Int, Size: 1}, nil, []int64{-128}},
		{"int16 big-endian", nexustest.Dataset{Data: []int16{-2, 5}, BigEndian: true}, nexus.Type{Kind: nexus.Int, Size: 2, BigEndian: true}, []int{2}, []int64{-2, 5}},
		{"uint64", nexustest.Dataset{Data: uint64(math.MaxUint64)}, nexus.Type{Kind: nexus.Uint, Size: 8}, nil, []uint64{math.MaxUint64}},
		{"float32", nexustest.Dataset{Data: float32(0.1)}, nexus.Type{Kind: nexus.Float, Size: 4}, nil, []float64{float64(float32(0.1))}},
		{"half", nexustest.Dataset{Data: []nexustest.Half{1.5, -2}}, nexus.Type{Kind: nexus.Float, Size: 2}, []int{2}, []float64{1.5, -2}},
		{"half big-endian", nexustest.Dataset{Data: nexustest.Half(0.25), BigEndian: true}, nexus.Type{Kind: nexus.Float, Size: 2, BigEndian: true}, nil, []float64{0.25}},
		{"float64 in two dimensions", nexustest.Dataset{Data: []float64{1, 2, 3, 4}, Shape: []int{2, 2}}, nexus.Type{Kind: nexus.Float, Size: 8}, []int{2, 2}, []float64{1, 2, 3, 4}},
		{"bool", nexustest.Dataset{Data: []bool{true, false}}, nexus.Type{Kind: nexus.Bool, Size: 1}, []int{2}, []bool{true, false}},
		{"complex", nexustest.Dataset{Data: complex64(1 - 2i)}, nexus.Type{Kind: nexus.Complex, Size: 8}, nil, []complex128{1 - 2i}},
		{"compressed", nexustest.Dataset{Data: []int32{1, 2, 3, 4, 5}, Chunk: []int{2}, Gzip: 9, Shuffle: true}, nexus.Type{Kind: nexus.Int, Size: 4}, []int{5}, []int64{1, 2, 3, 4, 5}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.in.Name = "d"
			f := write(t, nexustest.Group{
				Children:   []nexustest.Node{c.in},
				Attributes: []nexustest.Attribute{{Name: "a", Data: c.in.Data, Shape: c.in.Shape}},
			})
			v, err := f.Read("/d")
			if err != nil || v.Type != c.typ || !slices.Equal(v.Shape, c.shape) || !reflect.DeepEqual(v.Data, c.out) {
				t.Errorf("%+v, %v", v, err)
			}
			a, err := f.Attr("/", "a")
			if err != nil || !slices.Equal(a.Shape, c.shape) || !reflect.DeepEqual(a.Data, c.out) {
				t.Errorf("attribute %+v, %v", a, err)
			}
		})
	}
}

func TestWrite_EmptyDataspaceOrderAndLinks(t *testing.T) {
	f := write(t, nexustest.Group{Children: []nexustest.Node{
		nexustest.Dataset{Name: "null", Data: nexustest.Null{Of: 1.5}, Units: "m"},
		nexustest.Group{Name: "ordered", TrackOrder: true, Children: []nexustest.Node{
			nexustest.Group{Name: "z"}, nexustest.Group{Name: "a"},
		}},
		nexustest.Group{Name: "sorted", Children: []nexustest.Node{nexustest.Group{Name: "z"}, nexustest.Group{Name: "a"}}},
		nexustest.SoftLink{Name: "soft", Target: "/ordered"},
		nexustest.HardLink{Name: "hard", Target: "null"},
		nexustest.ExternalLink{Name: "out", File: "x.nxs", Target: "/null"},
	}})
	for _, p := range []string{"/null", "/hard", "/out"} {
		if v, err := f.Read(p); err != nil || !v.Null || v.Type.Kind != nexus.Float {
			t.Errorf("%s: %+v, %v", p, v, err)
		}
	}
	if v, err := f.Attr("/hard", "units"); err != nil || !reflect.DeepEqual(v.Data, []string{"m"}) {
		t.Errorf("%+v, %v", v, err)
	}
	for p, want := range map[string][]string{"/ordered": {"z", "a"}, "/soft": {"z", "a"}, "/sorted": {"a", "z"}} {
		if got, err := f.Children(p); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v", p, got, err)
		}
	}
}

func TestWrite_MistakesAreErrorsAndLeaveNoFile(t *testing.T) {
	for name, n := range map[string]nexustest.Node{
		"shape":          nexustest.Dataset{Name: "d", Data: []int32{1, 2, 3}, Shape: []int{2, 2}},
		"type":           nexustest.Dataset{Name: "d", Data: map[string]int{}},
		"nothing":        nexustest.Dataset{Name: "d"},
		"chunk":          nexustest.Dataset{Name: "d", Data: []int32{1}, Chunk: []int{1, 1}},
		"name":           nexustest.Dataset{Data: 1},
		"parent missing": nexustest.Dataset{Name: "no/such", Data: 1},
		"attribute":      nexustest.Group{Name: "g", Attributes: []nexustest.Attribute{{Name: "a", Data: struct{}{}}}},
		"hard link":      nexustest.HardLink{Name: "h", Target: "nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.nxs")
			err := nexustest.Write(path, nexustest.Group{Children: []nexustest.Node{n}})
			if err == nil || !strings.Contains(err.Error(), path) {
				t.Error(err)
			}
			if _, err := os.Stat(path); err == nil {
				t.Error("a file is left")
			}
		})
	}
}

func TestRun_HasWhatSchemasAskFor(t *testing.T) {
	f := write(t, nexustest.Run(nexustest.RunInfo{Title: "Mine", RunNumber: 7}))
	for path, want := range map[string]any{
		"/entry/title": []string{"Mine"}, "/entry/entry_identifier": []string{"7"}, "/entry/experiment_identifier": []string{"443503"},
		"/entry/entry_identifier_uuid": []string{"7d4b2c1e-5a0f-4f7b-9a54-2f6f0e9c3d10"},
		"/entry/start_time":            []string{"2026-03-14T09:26:53.589Z"}, "/entry/end_time": []string{"2026-03-14T09:38:26.589Z"},
		"/entry/user_1/name": []string{"Ada Sjöberg"}, "/entry/instrument/name": []string{"ODIN"},
		"/entry/sample/temperature_log/value": []float64{293.15, 293.4, 293.25},
	} {
		if v, err := f.Read(path); err != nil || !reflect.DeepEqual(v.Data, want) {
			t.Errorf("%s: %v, %v", path, v.Data, err)
		}
	}
	if v, err := f.Attr("/entry/sample/temperature", "units"); err != nil || !reflect.DeepEqual(v.Data, []string{"K"}) {
		t.Errorf("%v, %v", v, err)
	}
	if v, err := f.Attr("/entry/user_2", "NX_class"); err != nil || !reflect.DeepEqual(v.Data, []string{"NXuser"}) {
		t.Errorf("%v, %v", v, err)
	}
	v, err := f.Read("/entry/data/data")
	if err != nil || v.Type != (nexus.Type{Kind: nexus.Uint, Size: 2}) || !slices.Equal(v.Shape, []int{4, 64, 64}) {
		t.Errorf("%+v %v, %v", v.Type, v.Shape, err)
	}
}

func TestRun_EqualInfoMakesEqualBytes(t *testing.T) {
	var files [2][]byte
	for i := range files {
		path := filepath.Join(t.TempDir(), "x.nxs")
		if err := nexustest.Write(path, nexustest.Run(nexustest.RunInfo{})); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[i] = b
	}
	if !bytes.Equal(files[0], files[1]) {
		t.Error("the files differ")
	}
}
