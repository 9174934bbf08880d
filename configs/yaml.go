package configs

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// resolve follows aliases. An alias never points to another one, but foreign bytes
// deserve the bound.
func resolve(node *yaml.Node) *yaml.Node {
	for range 8 {
		if node.Kind != yaml.AliasNode || node.Alias == nil {
			return node
		}
		node = node.Alias
	}
	return node
}

// isNull tells whether the node says nothing: `key:`, ~ or null.
func isNull(node *yaml.Node) bool {
	return node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null"
}

// quote is s as a YAML scalar on one line.
func quote(s string) string {
	switch s {
	case "":
		return "''"
	case "true", "false":
		return s
	}
	out, err := yaml.Marshal(s)
	if err != nil || strings.Count(string(out), "\n") != 1 {
		return "'" + strings.ReplaceAll(s, "'", "''") + "'"
	}
	// Numbers come quoted because s is a text; ours are numbers where they look so.
	plain := strings.TrimSuffix(string(out), "\n")
	if strings.Trim(plain, `"`) == s && isNumber(s) {
		return s
	}
	return plain
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
