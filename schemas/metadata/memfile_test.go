package metadata

import (
	"fmt"
	"sort"
	"strings"
	"sync/atomic"

	"ingestor/internal/nexus"
)

// memoryFile is a File of values by path; attributes are at path@name. Groups
// are what the paths imply, their children sorted.
type memoryFile struct {
	values map[string]nexus.Value
	reads  atomic.Int64
}

func (m *memoryFile) Read(path string) (nexus.Value, error) {
	m.reads.Add(1)
	v, ok := m.values[path]
	if !ok {
		return nexus.Value{}, fmt.Errorf("%s: %w", path, nexus.ErrNotFound)
	}
	return v, nil
}

func (m *memoryFile) Attr(path, name string) (nexus.Value, error) {
	v, ok := m.values[path+"@"+name]
	if !ok {
		return nexus.Value{}, fmt.Errorf("%s@%s: %w", path, name, nexus.ErrNotFound)
	}
	return v, nil
}

func (m *memoryFile) Children(path string) ([]string, error) {
	prefix := strings.TrimSuffix(path, "/") + "/"
	seen := map[string]bool{}
	var names []string
	for p := range m.values {
		rest, below := strings.CutPrefix(p, prefix)
		name, _, _ := strings.Cut(rest, "/")
		if below && !strings.Contains(name, "@") && !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names, nil
}

func (m *memoryFile) IsGroup(path string) bool {
	names, err := m.Children(path)
	_, isDataset := m.values[path]
	return err == nil && len(names) > 0 && !isDataset
}

func text1(s string) nexus.Value {
	return nexus.Value{Type: nexus.Type{Kind: nexus.VarString, UTF8: true}, Data: []string{s}}
}

func texts(s ...string) nexus.Value {
	return nexus.Value{Type: nexus.Type{Kind: nexus.VarString, UTF8: true}, Shape: []int{len(s)}, Data: s}
}

func fixed(s ...string) nexus.Value {
	v := nexus.Value{Type: nexus.Type{Kind: nexus.FixedString, Size: 8}, Data: s}
	if len(s) > 1 {
		v.Shape = []int{len(s)}
	}
	return v
}

func float1(f float64, size int) nexus.Value {
	return nexus.Value{Type: nexus.Type{Kind: nexus.Float, Size: size}, Data: []float64{f}}
}

func ints(i ...int64) nexus.Value {
	return nexus.Value{Type: nexus.Type{Kind: nexus.Int, Size: 4}, Shape: []int{len(i)}, Data: i}
}

func int1(i int64) nexus.Value {
	return nexus.Value{Type: nexus.Type{Kind: nexus.Int, Size: 4}, Data: []int64{i}}
}
