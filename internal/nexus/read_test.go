package nexus

import (
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"ingestor/internal/fault"
)

func TestRead_PathForms(t *testing.T) {
	f := openTestFile(t, "testdata/kinds.hdf")
	for _, p := range []string{"/entry/title", "entry/title", "//entry///title", "/entry/title/", "entry/title//", "/entry/./title"} {
		v, err := f.Read(p)
		if err != nil || !slices.Equal(v.Data.([]string), []string{"title"}) {
			t.Errorf("%q: %v, %v", p, v, err)
		}
	}
	for _, p := range []string{"", "/", "//"} {
		names, err := f.Children(p)
		if err != nil || !slices.Equal(names, []string{"entry"}) || !f.IsGroup(p) || !f.Exists(p) {
			t.Errorf("%q: %v, %v", p, names, err)
		}
		d, err := f.Describe(p)
		if err != nil || !d.Group {
			t.Errorf("%q: %+v, %v", p, d, err)
		}
	}
}

func TestRead_Failures(t *testing.T) {
	f := openTestFile(t, "testdata/kinds.hdf")
	for _, c := range []struct {
		path string
		is   error
		text string
	}{
		{"/entry/k/nothing", ErrNotFound, "doesn't exist"},
		{"/nowhere/at/all", ErrNotFound, "component not found"},
		{"/entry/k/s_i4/below", ErrNotFound, ""},
		{"/entry/k/soft_broken", ErrNotFound, "component not found"},
		{"/entry/k/ext_broken", ErrNotFound, "nope.hdf"},
		{"/entry/title\x00x", ErrNotFound, "NUL"},
		{"/entry/k", nil, "is a group"},
		{"/", nil, "is a group"},
		{"/entry/k/opaque", ErrUnsupported, "opaque"},
		{"/entry/k/ref", ErrUnsupported, "object reference"},
		{"/entry/k/regref", ErrUnsupported, "region reference"},
		{"/entry/k/vlen_i", ErrUnsupported, "sequence"},
	} {
		_, err := f.Read(c.path)
		if err == nil || c.is != nil && !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%q: %v", c.path, err)
			continue
		}
		if c.is == nil && (errors.Is(err, ErrNotFound) || errors.Is(err, ErrUnsupported)) {
			t.Errorf("%q: wrongly marked: %v", c.path, err)
		}
		if !strings.HasPrefix(err.Error(), c.path) || fault.KindOf(err) != fault.BadInput {
			t.Errorf("%q: %v: %v", c.path, fault.KindOf(err), err)
		}
	}
	if _, err := f.Attr("/entry/title", "units"); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if _, err := f.Attr("/entry/nothing", "units"); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if _, err := f.Attr("/entry/k/u_str", "units\x00"); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if _, err := f.Children("/entry/title"); err == nil || errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if _, err := f.Children("/nothing"); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if _, err := f.Describe("/nothing"); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}

func TestRead_MissingFilterIsNamed(t *testing.T) {
	f := openTestFile(t, "testdata/plugin.hdf")
	_, err := f.Read("/filtered")
	if err == nil || !strings.Contains(err.Error(), "needs the HDF5 filter 333") || !strings.Contains(err.Error(), "HDF5_PLUGIN_PATH") {
		t.Error(err)
	}
	if _, err := f.Read("/plain"); err != nil {
		t.Error(err)
	}
}

// TestRead_WhatComesWithUnsupported: the value that the parity tables of the
// peer show for such types is there for who wants it.
func TestRead_WhatComesWithUnsupported(t *testing.T) {
	f := openTestFile(t, "testdata/kinds.hdf")
	if v, _ := f.Read("/entry/k/opaque"); v.Type.Kind != Opaque || !slices.Equal(v.Data.([]string), []string{"\x00\x01\x02"}) {
		t.Errorf("%+v", v)
	}
	v, _ := f.Read("/entry/k/vlen_i")
	parts, ok := v.Data.([]Value)
	if v.Type.Kind != Sequence || !ok || len(parts) != 2 || !slices.Equal(parts[0].Data.([]int64), []int64{1, 2}) || !slices.Equal(parts[1].Data.([]int64), []int64{3}) {
		t.Errorf("%+v", v)
	}
	if v, _ := f.Read("/entry/k/ref"); v.Type.Kind != Reference || v.Data != nil {
		t.Errorf("%+v", v)
	}
	if v, _ := f.Read("/entry/k/regref"); v.Type.Kind != RegionReference || v.Data != nil {
		t.Errorf("%+v", v)
	}
}

func TestRead_TypesAsDeclared(t *testing.T) {
	f := openTestFile(t, "testdata/kinds.hdf")
	for path, want := range map[string]Type{
		"s_be_i4": {Kind: Int, Size: 4, BigEndian: true}, "s_be_f8": {Kind: Float, Size: 8, BigEndian: true},
		"s_f2": {Kind: Float, Size: 2}, "f16_ld": {Kind: Float, Size: 16}, "s_u1": {Kind: Uint, Size: 1},
		"bool_t": {Kind: Bool, Size: 1}, "enum_a": {Kind: Enum, Size: 1}, "c8": {Kind: Complex, Size: 8},
		"str_f_pad10": {Kind: FixedString, Size: 10}, "str_f_utf8_10": {Kind: FixedString, Size: 10, UTF8: true},
	} {
		v, err := f.Read("/entry/k/" + path)
		if err != nil || v.Type != want {
			t.Errorf("%s: %+v, %v; want %+v", path, v.Type, err, want)
		}
	}
	for path, utf8 := range map[string]bool{"str_v_utf8": true, "str_v_ascii": false} {
		v, err := f.Read("/entry/k/" + path)
		if err != nil || v.Type.Kind != VarString || v.Type.UTF8 != utf8 {
			t.Errorf("%s: %+v, %v", path, v.Type, err)
		}
	}
}

