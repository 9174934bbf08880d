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

// file applies the configuration file.
func (l *loader) file(path string) {
	data, err := readAtMost(path, maxFile)
	if err != nil {
		l.problems = append(l.problems, Problem{Place: path, Reason: "cannot read the configuration file: " + reason(err)})
		return
	}
	l.document(path, data)
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

// document applies the text of a configuration file.
func (l *loader) document(path string, data []byte) {
	if json.Valid(data) {
		// YAML forbids tabs as indentation. In valid JSON they are nothing but white space.
		data = bytes.ReplaceAll(data, []byte{'\t'}, []byte{' '})
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document, second yaml.Node
	err := decoder.Decode(&document)
	if errors.Is(err, io.EOF) {
		return // nothing but comments: no section is given
	}
	if err == nil && decoder.Decode(&second) == nil {
		l.problems = append(l.problems, Problem{Place: at(path, second.Line), Reason: "a second document starts here; one file holds one configuration"})
		return
	}
	if err != nil {
		l.problems = append(l.problems, syntaxProblem(path, err))
		return
	}
	root := resolve(document.Content[0])
	switch {
	case isNull(root):
	case root.Kind != yaml.MappingNode:
		l.problems = append(l.problems, Problem{Place: at(path, root.Line),
			Reason: "the configuration is " + kindOf(root) + ", but must be sections with keys, like `scicat:` and below it `host: ...`"})
	default:
		l.mapping(path, "", root, 0)
	}
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

// maxDepth bounds merge keys that merge themselves; sections nest two deep.
const maxDepth = 10

// mapping applies the keys of the section called prefix.
func (l *loader) mapping(path, prefix string, node *yaml.Node, depth int) {
	if depth > maxDepth {
		l.problems = append(l.problems, Problem{Place: at(path, node.Line), Key: prefix, Reason: "is nested too deeply"})
		return
	}
	lines := make(map[string]int, len(node.Content)/2)
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].ShortTag() == "!!merge" {
			l.merge(path, prefix, resolve(node.Content[i+1]), depth)
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
		full := dotted(prefix, name.Value)
		if first, twice := lines[name.Value]; twice {
			l.problems = append(l.problems, Problem{Place: place, Key: full, Reason: fmt.Sprintf("is given twice, first in line %d", first)})
			continue
		}
		lines[name.Value] = node.Content[i].Line
		l.entry(path, place, full, value, depth)
	}
}

func dotted(prefix, name string) string {
	if prefix == "" {
		return name
	}
	return prefix + "." + name
}

// merge applies `<<: *anchor`; what the section says itself comes later and wins.
func (l *loader) merge(path, prefix string, node *yaml.Node, depth int) {
	switch node.Kind {
	case yaml.MappingNode:
		l.mapping(path, prefix, node, depth+1)
	case yaml.SequenceNode:
		for _, item := range slices.Backward(node.Content) { // the first of them wins
			if item = resolve(item); item.Kind == yaml.MappingNode {
				l.mapping(path, prefix, item, depth+1)
			}
		}
	default:
		l.problems = append(l.problems, Problem{Place: at(path, node.Line), Key: prefix, Reason: "<< must name a map"})
	}
}

// entry applies one key or goes into one section.
func (l *loader) entry(path, place, full string, value *yaml.Node, depth int) {
	k, known := l.keys[full]
	switch {
	case known && isNull(value): // `key:` keeps the default, except where null has a meaning of its own, which is the default too
	case known:
		if err := k.value.setNode(value); err != nil {
			l.nodeFault(place, k, value, err)
			return
		}
		l.given(full, byFile, place)
	case l.sections[full] && isNull(value):
	case l.sections[full] && value.Kind == yaml.MappingNode:
		l.mapping(path, full, value, depth+1)
	case l.sections[full]:
		l.problems = append(l.problems, Problem{Place: place, Key: full, Reason: "is " + kindOf(value) + ", but must be a section with keys"})
	case isUnsupported(full):
		if !isEmpty(value) {
			l.problems = append(l.problems, Problem{Place: place, Key: full, Reason: notYet})
		}
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

// nearestKey prefers the same name in another section, then a like name in the same
// section, then a like path.
func (l *loader) nearestKey(full string) string {
	prefix, leaf := "", full
	if i := strings.LastIndexByte(full, '.'); i >= 0 {
		prefix, leaf = full[:i], full[i+1:]
	}
	var all, siblings, same []string
	l.config.each(func(k key) { all = append(all, k.path) })
	for name := range l.sections {
		all = append(all, name)
	}
	slices.Sort(all)
	for _, name := range all {
		cut := strings.LastIndexByte(name, '.')
		if name[cut+1:] == leaf {
			same = append(same, name)
		}
		if cut < 0 && prefix == "" || cut >= 0 && name[:cut] == prefix {
			siblings = append(siblings, name[cut+1:])
		}
	}
	if len(same) == 1 {
		return same[0]
	}
	if near := nearest(leaf, siblings); near != "" {
		return dotted(prefix, near)
	}
	return nearest(full, all)
}
