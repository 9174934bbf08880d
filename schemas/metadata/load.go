package metadata

import (
	"errors"
	"fmt"
	"os"
	"sort"
	"strings"

	"ingestor/internal/fault"
	"ingestor/schemas/metadata/pyvalue"
)

// The keys at the top of a schema file.
var (
	requiredKeys = []string{"id", "name", "instrument", "selector", "order", "variables", "schema"}
	schemaKeys   = append(append([]string{}, requiredKeys...), "sample_attachment")
)

// maxSchemaBytes keeps a wrong file, such as a data file, from being read as a
// schema.
const maxSchemaBytes = 8 << 20

// LoadFile reads one schema file. What is wrong inside is in the Faults of the
// schema and in its Err; the error is a *SchemaError (kind BadConfiguration)
// for a file that can not be parsed, or that does not say what it is for: its
// id, order or selector is missing or wrong.
func LoadFile(path string) (*Schema, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fault.New(fault.BadConfiguration, fmt.Errorf("read schema file: %w", err))
	}
	return parseSchema(path, text)
}

func parseSchema(path string, text []byte) (*Schema, error) {
	b, err := buildSchema(path, text)
	if err != nil {
		return nil, err
	}
	if b.stops {
		return nil, (&SchemaError{path, b.schema.Faults}).stopping()
	}
	return b.schema, nil
}

// buildSchema is parseSchema that gives the schema also when it must not be
// used; the error is then only about what is no schema at all.
func buildSchema(path string, text []byte) (*schemaBuilder, error) {
	if len(text) > maxSchemaBytes {
		return nil, stop(path, Fault{Problem: "the file is larger than 8 MiB, that can not be a schema"})
	}
	root, faults, err := parseText(path, text)
	if err != nil {
		f := Fault{Problem: err.Error()}
		var p *parseError
		if errors.As(err, &p) {
			f.Line = p.line
		}
		return nil, stop(path, f)
	}
	if root.kind != mapNode {
		return nil, stop(path, Fault{Line: root.line, Problem: fmt.Sprintf("is %s, not a schema", root.words()),
			Hint: "a schema is a mapping with the keys " + strings.Join(requiredKeys, ", ")})
	}
	b := &schemaBuilder{schema: &Schema{Path: path, Faults: faults}, root: root}
	b.build()
	return b, nil
}

// parseText reads JSON or YAML, as the name of the file says.
func parseText(path string, text []byte) (*node, []Fault, error) {
	if strings.HasSuffix(path, ".json") {
		return parseJSON(text)
	}
	return parseYAML(text)
}

func stop(path string, f Fault) error {
	return (&SchemaError{path, []Fault{f}}).stopping()
}

// schemaBuilder makes a schema of a parsed file and collects every fault.
type schemaBuilder struct {
	schema *Schema
	root   *node
	// stops says that the file does not even tell what it is for.
	stops bool
}

func (b *schemaBuilder) fault(f Fault) { b.schema.Faults = append(b.schema.Faults, f) }

func (b *schemaBuilder) stop(f Fault) {
	b.stops = true
	b.fault(f)
}

func (b *schemaBuilder) build() {
	for _, key := range b.root.keys {
		if !known(key.text, schemaKeys) {
			b.fault(Fault{Line: key.line, Where: key.text, Problem: "the key is not known", Hint: oneOf(key.text, schemaKeys)})
		}
	}
	b.head()
	b.variables()
	b.items()
	b.sample()
	sort.SliceStable(b.schema.Faults, func(i, j int) bool { return b.schema.Faults[i].Line < b.schema.Faults[j].Line })
}

// head reads what tells the schema from others.
func (b *schemaBuilder) head() {
	s, root := b.schema, b.root
	if id := root.get("id"); id == nil || id.kind != scalarNode || id.isNull() || id.text == "" {
		b.stop(b.missing("id", "write a text that no other schema has"))
	} else {
		s.ID, s.id = pyvalue.Text(id.value), id.value
	}
	switch name := root.get("name"); {
	case name == nil || name.kind != scalarNode:
		b.fault(b.missing("name", "write a text for people"))
	default:
		s.Name = name.text
	}
	switch instrument := root.get("instrument"); instrument {
	case nil:
		b.fault(b.missing("instrument", "write the name of the instrument, or '*'"))
	default:
		s.Instrument = templateText(instrument)
	}
	b.order()
	if selector := root.get("selector"); selector == nil {
		b.stop(b.missing("selector", selectorForms))
	} else {
		var faults []Fault
		if s.Selector, faults = parseSelector(selector, "selector"); len(faults) > 0 {
			b.stops = true
			s.Faults = append(s.Faults, faults...)
		}
	}
}

func (b *schemaBuilder) missing(key, hint string) Fault {
	f := Fault{Line: b.root.line, Where: key, Problem: "is missing", Hint: hint}
	if n := b.root.get(key); n != nil {
		f.Line, f.Problem = n.line, "is "+n.words()
	}
	return f
}

func (b *schemaBuilder) order() {
	const hint = "write a number; the schema with the lowest that selects a file is used"
	n := b.root.get("order")
	if n == nil || n.kind != scalarNode {
		b.stop(b.missing("order", hint))
		return
	}
	switch n.value.(type) {
	case pyvalue.Int, pyvalue.Float, pyvalue.Bool:
		if f, err := pyvalue.ToFloat(n.value); err == nil && f == f {
			b.schema.Order = float64(f)
			return
		}
	}
	b.stop(Fault{Line: n.line, Where: "order", Problem: fmt.Sprintf("%q is not a number", n.text), Hint: hint})
}

// section is a part of the file that must be a mapping.
func (b *schemaBuilder) section(key string) *node {
	n := b.root.get(key)
	switch {
	case n == nil:
		b.fault(b.missing(key, "write {} when there are none"))
	case n.kind != mapNode:
		b.fault(Fault{Line: n.line, Where: key, Problem: "is " + n.words() + ", not a mapping", Hint: "write {} when there are none"})
		return nil
	}
	return n
}

// text is the text of a scalar entry, "" when there is none.
func text(n *node) string {
	if n.isNull() {
		return ""
	}
	return templateText(n)
}