func TestRead_LimitOfMemory(t *testing.T) {
	f, err := Open(t.Context(), "testdata/extra.hdf", OpenOptions{MaxBytes: 4000})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for path, ok := range map[string]bool{
		"/be_i4": true, "/gzip9_2d": false, "/lzf": false, "/text_many": false, "/text_long": false, "/compound_deep": true,
	} {
		v, err := f.Read(path)
		if (err == nil) != ok {
			t.Errorf("%s: %v", path, err)
		}
		if !ok && (!strings.Contains(err.Error(), "too large") || !strings.Contains(err.Error(), "4000 bytes") || v.Data != nil) {
			t.Errorf("%s: %v, %v", path, v.Data, err)
		}
	}
}

func TestDescribe_LinksStorageAndNames(t *testing.T) {
	f := openTestFile(t, "testdata/extra.hdf")
	describe := func(path string) Description {
		d, err := f.Describe(path)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for path, want := range map[string]Link{
		"/loop":           {Kind: SoftLink, Target: "/loop"},
		"/through":        {Kind: SoftLink, Target: "é group"},
		"/external_group": {Kind: ExternalLink, Target: "/g", File: "ext_target.hdf"},
		"/be_i4":          {Kind: HardLink},
		"/through/ä":      {Kind: HardLink},
	} {
		if got := describe(path).Link; got != want {
			t.Errorf("%s: %+v, want %+v", path, got, want)
		}
	}
	if !describe("/loop").Dangling || describe("/through").Dangling {
		t.Error("the link that loops dangles, the other does not")
	}
	if describe("/up").ID != describe("/").ID || describe("/up").ID == describe("/attrs").ID {
		t.Error("ids do not tell objects apart")
	}
	for path, want := range map[string]string{
		"/be_i4": "int32 big-endian", "/le_u2": "uint16", "/be_f2": "float16 big-endian", "/text_many": "string", "/fixed_nullpad": "string[6]",
		"/bool_2d": "bool", "/enum_u2_be": "enum of uint16 big-endian", "/array_type": "[2,3]int32 big-endian", "/complex_a": "complex of float32",
		"/compound_2d": "compound{a uint8, b int64}", "/compound_vlen": "compound{name string, n int32}", "/named_type": "named datatype",
	} {
		if got := describe(path).TypeName; got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	d := describe("/gzip9_2d")
	if !slices.Equal(d.Chunk, []int{7, 11}) || !slices.Equal(d.Filters, []string{"2 (shuffle)", "1 (deflate)", "3 (fletcher32)"}) || d.StoredBytes <= 0 {
		t.Errorf("%+v", d)
	}
}

func TestAttrs_InOrderOfCreationWhereTracked(t *testing.T) {
	f := openTestFile(t, "testdata/extra.hdf")
	got, err := f.Attrs("/attrs")
	if err != nil || len(got) < 3 || got[0] != "z_text" || got[1] != "a_fixed" {
		t.Errorf("%q, %v", got, err)
	}
}

// TestExclusive_NothingIsLeftOpenOrPrinted works on many goroutines, hence
// threads, with failures among the calls.
func TestExclusive_NothingIsLeftOpenOrPrinted(t *testing.T) {
	printed := captureStderr(t, func() {
		before := countIDs(t)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 63 {
					readSome(t)
				}
			})
		}
		wg.Wait()
		if after := countIDs(t); after != before {
			t.Errorf("%d ids open, %d before", after, before)
		}
	})
	if printed != "" {
		t.Errorf("printed %.500q", printed)
	}
}

func countIDs(t *testing.T) (n int) {
	t.Helper()
	if err := Exclusive(func() error { n = openIDs(); return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

// readSome opens a file and calls everything once, with and without success.
func readSome(t *testing.T) {
	f, err := Open(t.Context(), "testdata/kinds.hdf", OpenOptions{})
	if err != nil {
		t.Error(err)
		return
	}
	_, _ = Open(t.Context(), "open_test.go", OpenOptions{})
	for _, p := range []string{"title", "nope", "k", "k/compound_s", "k/vlen_i", "k/opaque", "k/ext", "k/ext_broken", "k/soft_broken", "k/chunked_gz", "k/str_a3", "k/bool_a", "k/array_t"} {
		p = "/entry/" + p
		_, _ = f.Read(p)
		_, _ = f.Describe(p)
		_, _ = f.Children(p)
		_, _ = f.Attrs(p)
		_, _ = f.Attr(p, "units")
		f.IsGroup(p)
	}
	for _, p := range []string{"u_str", "u_bytes", "u_arr"} {
		if _, err := f.Attr("/entry/k/"+p, "units"); err != nil {
			t.Error(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

// captureStderr is what reaches file descriptor 2, from C too, while fn runs.
func captureStderr(t *testing.T, fn func()) string {
	t.Helper()
	out, err := os.CreateTemp(t.TempDir(), "stderr")
	if err != nil {
		t.Fatal(err)
	}
	restore := redirect(t, out)
	fn()
	restore()
	b, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
