package metadata

import (
	"strings"

	"ingestor/schemas/metadata/pyvalue"
)

// Result is what a schema makes of a file.
type Result struct {
	// Schema is the one that was evaluated.
	Schema *Schema
	// Variables are the built-in ones, then those of the schema in its order,
	// failed ones included.
	Variables []Variable
	// Fields are the items of the schema in its order, failed and dropped ones
	// included.
	Fields []Field
	// HighLevel holds the fields of the dataset by machine name, ready for
	// encoding/json; nil values are known to be nothing.
	HighLevel map[string]any
	// Scientific holds the fields of scientificMetadata in the order of the
	// schema, each machine name once.
	Scientific []ScientificField
	// SampleIDs are the samples that the look-up found; they are in HighLevel's
	// sampleId already.
	SampleIDs []string
	// Failures are the variables and fields that could not be made, in the
	// order of the schema, variables first.
	Failures []Failure
	// Warnings are what a curator should know, one line each.
	Warnings []string
}

// Variable is an evaluated variable.
type Variable struct {
	Name   string
	Source Source
	// Type is the value_type; empty for built-in variables.
	Type string
	// From is where the value comes from: the path in the file, the rendered
	// address, or the template.
	From string
	// Unit is the unit of the value, empty for none.
	Unit string
	// Failure says why there is no value; nil when there is one.
	Failure *Failure

	value pyvalue.Value
}

// Text is the value as it would stand in a text.
func (v Variable) Text() string {
	if v.value == nil {
		return ""
	}
	return pyvalue.Text(v.value)
}

// Plain is the value for encoding/json, and whether JSON has a form for it.
func (v Variable) Plain() (any, bool) {
	if v.value == nil {
		return nil, false
	}
	plain, err := pyvalue.Plain(v.value)
	return plain, err == nil
}

// Field is an evaluated item.
type Field struct {
	Item Item
	// Value is for encoding/json.
	Value any
	// Unit is the unit of the value, empty for none.
	Unit string
	// Failure says why there is no value; nil when there is one.
	Failure *Failure
	// Dropped says why the field is not sent although it has a value.
	Dropped string
}

// ScientificField is a field of scientificMetadata.
type ScientificField struct {
	MachineName, HumanName string
	// Value is for encoding/json.
	Value any
	// Type is as in the schema, Unit is empty for none.
	Type, Unit string
}

// Failure is a variable or a field that could not be made.
type Failure struct {
	// What is "variable", "field" or "sample".
	What string
	// Name is that of the variable, or the machine name of the field.
	Name string
	// Source is that of a variable, the field type of a field.
	Source string
	// Type is the type it should have had.
	Type string
	// From is where the value would have come from: path, address or template.
	From string
	// Reason is in the curator's words.
	Reason string
	// Line is where it stands in the schema file.
	Line int
	// Because names the failed variables for whose sake alone a field failed.
	Because []string
	// Costs names, for a variable, the fields that failed for its sake.
	Costs []string
}

func (f Failure) String() string {
	text := f.What + " " + f.Name
	if f.From != "" {
		text += " (" + f.Source + " " + cut(f.From, 120) + ")"
	}
	return text + ": " + cut(f.Reason, 400)
}

// cut keeps a text on one line and short.
func cut(text string, most int) string {
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// Text is the text of a variable, such as job_id. It is false when there is no
// such variable, or it has failed, or it is nothing.
func (r *Result) Text(name string) (string, bool) {
	for i := len(r.Variables) - 1; i >= 0; i-- {
		v := r.Variables[i]
		if v.Name != name || v.value == nil {
			continue
		}
		if _, nothing := v.value.(pyvalue.None); nothing {
			return "", false
		}
		return v.Text(), true
	}
	return "", false
}

// Field is the field of scientificMetadata with a machine name.
func (r *Result) Field(machineName string) (ScientificField, bool) {
	for _, f := range r.Scientific {
		if f.MachineName == machineName {
			return f, true
		}
	}
	return ScientificField{}, false
}
