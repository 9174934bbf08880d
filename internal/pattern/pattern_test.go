package pattern

import (
	"path"
	"strings"
	"testing"
)

func TestFilter_TakesNamesByPattern(t *testing.T) {
	for _, c := range []struct {
		include, exclude, relative string
		want                       bool
	}{
		{"*.hdf", "", "a.hdf", true},
		{"*.hdf", "", "x/y/a.hdf", true},
		{"*.hdf", "", "a.hdf5", false},
		{"*.hdf *.h5", "", "a.h5", true},
		{"", "", "a.anything", true},
		{"", "", ".hidden", false},
		{"*", "", ".hidden", false},
		{".*", "", ".hidden", true},
		{"raw/*.hdf", "", "raw/a.hdf", true},
		{"raw/*.hdf", "", "raw/x/a.hdf", false},
		{"raw/*.hdf", "", "a.hdf", false},
		{"raw/.*", "", "raw/.a", true},
		{"*.hdf", "a*", "a.hdf", false},
		{"*.hdf", "x/a*", "x/a.hdf", false},
		{"*.hdf", "x/a*", "a.hdf", true},
		{"[ab]?.hdf", "", "ax.hdf", true},
	} {
		f := Filter{strings.Fields(c.include), strings.Fields(c.exclude)}
		if got := f.File(c.relative); got != c.want {
			t.Errorf("include %q, exclude %q: %s is %v", c.include, c.exclude, c.relative, got)
		}
	}
}

func FuzzFilter(f *testing.F) {
	f.Add("*.hdf", "a/[b", "x/y.hdf")
	f.Add("\\", "*", ".")
	f.Fuzz(func(t *testing.T, include, exclude, relative string) {
		if Check(include) != nil || Check(exclude) != nil {
			return
		}
		relative = strings.TrimPrefix(path.Clean("/"+relative), "/")
		if relative == "" {
			return
		}
		one := Filter{[]string{include}, []string{exclude}}
		if one.File(relative) && one.excluded(relative) {
			t.Errorf("%q is taken and excluded by %q", relative, exclude)
		}
		if one.Folder(relative) && path.Base(relative)[0] == '.' {
			t.Errorf("hidden folder %q is looked into", relative)
		}
	})
}
