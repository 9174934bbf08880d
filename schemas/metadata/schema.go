package metadata

import (
	"ingestor/internal/fault"
	"ingestor/schemas/metadata/pyvalue"
)

// Schema is one schema file. It is not changed after loading and may be used
// by several goroutines.
type Schema struct {
	// ID, Name and Instrument are the texts at the top of the file.
	ID, Name, Instrument string
	// Path is the file; the name in angle brackets for a built-in schema.
	Path string
	// Order is the rank: the schema with the lowest that selects a file is used.
	Order float64
	// Selector says which files the schema is for.
	Selector Selector
	// Definitions are the variables in the order of the file.
	Definitions []Definition
	// Items are the fields in the order of the file.
	Items []Item
	// Sample says whether samples are looked up.
	Sample SampleAttachment
	// Faults is all that was found to be wrong, in the order of the file.
	Faults []Fault

	id pyvalue.Value
}

// Err is the fault (kind BadInput) that keeps the schema from being used, nil
// when there is none.
func (s *Schema) Err() error {
	for _, f := range s.Faults {
		if !f.Harmless {
			return fault.New(fault.BadInput, &SchemaError{Path: s.Path, Faults: s.Faults})
		}
	}
	return nil
}

// Source is where a variable comes from.
type Source string

// The sources of variables.
const (
	// FromFile is a value in the NeXus file.
	FromFile Source = "NXS"
	// FromCatalogue is looked up in SciCat.
	FromCatalogue Source = "SC"
	// FromValue is written in the schema, or computed from other variables.
	FromValue Source = "VALUE"
	// BuiltIn is set by the ingestor itself.
	BuiltIn Source = "built-in"
)

// Definition is a variable as the schema defines it.
type Definition struct {
	Name   string
	Line   int
	Source Source
	// Type is the value_type.
	Type string
	// Path is where an NXS variable is in the file; it may hold wildcards.
	Path string
	// URL is the template of an SC variable's address.
	URL string
	// Unit is the unit that an NXS variable has when the file says none.
	Unit string
	// Operator is what a VALUE variable does, in the spelling of the file.
	Operator string

	value       *node
	field       pyvalue.Value // of SC and getitem; None when not given
	pattern     *string
	replacement *string
}

// Template is the value of a VALUE variable as a text, for people.
func (d Definition) Template() string { return templateText(d.value) }

// FieldName is the item that SC and getitem take out of a value, as a text;
// empty when none is given.
func (d Definition) FieldName() string {
	switch d.field.(type) {
	case nil, pyvalue.None:
		return ""
	}
	return pyvalue.Text(d.field)
}

// Item is a field of the dataset as the schema defines it.
type Item struct {
	// Key is the name of the item in the file, MachineName that of the field.
	Key, MachineName string
	Line             int
	// FieldType is high_level or scientific_metadata.
	FieldType string
	// Type is the type of the value.
	Type string
	// HumanName is the name for people; the machine name when none is given.
	HumanName string
	// Unit overrules that of the variable; empty when none is given.
	Unit string

	value *node
}

// Template is the value of the item as a text, for people.
func (i Item) Template() string { return templateText(i.value) }

// The two types of fields.
const (
	HighLevel  = "high_level"
	Scientific = "scientific_metadata"
)

// SampleAttachment says how the samples of a file are found.
type SampleAttachment struct {
	// Query switches the look-up on.
	Query bool
	// NamePath and ProposalPath are the places in the file that are compared
	// with a sample's description and proposalId.
	NamePath, ProposalPath string
}

// templateText is a node on one line.
func templateText(n *node) string {
	if n == nil {
		return ""
	}
	switch n.kind {
	case listNode:
		text := "["
		for i, item := range n.items {
			if i > 0 {
				text += ", "
			}
			text += templateText(item)
		}
		return text + "]"
	case mapNode:
		text := "{"
		for i, item := range n.items {
			if i > 0 {
				text += ", "
			}
			text += templateText(n.keys[i]) + ": " + templateText(item)
		}
		return text + "}"
	default:
		return n.text
	}
}
