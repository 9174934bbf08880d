// Package pattern tells which files of a folder are wanted, by their names.
//
// A pattern is one of path.Match. Without a slash it is compared with the name, with
// one with the whole path below the folder. As in a shell, a wildcard does not stand
// for the dot of a hidden name.
//
// It looks at names only, never at a disk.
package pattern

import (
	"fmt"
	"path"
	"strings"
)

// Check says what is wrong with a pattern.
func Check(pattern string) error {
	if _, err := path.Match(pattern, ""); err != nil || pattern == "" {
		return fmt.Errorf("%q is not a pattern like *.hdf", pattern)
	}
	return nil
}

// Filter tells which names are wanted. Without Include all are but hidden ones;
// Exclude is stronger.
type Filter struct{ Include, Exclude []string }

// File tells whether the file at the path below the folder is wanted.
func (f Filter) File(relative string) bool {
	if f.excluded(relative) {
		return false
	}
	name := path.Base(relative)
	if len(f.Include) == 0 {
		return name[0] != '.'
	}
	for _, pattern := range f.Include {
		if name[0] == '.' && path.Base(pattern)[0] != '.' {
			continue
		}
		if matches(pattern, relative, name) {
			return true
		}
	}
	return false
}

// Folder tells whether the folder at the path below the top is looked into: it is
// neither hidden nor excluded.
func (f Filter) Folder(relative string) bool {
	return path.Base(relative)[0] != '.' && !f.excluded(relative)
}

func (f Filter) excluded(relative string) bool {
	for _, pattern := range f.Exclude {
		if matches(pattern, relative, path.Base(relative)) {
			return true
		}
	}
	return false
}

func matches(pattern, relative, name string) bool {
	if strings.Contains(pattern, "/") {
		name = relative
	}
	is, err := path.Match(pattern, name)
	return err == nil && is
}
