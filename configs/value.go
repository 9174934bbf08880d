package configs

import (
	"errors"
	"fmt"
	"maps"
	"strings"

	"go.yaml.in/yaml/v3"
)

// value is a field of a Config that can be set from a text or from a YAML node.
// Errors complete the sentence "VALUE ...": "is not a whole number".
type value interface {
	set(text string) error         // from the environment or the first flag; replaces
	add(text string) error         // from a repeated flag; appends where that means something
	setNode(node *yaml.Node) error // from the file; replaces. Never a null or an alias
	text() string                  // as set would take it; *** for a secret
	yaml() string                  // on one line of YAML
	kind() string                  // word for the kind of value in the usage text
	secret() bool
	content() any // a copy, for comparing; shows secrets
}

var errCollection = errors.New("must be one value, not a list or a section")

// scalar is a value of one word.
type scalar[T any] struct {
	target *T
	parse  func(string) (T, error)
	format func(T) string
	name   string
	hide   bool
}

func (s scalar[T]) set(text string) error {
	v, err := s.parse(text)
	if err != nil {
		return err
	}
	*s.target = v
	return nil
}

func (s scalar[T]) add(text string) error { return s.set(text) }

func (s scalar[T]) setNode(node *yaml.Node) error {
	if node.Kind != yaml.ScalarNode {
		return errCollection
	}
	return s.set(node.Value)
}

func (s scalar[T]) text() string { return s.format(*s.target) }
func (s scalar[T]) yaml() string { return quote(s.text()) }
func (s scalar[T]) kind() string { return s.name }
func (s scalar[T]) secret() bool { return s.hide }
func (s scalar[T]) content() any { return *s.target }

// list is a value of several words.
type list[T any] struct {
	target *[]T
	split  func(string) []string
	parse  func(string) (T, error)
	format func(T) string
	join   string
	name   string
	least  int
}

func (l list[T]) set(text string) error {
	*l.target = nil
	return l.add(text)
}

func (l list[T]) add(text string) error {
	return l.append(l.split(text))
}

func (l list[T]) append(words []string) error {
	all := *l.target
	for _, word := range words {
		v, err := l.parse(word)
		if err != nil {
			return fmt.Errorf("holds %q, which %w", word, err)
		}
		all = append(all, v)
	}
	if len(all) < l.least {
		return errors.New("is empty")
	}
	*l.target = all
	return nil
}

func (l list[T]) setNode(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		return l.set(node.Value)
	}
	if node.Kind != yaml.SequenceNode {
		return errors.New("is not a list")
	}
	words := make([]string, 0, len(node.Content))
	for _, item := range node.Content {
		item = resolve(item)
		if item.Kind != yaml.ScalarNode || isNull(item) {
			return errors.New("is not a list of single values")
		}
		// As in a flag, what is empty or blank is no entry.
		if word := strings.TrimSpace(item.Value); word != "" {
			words = append(words, word)
		}
	}
	*l.target = nil
	return l.append(words)
}

func (l list[T]) words() []string {
	words := make([]string, 0, len(*l.target))
	for _, v := range *l.target {
		words = append(words, l.format(v))
	}
	return words
}

func (l list[T]) text() string { return strings.Join(l.words(), l.join) }

func (l list[T]) yaml() string {
	words := l.words()
	for i := range words {
		words[i] = quote(words[i])
	}
	return "[" + strings.Join(words, ", ") + "]"
}

func (l list[T]) kind() string { return l.name }
func (l list[T]) secret() bool { return false }
func (l list[T]) content() any { return append([]T{}, *l.target...) }

// mapping is a value of names with a text each. Its texts count as secrets: headers
// and librdkafka properties may be ones.
type mapping struct{ target *map[string]string }

// set takes one name=value, or a whole map in YAML or JSON.
func (m mapping) set(text string) error {
	*m.target = nil
	return m.add(text)
}

func (m mapping) add(text string) error {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil
	}
	if strings.HasPrefix(text, "{") {
		var document yaml.Node
		if err := yaml.Unmarshal([]byte(text), &document); err != nil || len(document.Content) != 1 {
			return errors.New("is not a map {name: value}")
		}
		return m.merge(resolve(document.Content[0]))
	}
	name, value, found := strings.Cut(text, "=")
	if name = strings.TrimSpace(name); !found || name == "" {
		return errors.New("is not name=value")
	}
	m.put(name, value)
	return nil
}

func (m mapping) put(name, value string) {
	if *m.target == nil {
		*m.target = map[string]string{}
	}
	(*m.target)[name] = value
}

func (m mapping) setNode(node *yaml.Node) error {
	*m.target = nil
	return m.merge(node)
}

func (m mapping) merge(node *yaml.Node) error {
	if node.Kind != yaml.MappingNode {
		return errors.New("is not a map of names and values")
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		name, value := resolve(node.Content[i]), resolve(node.Content[i+1])
		if name.Kind != yaml.ScalarNode || value.Kind != yaml.ScalarNode {
			return errors.New("is not a map of names and single values")
		}
		if _, twice := (*m.target)[name.Value]; twice {
			return fmt.Errorf("names %s twice", name.Value)
		}
		if isNull(value) {
			m.put(name.Value, "")
			continue
		}
		m.put(name.Value, value.Value)
	}
	return nil
}

func (m mapping) text() string {
	if len(*m.target) == 0 {
		return ""
	}
	return hidden
}

func (m mapping) yaml() string { return "{}" }
func (m mapping) kind() string { return "name=value" }
func (m mapping) secret() bool { return true }

func (m mapping) content() any {
	all := map[string]string{}
	maps.Copy(all, *m.target)
	return all
}
