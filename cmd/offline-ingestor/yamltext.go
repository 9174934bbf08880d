package main

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// plainText are the texts that need no quotes, in lists and mappings neither,
// unless they are notPlain().
var plainText = lazily(`^[\p{L}_/<][\p{L}\p{N}_/<>.()@+=-]*( [\p{L}\p{N}_/<>.()@+=-]+)*$`)

// notPlain are words that YAML 1.1 or 1.2 reads as something else than text.
var notPlain = lazily(`(?i)^(y|n|yes|no|on|off|true|false|null|nan|inf|<<|=)$`)

// textNode is a text, in quotes where a reader of YAML 1.1 or 1.2 could take it
// for something else.
func textNode(s string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	switch {
	case plainText().MatchString(s) && !notPlain().MatchString(s):
	case strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }):
		n.Style = yaml.DoubleQuotedStyle
	default:
		n.Style = yaml.SingleQuotedStyle
	}
	return n
}

// yamlText is a text on one line, as it stands in a mapping.
func yamlText(s string) string {
	n := textNode(s)
	if n.Style == 0 {
		return s // an encoder for each line of a large tree takes its time
	}
	text, err := encodeYAML(n)
	if err != nil || strings.Contains(strings.TrimSuffix(text, "\n"), "\n") {
		return fmt.Sprintf("%q", s)
	}
	return strings.TrimSuffix(text, "\n")
}

func encodeYAML(n *yaml.Node) (string, error) {
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(n); err != nil {
		return "", err
	}
	if err := e.Close(); err != nil {
		return "", err
	}
	return b.String(), nil
}
