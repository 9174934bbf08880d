package metadata

import (
	"errors"
	"fmt"
	"os"
	"sort"

	"ingestor/internal/fault"
)

// Inspect reads a schema file for whoever wants to mend it: all that is wrong,
// in the order of the file, also what only shows when the schema is used, such
// as names of variables that do not exist. The schema is nil when the file does
// not say what it is for. The error, of kind BadInput, means that the file can
// not be read.
func Inspect(path string) (*Schema, []Fault, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, fault.New(fault.BadInput, err)
	}
	b, err := buildSchema(path, text)
	if err != nil {
		var refused *SchemaError
		if errors.As(err, &refused) {
			return nil, refused.Faults, nil
		}
		return nil, nil, err
	}
	faults := append(b.schema.Faults, b.schema.unresolvable()...)
	sort.SliceStable(faults, func(i, j int) bool { return faults[i].Line < faults[j].Line })
	if b.stops {
		return nil, faults, nil
	}
	return b.schema, faults, nil
}

// unresolvable finds the names in templates that never have a value.
func (s *Schema) unresolvable() []Fault {
	var faults []Fault
	all := BuiltInNames()
	for _, d := range s.Definitions {
		all = append(all, d.Name)
	}
	names := BuiltInNames()
	check := func(where string, line int, n *node, see []string) {
		for _, text := range templates(n) {
			for _, m := range nameToken.FindAllStringSubmatch(text, -1) {
				if !known(m[1], see) {
					faults = append(faults, unresolvable(where, line, m[1], see, all))
				}
			}
		}
	}
	for _, d := range s.Definitions {
		where := "variables." + d.Name
		switch d.Source {
		case FromCatalogue:
			check(where+".url", d.Line, &node{text: d.URL}, names)
		case FromValue:
			check(where+".value", lineOf(d.value, d.Line), d.value, names)
		}
		names = append(names, d.Name)
	}
	for _, item := range s.Items {
		check("schema."+item.Key+".value", lineOf(item.value, item.Line), item.value, names)
	}
	return faults
}

func unresolvable(where string, line int, name string, see, all []string) Fault {
	f := Fault{Line: line, Where: where, Harmless: true, Problem: fmt.Sprintf("there is no variable %s, so this always fails", name)}
	if known(name, all) {
		f.Problem = fmt.Sprintf("the variable %s is only defined further down, so this always fails", name)
		f.Hint = "move its definition up"
	} else if near := nearest(name, see); near != "" {
		f.Hint = fmt.Sprintf("did you mean <%s>?", near)
	} else {
		f.Hint = "define it below variables"
	}
	return f
}

func lineOf(n *node, otherwise int) int {
	if n == nil || n.line == 0 {
		return otherwise
	}
	return n.line
}

// BuiltInNames lists the variables that every schema can use.
func BuiltInNames() []string {
	var names []string
	for _, v := range builtInVariables(&Schema{}, Input{}) {
		names = append(names, v.Name)
	}
	return names
}

// MachineNames are the high-level fields that the schema sets, whether they
// will have a value or not.
func (s *Schema) MachineNames() []string {
	var names []string
	for _, item := range s.Items {
		if droppedBecause(item) == "" && item.FieldType == HighLevel {
			names = append(names, item.MachineName)
		}
	}
	return names
}

// SameContent tells whether two texts of schemas or configurations, read as the
// names of their files say, hold the same; the error names the first difference.
func SameContent(path string, text []byte, otherPath string, other []byte) error {
	a, _, err := parseText(path, text)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	b, _, err := parseText(otherPath, other)
	if err != nil {
		return fmt.Errorf("%s: %w", otherPath, err)
	}
	return sameNode("", a, b)
}
