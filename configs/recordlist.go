package configs

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// records is a list of maps with the same keys.
type records[T any] struct {
	target *[]T
	keys   func(*T) []key
	found  func(*T) *places // where an element keeps its places
	hide   bool             // holds secrets
}

func (l records[T]) read(r *reader, path string, node *yaml.Node) {
	*l.target = nil
	if node.Kind != yaml.SequenceNode {
		r.fault(node.Line, path, "", "is "+kindOf(node)+", but must be a list of maps, each beginning with `- name: ...`")
		return
	}
	for i, item := range node.Content {
		item = resolve(item)
		full := fmt.Sprintf("%s[%d]", path, i)
		if item.Kind != yaml.MappingNode {
			r.fault(item.Line, full, "", "is "+kindOf(item)+", but must be a map, like `name: ...`")
			continue
		}
		element := new(T)
		*l.found(element) = r.mapOf(full, item, l.keys(element))
		*l.target = append(*l.target, *element)
	}
}

func (l records[T]) setNode(node *yaml.Node) error { return whole(l, node) }
func (l records[T]) set(text string) error {
	err := wholeText(l, text)
	if err != nil {
		*l.target = nil // not half of it
	}
	return err
}

func (l records[T]) add(text string) error {
	before := *l.target
	if err := l.set(text); err != nil {
		return err
	}
	*l.target = append(before, *l.target...)
	return nil
}

func (l records[T]) text() string {
	if len(*l.target) == 0 {
		return ""
	}
	return fmt.Sprintf("%d entries", len(*l.target))
}

func (l records[T]) yaml() string { return "[]" }
func (l records[T]) kind() string { return "list of maps" }
func (l records[T]) secret() bool { return l.hide }

// content leaves out where the elements were given.
func (l records[T]) content() any {
	all := make([]any, len(*l.target))
	for i := range *l.target {
		all[i] = contents(l.keys(&(*l.target)[i]))
	}
	return all
}

func (l records[T]) example(b *strings.Builder, indent string) {
	exampleKeys(b, indent+"  ", indent+"- ", l.keys(new(T)))
}

// record is one map that may be absent.
type record[T any] struct {
	target **T
	keys   func(*T) []key
}

func (o record[T]) read(r *reader, path string, node *yaml.Node) {
	if node.Kind != yaml.MappingNode {
		r.fault(node.Line, path, "", "is "+kindOf(node)+", but must be a map with keys")
		return
	}
	element := new(T)
	r.mapOf(path, node, o.keys(element))
	*o.target = element
}

func (o record[T]) setNode(node *yaml.Node) error { return whole(o, node) }
func (o record[T]) set(text string) error         { return wholeText(o, text) }
func (o record[T]) add(text string) error         { return o.set(text) }
func (o record[T]) text() string                  { return "" }
func (o record[T]) yaml() string                  { return "{}" }
func (o record[T]) kind() string                  { return "map" }
func (o record[T]) secret() bool                  { return false }

func (o record[T]) content() any {
	if *o.target == nil {
		return nil
	}
	return contents(o.keys(*o.target))
}

func (o record[T]) example(b *strings.Builder, indent string) {
	exampleKeys(b, indent, "", o.keys(new(T)))
}

// whole reads a structured value where no line can be told; all faults, unknown
// keys among them, come in one error.
func whole(s structured, node *yaml.Node) error {
	r := &reader{}
	s.read(r, "", node)
	var faults []string
	for _, p := range append(r.problems, r.unknown...) {
		faults = append(faults, p.String())
	}
	if len(faults) > 0 {
		return errors.New("can not be taken: " + strings.Join(faults, "; "))
	}
	return nil
}

func wholeText(s structured, text string) error {
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(text), &document); err != nil || len(document.Content) != 1 {
		return errors.New("is not " + s.kind() + " in YAML or JSON")
	}
	return whole(s, resolve(document.Content[0]))
}
