package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxNesting bounds how deep JSON may be nested.
const maxNesting = 200

// jsonReader makes YAML nodes of JSON, in its order.
type jsonReader struct {
	decoder *json.Decoder
	text    []byte
}

// yamlFromJSON reads one JSON document.
func yamlFromJSON(text []byte) (*yaml.Node, error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	r := jsonReader{json.NewDecoder(bytes.NewReader(text)), text}
	r.decoder.UseNumber()
	root, err := r.value(0)
	if err == nil {
		if _, trailing := r.decoder.Token(); !errors.Is(trailing, io.EOF) {
			err = errors.New("there is text after the end")
		}
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("it ends too early")
	}
	if err != nil {
		line := 1 + bytes.Count(text[:min(int(r.decoder.InputOffset()), len(text))], []byte("\n"))
		return nil, fmt.Errorf("line %d: is not JSON: %w", line, err)
	}
	if root.Kind != yaml.MappingNode {
		return nil, errors.New("is neither a configuration nor a schema, which are JSON objects {…}")
	}
	return root, nil
}

func (r jsonReader) value(depth int) (*yaml.Node, error) {
	if depth > maxNesting {
		return nil, errors.New("it is nested too deeply")
	}
	token, err := r.decoder.Token()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case json.Delim:
		n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		if t == '{' {
			n.Kind, n.Tag = yaml.MappingNode, "!!map"
		}
		return n, r.parts(n, depth)
	case string:
		return textNode(t), nil
	case json.Number:
		return numberNode(t.String()), nil
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: fmt.Sprint(t)}, nil
	default:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}, nil
	}
}

// parts reads the elements of a list, or keys and values in turn.
func (r jsonReader) parts(n *yaml.Node, depth int) error {
	keys := map[string]bool{}
	for r.decoder.More() {
		part, err := r.value(depth + 1)
		if err != nil {
			return err
		}
		if n.Kind == yaml.MappingNode && len(n.Content)%2 == 0 {
			if keys[part.Value] {
				return fmt.Errorf("the key %q is there twice, remove one", part.Value)
			}
			keys[part.Value] = true
		}
		n.Content = append(n.Content, part)
	}
	_, err := r.decoder.Token()
	return err
}

// numberNode is a number as YAML 1.1 reads it: a float needs a point, and a sign
// in its exponent.
func numberNode(text string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: text}
	if !strings.ContainsAny(text, ".eE") {
		return n
	}
	n.Tag = "!!float"
	mantissa, exponent, scientific := strings.Cut(strings.ToLower(text), "e")
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	n.Value = mantissa
	if scientific {
		if !strings.HasPrefix(exponent, "-") && !strings.HasPrefix(exponent, "+") {
			exponent = "+" + exponent
		}
		n.Value += "e" + exponent
	}
	return n
}

// isSchema tells a metadata schema from a configuration.
func isSchema(root *yaml.Node) bool {
	for i := 0; i+1 < len(root.Content); i += 2 {
		switch root.Content[i].Value {
		case "selector", "variables", "schema":
			return true
		}
	}
	return false
}

// flowWidth is how long a mapping or list on one line may be.
const flowWidth = 150

// layOut puts short lists, and in schemas variables and fields, on one line each.
func layOut(n *yaml.Node, schema bool) {
	for i, part := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 || len(part.Content) == 0 {
			continue
		}
		width, flat := 0, true
		for _, p := range part.Content {
			width += len(p.Value) + 4
			flat = flat && len(p.Content) == 0
		}
		if flat && width <= flowWidth && (part.Kind == yaml.SequenceNode || schema) {
			part.Style = yaml.FlowStyle
			continue
		}
		layOut(part, schema)
	}
}
