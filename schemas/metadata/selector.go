package metadata

import (
	"fmt"
	"strings"
)

// Selector decides by a file's path whether a schema is for it.
type Selector interface {
	// Match says whether the path, as it was given, is selected.
	Match(path string) bool
	// String is the selector in its condensed form.
	String() string
}

// everyFile is the selector *.
type everyFile struct{}

func (everyFile) Match(string) bool { return true }
func (everyFile) String() string    { return "*" }

// comparison is source:function:operand. All sources are the path as given.
type comparison struct{ source, function, operand string }

func (c comparison) Match(path string) bool {
	switch c.function {
	case "starts_with":
		return strings.HasPrefix(path, c.operand)
	case "ends_with":
		return strings.HasSuffix(path, c.operand)
	default:
		return strings.Contains(path, c.operand)
	}
}

func (c comparison) String() string { return c.source + ":" + c.function + ":" + c.operand }

// combination is and, or or.
type combination struct {
	any   bool
	parts []Selector
}

func (c combination) Match(path string) bool {
	for _, part := range c.parts {
		if part.Match(path) == c.any {
			return c.any
		}
	}
	return !c.any
}

func (c combination) String() string {
	word := " and "
	if c.any {
		word = " or "
	}
	texts := make([]string, len(c.parts))
	for i, part := range c.parts {
		texts[i] = part.String()
	}
	return "(" + strings.Join(texts, word) + ")"
}

var (
	selectorSources   = []string{"filename", "datafile", "nexusfile"}
	selectorFunctions = []string{"starts_with", "contains", "ends_with"}
)

const selectorForms = "write `*`, `filename:contains:TEXT`, or `and:` and `or:` with lists of such"

// parseSelector reads a selector. The faults it reports stop the loading: a
// selector that nobody understands might be meant for any file.
func parseSelector(n *node, where string) (Selector, []Fault) {
	bad := func(n *node, problem, hint string) (Selector, []Fault) {
		return nil, []Fault{{Line: n.line, Where: where, Problem: problem, Hint: hint}}
	}
	switch n.kind {
	case listNode:
		return bad(n, "a list does not say how its parts combine", "put it below `and:` or `or:`")
	case mapNode:
		return parseSelectorMap(n, where)
	}
	if n.isNull() {
		return bad(n, "is empty", selectorForms)
	}
	if n.text == "*" {
		return everyFile{}, nil
	}
	source, rest, first := strings.Cut(n.text, ":")
	function, operand, second := strings.Cut(rest, ":")
	if !first || !second {
		return bad(n, fmt.Sprintf("%q is not source:function:operand", n.text), selectorForms)
	}
	return newComparison(n, where, source, function, operand)
}

func newComparison(n *node, where, source, function, operand string) (Selector, []Fault) {
	var faults []Fault
	if !known(source, selectorSources) {
		faults = append(faults, Fault{Line: n.line, Where: where,
			Problem: fmt.Sprintf("%q is not a source", source), Hint: oneOf(source, selectorSources)})
	}
	if !known(function, selectorFunctions) {
		faults = append(faults, Fault{Line: n.line, Where: where,
			Problem: fmt.Sprintf("%q is not a function", function), Hint: oneOf(function, selectorFunctions)})
	}
	if len(faults) > 0 {
		return nil, faults
	}
	return comparison{source, function, operand}, nil
}

func parseSelectorMap(n *node, where string) (Selector, []Fault) {
	if len(n.keys) == 0 {
		return nil, []Fault{{Line: n.line, Where: where, Problem: "is empty", Hint: selectorForms}}
	}
	if n.get("source") != nil || n.get("operator") != nil || n.get("operand_2") != nil {
		return parseExpanded(n, where)
	}
	all := combination{}
	var faults []Fault
	for i, key := range n.keys {
		part, more := parseCombination(key, n.items[i], where)
		faults = append(faults, more...)
		all.parts = append(all.parts, part)
	}
	switch {
	case len(faults) > 0:
		return nil, faults
	case len(all.parts) == 1:
		return all.parts[0], nil
	default:
		return all, nil
	}
}

func parseCombination(key, list *node, where string) (Selector, []Fault) {
	if key.text != "and" && key.text != "or" {
		return nil, []Fault{{Line: key.line, Where: where,
			Problem: fmt.Sprintf("%q is not a way to combine", key.text), Hint: "known: and, or"}}
	}
	where += "." + key.text
	if list.kind != listNode || len(list.items) == 0 {
		return nil, []Fault{{Line: key.line, Where: where,
			Problem: fmt.Sprintf("needs a list with at least one selector, not %s", listWords(list)), Hint: selectorForms}}
	}
	c := combination{any: key.text == "or"}
	var faults []Fault
	for i, item := range list.items {
		part, more := parseSelector(item, fmt.Sprintf("%s[%d]", where, i))
		faults = append(faults, more...)
		c.parts = append(c.parts, part)
	}
	if len(faults) > 0 {
		return nil, faults
	}
	return c, nil
}

func listWords(n *node) string {
	if n.kind == listNode {
		return "an empty one"
	}
	return n.words()
}

// parseExpanded reads {source: …, operator: …, operand_2: …}.
func parseExpanded(n *node, where string) (Selector, []Fault) {
	expanded := []string{"source", "operator", "operand_2"}
	var faults []Fault
	for _, key := range n.keys {
		if !known(key.text, expanded) {
			faults = append(faults, Fault{Line: key.line, Where: where,
				Problem: fmt.Sprintf("the key %q does not belong here", key.text), Hint: oneOf(key.text, expanded)})
		}
	}
	for _, key := range expanded {
		if item := n.get(key); item == nil || item.kind != scalarNode || item.isNull() {
			faults = append(faults, Fault{Line: n.line, Where: where,
				Problem: fmt.Sprintf("needs a text for %s", key), Hint: "source, operator and operand_2 belong together"})
		}
	}
	if len(faults) > 0 {
		return nil, faults
	}
	return newComparison(n, where, n.get("source").text, n.get("operator").text, n.get("operand_2").text)
}

func known(word string, words []string) bool {
	for _, w := range words {
		if w == word {
			return true
		}
	}
	return false
}
