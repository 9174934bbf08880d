package configs

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// structured is a value with keys of its own: a list of maps, or a map. Its faults
// are told one by one, each with the line that it is in.
type structured interface {
	value
	read(r *reader, path string, node *yaml.Node)
	example(b *strings.Builder, indent string)
}

// reader collects what reading a structured value found.
type reader struct {
	file     string
	problems []Problem
	unknown  []Problem
	maps     int // applied so far
}

// maxRecords bounds the maps that one list applies: aliases and merge keys can name a
// map within itself, many times over.
const maxRecords = 2000

func (r *reader) fault(line int, path, value, why string) {
	p := Problem{Key: path, Value: value, Reason: why}
	if r.file != "" {
		p.Place = at(r.file, line)
	}
	r.problems = append(r.problems, p)
}

// places remembers where the keys of one map were given.
type places struct {
	own    string            // where the map is
	path   string            // its path, as in messages; "" when no file gave it
	byName map[string]string // where each of its keys is
}

// at is where the key was given, else where the map is.
func (p places) at(name string) string {
	if place := p.byName[name]; place != "" {
		return place
	}
	return p.own
}

// key is the path of a key of the map; "" when no file gave the map.
func (p places) key(name string) string {
	if p.path == "" {
		return ""
	}
	return dotted(p.path, name)
}

// mapOf reads the keys of one map into keys, which are bound to its fields.
func (r *reader) mapOf(path string, node *yaml.Node, keys []key) places {
	found := places{path: path, byName: map[string]string{}}
	if r.file != "" {
		found.own = at(r.file, node.Line)
	}
	for _, k := range keys {
		if k.standard != "" {
			_ = k.value.set(k.standard) // one that does not parse is found by a test
		}
	}
	r.entries(path, node, keys, &found)
	return found
}

func (r *reader) entries(path string, node *yaml.Node, keys []key, found *places) {
	if r.maps++; r.maps >= maxRecords {
		if r.maps == maxRecords {
			r.fault(node.Line, path, "", "holds or merges too many maps")
		}
		return
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].ShortTag() == "!!merge" {
			r.merge(path, resolve(node.Content[i+1]), keys, found)
		}
	}
	lines := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		name, value, line := resolve(node.Content[i]), resolve(node.Content[i+1]), node.Content[i].Line
		if name.ShortTag() == "!!merge" {
			continue
		}
		if name.Kind != yaml.ScalarNode {
			r.fault(line, path, "", "holds a key that is "+kindOf(name))
			continue
		}
		full := dotted(path, plainName(name.Value))
		if first, twice := lines[name.Value]; twice {
			r.fault(line, full, "", fmt.Sprintf("is given twice, first in line %d", first))
			continue
		}
		lines[name.Value] = line
		r.entry(full, name.Value, line, value, keys, found)
	}
}

func (r *reader) merge(path string, node *yaml.Node, keys []key, found *places) {
	switch node.Kind {
	case yaml.MappingNode:
		r.entries(path, node, keys, found)
	case yaml.SequenceNode:
		for _, item := range slices.Backward(node.Content) { // the first of them wins
			if item = resolve(item); item.Kind == yaml.MappingNode {
				r.entries(path, item, keys, found)
			}
		}
	default:
		r.fault(node.Line, path, "", "<< must name a map")
	}
}

func (r *reader) entry(full, name string, line int, node *yaml.Node, keys []key, found *places) {
	i := slices.IndexFunc(keys, func(k key) bool { return k.path == name })
	if i < 0 {
		var names []string
		for _, k := range keys {
			names = append(names, k.path)
		}
		slices.Sort(names)
		p := Problem{Key: full, Reason: "unknown key", Nearest: nearest(name, names)}
		if r.file != "" {
			p.Place = at(r.file, line)
		}
		r.unknown = append(r.unknown, p)
		return
	}
	if isNull(node) {
		return // the default stays
	}
	if r.file != "" {
		found.byName[name] = at(r.file, line)
	}
	r.take(full, line, keys[i].value, node)
}

// take sets one value.
func (r *reader) take(full string, line int, v value, node *yaml.Node) {
	if s, is := v.(structured); is {
		s.read(r, full, node)
		return
	}
	if err := v.setNode(node); err != nil {
		shownValue := ""
		if node.Kind == yaml.ScalarNode {
			shownValue = shown(node.Value, v.secret())
		}
		r.fault(line, full, shownValue, err.Error())
	}
}

// exampleKeys writes the keys of a map, the first behind lead, the others below it.
func exampleKeys(b *strings.Builder, indent, lead string, keys []key) {
	for i, k := range keys {
		if i > 0 || lead == "" {
			lead = indent // the first stands behind the dash
		}
		exampleNested(b, indent, lead, k)
	}
}

func exampleNested(b *strings.Builder, indent, lead string, k key) {
	if k.standard != "" {
		_ = k.value.set(k.standard) // one that does not parse is found by a test
	}
	comment(b, lead[:len(lead)-len(strings.TrimLeft(lead, " "))], k.doc)
	switch s, is := k.value.(structured); {
	case k.sample != "":
		fmt.Fprintf(b, "%s%s: %s\n", lead, k.path, k.sample)
	case is:
		fmt.Fprintf(b, "%s%s:\n", lead, k.path)
		s.example(b, indent)
	default:
		fmt.Fprintf(b, "%s%s: %s\n", lead, k.path, k.value.yaml())
	}
}
