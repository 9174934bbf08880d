package metadata

import (
	"fmt"

	"ingestor/schemas/metadata/pyvalue"
)

// nodeKind is what a part of a schema file is.
type nodeKind uint8

const (
	scalarNode nodeKind = iota
	listNode
	mapNode
)

// node is a part of a schema file, with the line where it begins.
type node struct {
	kind nodeKind
	line int
	// text is a scalar as it stands in the file, without quotes.
	text string
	// value is what PyYAML reads a scalar as; dates stay text.
	value pyvalue.Value
	// items are the elements of a list, or the values of a map.
	items []*node
	// keys are the keys of a map, one for each item, no two alike.
	keys []*node
}

// get is the value of a key.
func (n *node) get(key string) *node {
	if n == nil || n.kind != mapNode {
		return nil
	}
	for i, k := range n.keys {
		if k.text == key {
			return n.items[i]
		}
	}
	return nil
}

// isNull says that nothing is written, or null.
func (n *node) isNull() bool {
	if n == nil {
		return true
	}
	_, null := n.value.(pyvalue.None)
	return n.kind == scalarNode && null
}

// put adds an entry to a map; an equal key is replaced where it stands, as
// PyYAML does.
func (n *node) put(key, item *node) (repeated bool) {
	for i, k := range n.keys {
		if k.kind == scalarNode && key.kind == scalarNode && k.text == key.text {
			n.items[i] = item
			return true
		}
	}
	n.keys = append(n.keys, key)
	n.items = append(n.items, item)
	return false
}

// words says what the node is, for messages.
func (n *node) words() string {
	switch {
	case n.isNull():
		return "nothing"
	case n.kind == listNode:
		return "a list"
	case n.kind == mapNode:
		return "a mapping"
	default:
		return pyvalue.Words(n.value)
	}
}

// sameNode says where two nodes differ; nil when they hold the same.
func sameNode(where string, a, b *node) error {
	if a.kind != b.kind {
		return fmt.Errorf("line %d: %s is %s, not %s", b.line, where, b.words(), a.words())
	}
	if len(a.items) != len(b.items) {
		return fmt.Errorf("line %d: %s has %d entries, not %d", b.line, where, len(b.items), len(a.items))
	}
	if a.kind == scalarNode {
		if x, y := pyvalue.Repr(a.value), pyvalue.Repr(b.value); x != y {
			return fmt.Errorf("line %d: %s is %s, not %s", b.line, where, y, x)
		}
		return nil
	}
	for i, item := range a.items {
		part := fmt.Sprintf("%s[%d]", where, i)
		if a.kind == mapNode {
			part = where + "." + templateText(a.keys[i])
			if err := sameNode("the key "+part, a.keys[i], b.keys[i]); err != nil {
				return err
			}
		}
		if err := sameNode(part, item, b.items[i]); err != nil {
			return err
		}
	}
	return nil
}
