package metadata

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxNodes bounds what aliases can blow a file up to.
const maxNodes = 100_000

// parseYAML reads one YAML document. Repeated keys are reported as faults, the
// last one counts.
func parseYAML(text []byte) (*node, []Fault, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document yaml.Node
	if err := decoder.Decode(&document); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, nil, &parseError{1, "the file is empty"}
		}
		return nil, nil, yamlError(err)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, nil, &parseError{0, "the file holds more than one document: remove the line ---"}
	}
	b := yamlBuilder{open: map[*yaml.Node]bool{}}
	root, err := b.build(&document)
	return root, b.faults, err
}

// parseError is a file that can not be read at all.
type parseError struct {
	line int
	text string
}

func (e *parseError) Error() string { return e.text }

var yamlLine = regexp.MustCompile(`line (\d+): ?`)

// yamlError takes the line out of the library's message.
func yamlError(err error) error {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 0
	if m := yamlLine.FindStringSubmatch(message); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil {
			line = n
		}
		message = strings.Replace(message, m[0], "", 1)
	}
	return &parseError{line, "not YAML: " + message}
}

// yamlBuilder turns the library's nodes into ours: aliases and merge keys are
// resolved, scalars read as YAML 1.1.
type yamlBuilder struct {
	count  int
	open   map[*yaml.Node]bool
	faults []Fault
}

func (b *yamlBuilder) build(y *yaml.Node) (*node, error) {
	b.count++
	switch {
	case b.count > maxNodes:
		return nil, &parseError{y.Line, "too large: its aliases make more than 100000 parts"}
	case b.open[y]:
		return nil, &parseError{y.Line, "an alias contains itself"}
	}
	b.open[y] = true
	defer delete(b.open, y)
	switch y.Kind {
	case yaml.DocumentNode:
		if len(y.Content) == 0 {
			return nil, &parseError{1, "the file is empty"}
		}
		return b.build(y.Content[0])
	case yaml.AliasNode:
		return b.build(y.Alias)
	case yaml.SequenceNode:
		return b.list(y)
	case yaml.MappingNode:
		return b.mapping(y)
	case yaml.ScalarNode:
		return b.scalar(y)
	default:
		return nil, &parseError{y.Line, fmt.Sprintf("a part of kind %d is not known", y.Kind)}
	}
}

func (b *yamlBuilder) scalar(y *yaml.Node) (*node, error) {
	n := &node{line: y.Line, text: y.Value}
	var err error
	switch quoted := yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle; {
	case y.Style&yaml.TaggedStyle != 0:
		n.value, err = taggedScalar(y.Tag, y.Value)
	case y.Style&quoted != 0:
		n.value, err = taggedScalar("!!str", y.Value)
	default:
		n.value = plainScalar(y.Value)
	}
	if err != nil {
		return nil, &parseError{y.Line, err.Error()}
	}
	return n, nil
}

func (b *yamlBuilder) list(y *yaml.Node) (*node, error) {
	n := &node{kind: listNode, line: y.Line}
	for _, child := range y.Content {
		item, err := b.build(child)
		if err != nil {
			return nil, err
		}
		n.items = append(n.items, item)
	}
	return n, nil
}

func (b *yamlBuilder) mapping(y *yaml.Node) (*node, error) {
	n := &node{kind: mapNode, line: y.Line}
	own := &node{kind: mapNode}
	for i := 0; i+1 < len(y.Content); i += 2 {
		key, err := b.build(y.Content[i])
		if err != nil {
			return nil, err
		}
		item, err := b.build(y.Content[i+1])
		if err != nil {
			return nil, err
		}
		if key.kind == scalarNode && key.text == "<<" && y.Content[i].Style == 0 {
			if err := merge(n, item); err != nil {
				return nil, err
			}
			continue
		}
		if own.put(key, item) {
			b.faults = append(b.faults, Fault{Line: key.line, Where: key.text, Harmless: true,
				Problem: "the key is there twice, the last one counts", Hint: "remove or rename one"})
		}
	}
	// What is merged stands before the own keys, which overrule it.
	for i, key := range own.keys {
		n.put(key, own.items[i])
	}
	return n, nil
}

func merge(into, from *node) error {
	switch from.kind {
	case mapNode:
		for i, key := range from.keys {
			if into.get(key.text) == nil {
				into.put(key, from.items[i])
			}
		}
		return nil
	case listNode:
		for _, item := range from.items {
			if item.kind != mapNode {
				return &parseError{item.line, "<< can only merge mappings"}
			}
			if err := merge(into, item); err != nil {
				return err
			}
		}
		return nil
	default:
		return &parseError{from.line, "<< can only merge mappings"}
	}
}
