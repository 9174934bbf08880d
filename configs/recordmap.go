package configs

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// recordMap is a map of names, each with a map of the same keys.
type recordMap[T any] struct {
	target *map[string]T
	keys   func(*T) []key
	found  func(*T) *places // where an element keeps its places
	sample string           // name in the example
	what   string           // the elements, in words, with an example
}

func (m recordMap[T]) read(r *reader, path string, node *yaml.Node) {
	*m.target = nil
	if node.Kind != yaml.MappingNode {
		r.fault(node.Line, path, "", "is "+kindOf(node)+", but must be a map of "+m.what)
		return
	}
	lines := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		name, item, line := resolve(node.Content[i]), resolve(node.Content[i+1]), node.Content[i].Line
		if name.ShortTag() == "!!merge" || name.Kind != yaml.ScalarNode {
			r.fault(line, path, "", "must be a map of "+m.what)
			continue
		}
		full := dotted(path, plainName(name.Value))
		if first, twice := lines[name.Value]; twice {
			r.fault(line, full, "", fmt.Sprintf("is given twice, first in line %d", first))
			continue
		}
		lines[name.Value] = line
		if isNull(item) {
			item = &yaml.Node{Kind: yaml.MappingNode, Line: line}
		}
		if item.Kind != yaml.MappingNode {
			r.fault(line, full, "", "is "+kindOf(item)+", but must be a map with keys")
			continue
		}
		element := new(T)
		found := r.mapOf(full, item, m.keys(element))
		if r.file != "" {
			found.own = at(r.file, line)
		}
		*m.found(element) = found
		m.put(name.Value, *element)
	}
}

func (m recordMap[T]) put(name string, element T) {
	if *m.target == nil {
		*m.target = map[string]T{}
	}
	(*m.target)[name] = element
}

func (m recordMap[T]) setNode(node *yaml.Node) error { return whole(m, node) }

func (m recordMap[T]) set(text string) error {
	if strings.TrimSpace(text) == "" {
		return errors.New("is empty, but must be a map of " + m.what)
	}
	err := wholeText(m, text)
	if err != nil {
		*m.target = nil // not half of it
	}
	return err
}

// add lets the later of two elements of one name count.
func (m recordMap[T]) add(text string) error {
	before := *m.target
	if err := m.set(text); err != nil {
		return err
	}
	for name, element := range before {
		if _, again := (*m.target)[name]; !again {
			m.put(name, element)
		}
	}
	return nil
}

func (m recordMap[T]) text() string {
	return strings.Join(slices.Sorted(maps.Keys(*m.target)), ",")
}

func (m recordMap[T]) yaml() string { return "{}" }
func (m recordMap[T]) kind() string { return "map of maps" }
func (m recordMap[T]) secret() bool { return false }

// content leaves out where the elements were given.
func (m recordMap[T]) content() any {
	all := map[string]any{}
	for name, element := range *m.target {
		all[name] = contents(m.keys(&element))
	}
	return all
}

func (m recordMap[T]) example(b *strings.Builder, indent string) {
	fmt.Fprintf(b, "%s  %s:\n", indent, m.sample)
	exampleKeys(b, indent+"    ", "", m.keys(new(T)))
}
