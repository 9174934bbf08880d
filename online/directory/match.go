package directory

import (
	"fmt"
	"path"
	"strings"
)

// valid says what is wrong with a pattern.
func valid(pattern string) error {
	if _, err := path.Match(pattern, ""); err != nil || pattern == "" {
		return fmt.Errorf("%q is not a pattern like *.hdf", pattern)
	}
	return nil
}

// filter tells which names are wanted.
type filter struct{ include, exclude []string }

// file tells whether the file at the path below the folder is wanted.
func (f filter) file(relative string) bool {
	if f.excluded(relative) {
		return false
	}
	name := path.Base(relative)
	if len(f.include) == 0 {
		return name[0] != '.'
	}
	for _, pattern := range f.include {
		// As in a shell, * does not stand for the dot of a hidden file.
		if name[0] == '.' && path.Base(pattern)[0] != '.' {
			continue
		}
		if matches(pattern, relative, name) {
			return true
		}
	}
	return false
}

// folder tells whether the folder at the path below the top is looked into.
func (f filter) folder(relative string) bool {
	return path.Base(relative)[0] != '.' && !f.excluded(relative)
}

func (f filter) excluded(relative string) bool {
	for _, pattern := range f.exclude {
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
