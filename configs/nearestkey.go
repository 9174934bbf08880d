package configs

import (
	"slices"
	"strings"
)

// nearestKey is the known key or section that an unknown one most probably stands
// for: the same name in another section, then a like name in the same section.
func (l *loader) nearestKey(full string) string {
	if plain := strings.Trim(full, `"`); plain != full && l.known(plain) {
		return "`" + strings.ReplaceAll(plain, ".", ":` with `") + ":` below it"
	}
	prefix, leaf := cut(full)
	var siblings, same []string
	consider := func(path string) {
		p, name := cut(path)
		if p == prefix {
			siblings = append(siblings, name)
		}
		if simplify(name) == simplify(leaf) {
			same = append(same, path)
		}
	}
	for path := range l.keys {
		consider(path)
	}
	for path := range l.sections {
		consider(path)
	}
	if len(same) == 1 {
		return same[0]
	}
	slices.Sort(siblings)
	if near := nearest(leaf, siblings); near != "" {
		return dotted(prefix, near)
	}
	return ""
}

func (l *loader) known(path string) bool {
	_, key := l.keys[path]
	return key || l.sections[path] && path != ""
}

// cut splits a path into its section and its last name.
func cut(path string) (prefix, name string) {
	i := strings.LastIndexByte(path, '.')
	if i < 0 {
		return "", path
	}
	return path[:i], path[i+1:]
}
