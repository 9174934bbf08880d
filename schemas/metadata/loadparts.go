package metadata

import (
	"fmt"
	"strings"

	"ingestor/schemas/metadata/pyvalue"
)

// keysOf are the keys that a variable of each source has; the first ones are
// required.
var keysOf = map[Source]struct{ required, optional []string }{
	FromFile:      {[]string{"source", "value_type", "path"}, []string{"unit"}},
	FromCatalogue: {[]string{"source", "value_type", "url", "field"}, []string{"unit"}},
	FromValue:     {[]string{"source", "value_type", "value"}, []string{"operator", "field", "pattern", "replacement", "unit"}},
}

var sourceNames = []string{string(FromFile), string(FromCatalogue), string(FromValue)}

func (b *schemaBuilder) variables() {
	section := b.section("variables")
	if section == nil {
		return
	}
	for i, key := range section.keys {
		where := "variables." + templateText(key)
		b.name(key, where)
		item := section.items[i]
		if item.kind != mapNode {
			b.fault(Fault{Line: key.line, Where: where, Problem: "is " + item.words() + ", not a mapping",
				Hint: "a variable has at least source and value_type"})
			continue
		}
		b.variable(where, templateText(key), key.line, item)
	}
}

// name warns about names that YAML does not read as text: the peer trips over
// them, here they are what is written.
func (b *schemaBuilder) name(key *node, where string) {
	if _, isText := key.value.(pyvalue.Str); !isText {
		b.fault(Fault{Line: key.line, Where: where, Harmless: true,
			Problem: "YAML reads the name as " + key.words(), Hint: "put it in quotes"})
	}
}

func (b *schemaBuilder) variable(where, name string, line int, n *node) {
	source := n.get("source")
	if source == nil {
		b.fault(Fault{Line: line, Where: where, Problem: "source is missing", Hint: "known: " + strings.Join(sourceNames, ", ")})
		return
	}
	keys, ok := keysOf[Source(text(source))]
	if !ok {
		b.fault(Fault{Line: source.line, Where: where,
			Problem: fmt.Sprintf("source %q is not known", text(source)), Hint: oneOf(text(source), sourceNames)})
		return
	}
	d := Definition{Name: name, Line: line, Source: Source(source.text), field: pyvalue.None{},
		Type: text(n.get("value_type")), Path: text(n.get("path")), URL: text(n.get("url")),
		Unit: text(n.get("unit")), Operator: text(n.get("operator")), value: n.get("value")}
	b.entries(where, "a variable of source "+string(d.Source), line, n, keys.required, keys.optional)
	b.types(where+".value_type", d.Type, n.get("value_type"))
	if field := n.get("field"); field != nil && field.kind == scalarNode {
		d.field = field.value
	} else if field != nil {
		d.field = pyvalue.List{pyvalue.Str(templateText(field))} // no answer has that
		b.fault(Fault{Line: field.line, Where: where + ".field", Harmless: true,
			Problem: "is " + field.words() + ", so this always fails", Hint: "write a name or a number"})
	}
	d.pattern, d.replacement = optionalText(n.get("pattern")), optionalText(n.get("replacement"))
	if d.Source == FromValue {
		b.operator(where, d, n)
	}
	b.schema.Definitions = append(b.schema.Definitions, d)
}

func (b *schemaBuilder) operator(where string, d Definition, n *node) {
	if _, ok := operators[canonicalOperator(d.Operator)]; !ok {
		b.fault(Fault{Line: n.get("operator").line, Where: where + ".operator",
			Problem: fmt.Sprintf("the operator %q is not known", d.Operator), Hint: oneOf(d.Operator, operatorNames())})
		return
	}
	if canonicalOperator(d.Operator) == "str_replace" && (d.pattern == nil || d.replacement == nil) {
		b.fault(Fault{Line: n.line, Where: where, Harmless: true, Problem: "str-replace changes nothing without pattern and replacement",
			Hint: "give both"})
	}
	if canonicalOperator(d.Operator) == "getitem" && n.get("field") == nil {
		b.fault(Fault{Line: n.line, Where: where, Harmless: true, Problem: "getitem needs a field", Hint: "field: NAME or field: 0"})
	}
}

