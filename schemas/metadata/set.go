package metadata

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"unicode"

	"ingestor/internal/fault"
)

// Set is the schemas of a directory, in the order in which they are asked.
type Set struct {
	// Schemas are sorted by order and name.
	Schemas []*Schema
	// Warnings are what the administrator should know, such as an id that two
	// files share.
	Warnings []string
}

// suffixes are what the names of schema files end with.
var suffixes = []string{".imsc.yml", ".imsc.yaml", ".imsc.json"}

// Files lists the schema files of a directory by name: those ending with
// .imsc.yml, .imsc.yaml or .imsc.json, hidden ones and folders left out. The
// error is of kind BadConfiguration.
func Files(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fault.New(fault.BadConfiguration, fmt.Errorf("list schema directory: %w", err))
	}
	var files []string
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasPrefix(name, ".") || !hasSuffix(name) {
			continue
		}
		path := filepath.Join(dir, name)
		info, err := os.Stat(path)
		if err != nil {
			return nil, fault.New(fault.BadConfiguration, fmt.Errorf("read schema file: %w", err))
		}
		if !info.IsDir() {
			files = append(files, path)
		}
	}
	return files, nil
}

func hasSuffix(name string) bool {
	for _, suffix := range suffixes {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

// LoadDirectory reads the schema files of a directory. A file that can not be
// parsed, or without readable id, order or selector, stops with kind
// BadConfiguration: by leaving it out, a file might be registered by a schema
// that was not meant for it.
func LoadDirectory(dir string) (*Set, error) {
	files, err := Files(dir)
	if err != nil {
		return nil, err
	}
	var schemas []*Schema
	for _, file := range files {
		schema, err := LoadFile(file)
		if err != nil {
			return nil, err
		}
		schemas = append(schemas, schema)
	}
	return newSet(schemas), nil
}

// newSet sorts schemas. Of two with one id the later replaces the earlier at
// the earlier's place.
func newSet(schemas []*Schema) *Set {
	sort.SliceStable(schemas, func(i, j int) bool {
		a, b := schemas[i], schemas[j]
		if a.Order != b.Order {
			return a.Order < b.Order
		}
		return capitalised(a.Name) < capitalised(b.Name)
	})
	set, at := &Set{}, map[string]int{}
	for _, s := range schemas {
		if i, again := at[s.ID]; again {
			set.Warnings = append(set.Warnings, fmt.Sprintf("schema files %s and %s have the same id %s: only the second is used",
				set.Schemas[i].Path, s.Path, s.ID))
			set.Schemas[i] = s
			continue
		}
		at[s.ID] = len(set.Schemas)
		set.Schemas = append(set.Schemas, s)
	}
	return set
}

// capitalised does what Python's str.capitalize does.
func capitalised(s string) string {
	runes := []rune(lower(s))
	if len(runes) == 0 {
		return ""
	}
	runes[0] = unicode.ToTitle(runes[0])
	return string(runes)
}

// Select is the first schema that selects the path, nil when none does. When
// the one that does has a fault inside, that is the error (kind BadInput), and
// no other is taken instead.
func (s *Set) Select(path string) (*Schema, error) {
	for _, schema := range s.Schemas {
		if schema.Selector.Match(path) {
			if err := schema.Err(); err != nil {
				return nil, err
			}
			return schema, nil
		}
	}
	return nil, nil
}
