package configs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxFile bounds what is read; a configuration is a few kilobytes.
const maxFile = 8 << 20

// file applies the configuration file; false when nothing of it could be used.
func (l *loader) file(path string) bool {
	data, err := readAtMost(path, maxFile)
	if err != nil {
		l.problems = append(l.problems, Problem{Place: path, Reason: "cannot read the configuration file: " + reason(err)})
		return false
	}
	return l.document(path, data)
}

// readAtMost reads a file that may be a pipe.
func readAtMost(path string, most int64) (data []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	data, err = io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(data)) > most {
		err = fmt.Errorf("it is larger than %d bytes", most)
	}
	return data, err
}

// reason is an error without the path, which the place already tells.
func reason(err error) string {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

// document applies the text of a configuration file; false when it is not one.
func (l *loader) document(path string, data []byte) bool {
	if json.Valid(data) {
		data = yamlFromJSON(data)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document, second yaml.Node
	err := decoder.Decode(&document)
	if errors.Is(err, io.EOF) {
		return true // nothing but comments: no section is given
	}
	if err == nil {
		switch err = decoder.Decode(&second); {
		case err == nil:
			l.problems = append(l.problems, Problem{Place: at(path, second.Line), Reason: "a second document starts here; one file holds one configuration"})
			return false
		case errors.Is(err, io.EOF):
			err = nil
		}
	}
	if err != nil {
		l.problems = append(l.problems, syntaxProblem(path, err))
		return false
	}
	if len(document.Content) == 0 {
		return true
	}
	root := resolve(document.Content[0])
	switch {
	case isNull(root):
	case root.Kind != yaml.MappingNode:
		l.problems = append(l.problems, Problem{Place: at(path, root.Line),
			Reason: "the configuration is " + kindOf(root) + ", but must be sections with keys, like `scicat:` and below it `host: ...`"})
		return false
	default:
		l.mapping(path, "", root)
	}
	return true
}

func at(path string, line int) string { return fmt.Sprintf("%s:%d", path, line) }

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(?s)(.*)$`)

// syntaxProblem puts the library's line number where we have ours.
func syntaxProblem(path string, err error) Problem {
	p := Problem{Place: path, Reason: "not valid YAML: " + err.Error()}
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		p.Reason = "not valid YAML: " + strings.ReplaceAll(m[2], "\n", " ")
		if m[1] != "" {
			p.Place += ":" + m[1]
		}
	}
	return p
}

func kindOf(node *yaml.Node) string {
	switch node.Kind {
	case yaml.SequenceNode:
		return "a list"
	case yaml.MappingNode:
		return "a map"
	default:
		return "a single value"
	}
}

// maxMaps bounds the maps that one file applies: merge keys can name a map within
// itself, many times over. There are ten sections.
const maxMaps = 100

// mapping applies the keys of the section called prefix.
func (l *loader) mapping(path, prefix string, node *yaml.Node) {
	if l.maps++; l.maps >= maxMaps {
		if l.maps == maxMaps {
			l.problems = append(l.problems, Problem{Place: at(path, node.Line), Key: prefix, Reason: "merges too many maps with <<"})
		}
		return
	}
	lines := make(map[string]int, len(node.Content)/2)
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].ShortTag() == "!!merge" {
			l.merge(path, prefix, resolve(node.Content[i+1]))
		}
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		name, value := resolve(node.Content[i]), resolve(node.Content[i+1])
		if name.ShortTag() == "!!merge" {
			continue
		}
		place := at(path, node.Content[i].Line)
		if name.Kind != yaml.ScalarNode {
			l.problems = append(l.problems, Problem{Place: place, Key: prefix, Reason: "holds a key that is " + kindOf(name)})
			continue
		}
		full := dotted(prefix, plainName(name.Value))
		if first, twice := lines[name.Value]; twice {
			l.problems = append(l.problems, Problem{Place: place, Key: full, Reason: fmt.Sprintf("is given twice, first in line %d", first)})
			continue
		}
		lines[name.Value] = node.Content[i].Line
		l.entry(path, place, full, value)
	}
}

// plainName is a key as a message may show it and as no known key is called when it
// holds a dot: sections nest, dots do not.
func plainName(name string) string {
	if strings.ContainsFunc(name, isControl) || strings.Contains(name, ".") || len(name) > 100 {
		return shown(name, false)
	}
	return name
}

func dotted(prefix, name string) string {
	if prefix == "" {
		return name
	}
	return prefix + "." + name
}

// merge applies `<<: *anchor`; what the section says itself comes later and wins.
func (l *loader) merge(path, prefix string, node *yaml.Node) {
	switch node.Kind {
	case yaml.MappingNode:
		l.mapping(path, prefix, node)
	case yaml.SequenceNode:
		for _, item := range slices.Backward(node.Content) { // the first of them wins
			if item = resolve(item); item.Kind == yaml.MappingNode {
				l.mapping(path, prefix, item)
			}
		}
	default:
		l.problems = append(l.problems, Problem{Place: at(path, node.Line), Key: prefix, Reason: "<< must name a map"})
	}
}

// entry applies one key or goes into one section.
func (l *loader) entry(path, place, full string, value *yaml.Node) {
	k, known := l.keys[full]
	switch {
	case known && isNull(value): // `key:` keeps the default, except where null has a meaning of its own, which is the default too
	case known:
		if s, is := k.value.(structured); is {
			r := &reader{file: path}
			s.read(r, full, value)
			l.problems = append(l.problems, r.problems...)
			l.unknown = append(l.unknown, r.unknown...)
			l.given(full, byFile, place)
			return
		}
		if err := k.value.setNode(value); err != nil {
			l.nodeFault(place, k, value, err)
			return
		}
		l.given(full, byFile, place)
	case l.sections[full] && isNull(value):
	case l.sections[full] && value.Kind == yaml.MappingNode:
		l.mapping(path, full, value)
	case l.sections[full]:
		l.problems = append(l.problems, Problem{Place: place, Key: full, Reason: "is " + kindOf(value) + ", but must be a section with keys"})
	default:
		l.unknown = append(l.unknown, Problem{Place: place, Key: full, Reason: "unknown key", Nearest: l.nearestKey(full)})
	}
}

// nodeFault notes a value of the file that cannot be taken.
func (l *loader) nodeFault(place string, k key, node *yaml.Node, reason error) {
	if node.Kind == yaml.ScalarNode {
		l.fault(place, k, node.Value, reason)
		return
	}
	l.problems = append(l.problems, Problem{Place: place, Key: k.path, Reason: reason.Error()})
}