// entries checks which keys are there.
func (b *schemaBuilder) entries(where, what string, line int, n *node, required, optional []string) {
	all := append(append([]string{}, required...), optional...)
	for _, key := range n.keys {
		if !known(templateText(key), all) {
			b.fault(Fault{Line: key.line, Where: where, Problem: fmt.Sprintf("%s has no key %q", what, templateText(key)),
				Hint: oneOf(templateText(key), all)})
		}
	}
	for _, key := range required {
		if n.get(key) == nil {
			b.fault(Fault{Line: line, Where: where, Problem: key + " is missing", Hint: "needed: " + strings.Join(required, ", ")})
		}
	}
}

func (b *schemaBuilder) types(where, name string, n *node) {
	if n != nil && !known(name, typeNames) {
		b.fault(Fault{Line: n.line, Where: where, Harmless: true,
			Problem: fmt.Sprintf("the type %q is not known, so this always fails", name), Hint: oneOf(name, typeNames)})
	}
}

func optionalText(n *node) *string {
	if n.isNull() {
		return nil
	}
	s := templateText(n)
	return &s
}

var (
	itemRequired = []string{"field_type", "machine_name", "value", "type"}
	itemOptional = []string{"human_name", "unit"}
)

func (b *schemaBuilder) items() {
	section := b.section("schema")
	if section == nil {
		return
	}
	for i, key := range section.keys {
		n, where := section.items[i], "schema."+templateText(key)
		if n.kind != mapNode {
			b.fault(Fault{Line: key.line, Where: where, Problem: "is " + n.words() + ", not a mapping",
				Hint: "needed: " + strings.Join(itemRequired, ", ")})
			continue
		}
		b.entries(where, "an item", key.line, n, itemRequired, itemOptional)
		b.types(where+".type", text(n.get("type")), n.get("type"))
		item := Item{Key: templateText(key), Line: key.line, MachineName: text(n.get("machine_name")),
			FieldType: text(n.get("field_type")), Type: text(n.get("type")),
			HumanName: text(n.get("human_name")), Unit: text(n.get("unit")), value: n.get("value")}
		if item.HumanName == "" {
			item.HumanName = item.MachineName
		}
		b.field(where, item)
		b.schema.Items = append(b.schema.Items, item)
	}
}

// field tells about fields that will be dropped.
func (b *schemaBuilder) field(where string, item Item) {
	fieldTypes := []string{HighLevel, Scientific}
	if !known(item.FieldType, fieldTypes) {
		b.fault(Fault{Line: item.Line, Where: where, Harmless: true,
			Problem: fmt.Sprintf("the field type %q is not known, so the item is dropped", item.FieldType), Hint: oneOf(item.FieldType, fieldTypes)})
		return
	}
	if reason := droppedBecause(item); item.FieldType == HighLevel && reason != "" && item.MachineName != "" {
		hint := "leave the item out"
		if !known(item.MachineName, reservedNames) {
			hint = oneOf(item.MachineName, highLevelNames)
		}
		b.fault(Fault{Line: item.Line, Where: where, Harmless: true, Problem: reason, Hint: hint})
	}
}

var sampleKeys = []string{"query_sample_name", "sample_name_path", "proposal_id_path"}

func (b *schemaBuilder) sample() {
	b.schema.Sample = SampleAttachment{NamePath: "/entry/sample/name", ProposalPath: "/entry/experiment_identifier"}
	n := b.root.get("sample_attachment")
	if n == nil || n.isNull() {
		return
	}
	const where = "sample_attachment"
	if n.kind != mapNode {
		b.fault(Fault{Line: n.line, Where: where, Problem: "is " + n.words() + ", not a mapping", Hint: "known: " + strings.Join(sampleKeys, ", ")})
		return
	}
	b.entries(where, "it", n.line, n, nil, sampleKeys)
	if q := n.get("query_sample_name"); q != nil {
		on, ok := q.value.(pyvalue.Bool)
		if !ok && !q.isNull() {
			b.fault(Fault{Line: q.line, Where: where + ".query_sample_name", Problem: fmt.Sprintf("%q is neither true nor false", q.text), Hint: "write true or false"})
		}
		b.schema.Sample.Query = bool(on)
	}
	if path := text(n.get("sample_name_path")); path != "" {
		b.schema.Sample.NamePath = path
	}
	if path := text(n.get("proposal_id_path")); path != "" {
		b.schema.Sample.ProposalPath = path
	}
}
