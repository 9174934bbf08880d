package metadata

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"ingestor/schemas/metadata/pyvalue"
)

// maxRendered bounds the text that a template grows to, in bytes: variables
// can hold each other's names.
const maxRendered = 64 << 20

// render replaces the names of variables in a value of the schema. A value
// that is exactly one name keeps the type and the unit of the variable.
func (s scope) render(n *node) (pyvalue.Value, string, error) {
	if n == nil {
		return nil, "", errors.New("there is no value")
	}
	switch n.kind {
	case listNode:
		return s.renderList(n)
	case mapNode:
		return s.renderMap(n)
	}
	text, err := scalarTemplate(n)
	if err != nil {
		return nil, "", err
	}
	return s.renderText(text)
}

// scalarTemplate is the text of a scalar: what is not text is written as JSON.
func scalarTemplate(n *node) (string, error) {
	switch v := n.value.(type) {
	case pyvalue.Str:
		return string(v), nil
	case pyvalue.None:
		return "null", nil
	case pyvalue.Bool:
		return strings.ToLower(pyvalue.Text(v)), nil
	case pyvalue.Float:
		switch text := pyvalue.Text(v); text {
		case "nan":
			return "NaN", nil
		case "inf", "-inf":
			return strings.Replace(text, "inf", "Infinity", 1), nil
		default:
			return text, nil
		}
	case pyvalue.Int:
		return pyvalue.Text(v), nil
	default:
		return "", fmt.Errorf("%s can not be a value", n.words())
	}
}

// renderElement renders a part of a list or mapping, which must be text.
func (s scope) renderElement(n *node) (pyvalue.Value, string, error) {
	if n.kind == scalarNode {
		if text, ok := n.value.(pyvalue.Str); ok {
			return s.renderText(string(text))
		}
	}
	return nil, "", fmt.Errorf("line %d: parts of a list or mapping must be text, not %s: put it in quotes", n.line, n.words())
}

func (s scope) renderList(n *node) (pyvalue.Value, string, error) {
	list, units := pyvalue.List{}, commonUnit{}
	for _, item := range n.items {
		v, unit, err := s.renderElement(item)
		if err != nil {
			return nil, "", err
		}
		units.add(unit)
		list = append(list, v)
	}
	return list, units.unit, nil
}

func (s scope) renderMap(n *node) (pyvalue.Value, string, error) {
	d, units := pyvalue.NewDict(), commonUnit{}
	for i, item := range n.items {
		key, _, err := s.renderElement(n.keys[i])
		if err != nil {
			return nil, "", err
		}
		v, unit, err := s.renderElement(item)
		if err != nil {
			return nil, "", err
		}
		units.add(unit)
		if err := d.Set(key, v); err != nil {
			return nil, "", err
		}
	}
	return d, units.unit, nil
}

// commonUnit is the unit that all parts share, none when they differ.
type commonUnit struct {
	unit string
	some bool
}

func (c *commonUnit) add(unit string) {
	if c.some && c.unit != unit {
		unit = ""
	}
	c.unit, c.some = unit, true
}

func (s scope) renderText(text string) (pyvalue.Value, string, error) {
	if !strings.Contains(text, "<") {
		return pyvalue.Str(text), "", nil
	}
	if strings.HasPrefix(text, "<") && strings.HasSuffix(text, ">") && len(text) > 2 {
		if b := s.lookup(text[1 : len(text)-1]); b != nil {
			return b.value, b.unit, nil
		}
	}
	rendered := text
	for i := range s.registry.slots {
		at := &s.registry.slots[i]
		count := strings.Count(rendered, at.token)
		if count == 0 {
			continue
		}
		b := s.bindingOf(at)
		if b == nil {
			continue
		}
		value := pyvalue.Text(b.value)
		if len(rendered)+count*len(value) > maxRendered {
			return nil, "", errors.New("the text gets longer than 64 MiB")
		}
		rendered = strings.ReplaceAll(rendered, at.token, value)
	}
	if strings.Contains(rendered, "<") && strings.Contains(rendered, ">") {
		return nil, "", s.unresolved(text, rendered)
	}
	return pyvalue.Str(rendered), "", nil
}

var nameToken = regexp.MustCompile(`<([^<>]*)>`)

// unresolved says which name has no value, and why.
func (s scope) unresolved(text, rendered string) error {
	for _, m := range nameToken.FindAllStringSubmatch(rendered, -1) {
		name := m[1]
		i, ok := s.registry.index[name]
		switch {
		case !ok:
			if near := nearest(name, s.names()); near != "" {
				return fmt.Errorf("%q is unresolved: there is no variable %s; did you mean %s?", text, name, near)
			}
			return fmt.Errorf("%q is unresolved: there is no variable %s", text, name)
		case s.registry.slots[i].definition >= s.position:
			return fmt.Errorf("%q is unresolved: the variable %s is only defined further down", text, name)
		case s.bindingOf(&s.registry.slots[i]) == nil:
			return &missingError{text, name}
		}
	}
	return fmt.Errorf("%q is unresolved: it holds both < and >", text)
}

// missingError is a text that needs a variable that has failed.
type missingError struct{ text, name string }

func (e *missingError) Error() string {
	return fmt.Sprintf("%q is unresolved: the variable %s has failed", e.text, e.name)
}

// failed lists the variables that a value of the schema names and that have no
// value, each once.
func (s scope) failed(n *node) []string {
	var names []string
	for _, text := range templates(n) {
		for _, m := range nameToken.FindAllStringSubmatch(text, -1) {
			i, ok := s.registry.index[m[1]]
			if ok && s.bindingOf(&s.registry.slots[i]) == nil && !known(m[1], names) {
				names = append(names, m[1])
			}
		}
	}
	return names
}

func (s scope) names() []string {
	var names []string
	for i := range s.registry.slots {
		if s.bindingOf(&s.registry.slots[i]) != nil {
			names = append(names, s.registry.slots[i].name)
		}
	}
	return names
}

// templates lists every text in a value of the schema.
func templates(n *node) []string {
	if n == nil {
		return nil
	}
	if n.kind == scalarNode {
		return []string{n.text}
	}
	var texts []string
	for _, part := range append(append([]*node{}, n.keys...), n.items...) {
		texts = append(texts, templates(part)...)
	}
	return texts
}
