package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"ingestor/internal/nexus"
	"ingestor/schemas/metadata"
)

// The kinds of objects.
const (
	kindGroup   = "group"
	kindDataset = "dataset"
	kindType    = "type"
	kindLink    = "link"
	kindUnknown = "unknown"
)

// object is a line of the listing.
type object struct {
	Path       string      `json:"path"`
	Kind       string      `json:"kind"`
	Class      string      `json:"class,omitempty"`
	Type       string      `json:"type,omitempty"`
	Shape      []int       `json:"shape,omitempty"`
	Unit       string      `json:"unit,omitempty"`
	Value      any         `json:"value,omitempty"`
	Attributes []attribute `json:"attributes,omitempty"`
	Link       *link       `json:"link,omitempty"`
	// ValueType is the value_type of the variable; empty when the dataset can
	// not be one, which Note explains.
	ValueType string `json:"value_type,omitempty"`
	Variable  string `json:"variable,omitempty"`
	Note      string `json:"note,omitempty"`
}

type attribute struct {
	Name  string `json:"name"`
	Value any    `json:"value"`
}

type link struct {
	Kind   string `json:"kind"`
	File   string `json:"file,omitempty"`
	Target string `json:"target"`
}

func linkOf(l nexus.Link) *link {
	if l.Kind == nexus.HardLink {
		return nil
	}
	return &link{l.Kind.String(), l.File, l.Target}
}

func (l *link) String() string {
	if l.File != "" {
		return fmt.Sprintf("-> %s:%s (%s link)", l.File, l.Target, l.Kind)
	}
	return fmt.Sprintf("-> %s (%s link)", l.Target, l.Kind)
}

// text is the object as a line of YAML.
func (o object) text(names *variableNames) string {
	var facts []string
	if o.Link != nil {
		facts = append(facts, o.Link.String())
	}
	if o.Class != "" {
		facts = append(facts, o.Class)
	}
	if o.Type != "" {
		facts = append(facts, strings.TrimSpace(o.Type+" "+shapeText(o.Shape)))
	}
	if o.Value != nil {
		facts = append(facts, short(jsonText(o.Value), 60))
	}
	if o.ValueType == "" && o.Unit != "" {
		facts = append(facts, "units "+o.Unit)
	}
	for _, a := range o.Attributes {
		facts = append(facts, a.Name+"="+short(jsonText(a.Value), 40))
	}
	if o.Note != "" {
		facts = append(facts, o.Note)
	}
	about := oneLineText(strings.Join(facts, ", "))
	if o.ValueType == "" {
		return strings.TrimRight("  # "+oneLineText(o.Path)+"  "+about, " ")
	}
	return "  " + variableLine(names.name(o.Path), o) + "  # " + about
}

func shapeText(shape []int) string {
	if len(shape) == 0 {
		return ""
	}
	return strings.ReplaceAll(fmt.Sprint(shape), " ", "×")
}

// variableLine is the definition of a variable, to paste into a schema.
func variableLine(name string, o object) string {
	line := yamlText(name) + ": {source: NXS, path: " + yamlText(o.Path) + ", value_type: " + yamlText(o.ValueType)
	if o.Unit != "" {
		line += ", unit: " + yamlText(o.Unit)
	}
	return line + "}"
}

// mostElements is how many values a list in the catalogue may sensibly have.
const mostElements = 1000

var (
	looksLikeDate  = lazily(`^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$`)
	looksLikeEmail = lazily(`^[^\s@]+@[^\s@]+\.[^\s@]+$`)
	looksLikeLink  = lazily(`^https?://\S+$`)
)

// valueType is the value_type that fits a dataset of n values, or why none does.
func valueType(d nexus.Description, n int, v nexus.Value) (name, note string) {
	switch d.Type.Kind {
	case nexus.Int, nexus.Uint, nexus.Enum, nexus.Bool:
		name = "integer"
	case nexus.Float:
		name = "float"
	case nexus.FixedString, nexus.VarString:
		name = "string"
		if s, ok := v.Data.([]string); ok && len(s) == 1 {
			switch {
			case looksLikeDate().MatchString(s[0]):
				name = "date"
			case looksLikeEmail().MatchString(s[0]):
				name = "email"
			case looksLikeLink().MatchString(s[0]):
				name = "link"
			}
		}
	default:
		return "", "no variable: its type has no form in metadata"
	}
	switch {
	case d.Null || n == 0:
		return "", "no variable: it is empty"
	case len(d.Shape) == 0, len(d.Shape) == 1 && n == 1:
		return name, ""
	case n > mostElements:
		return "", fmt.Sprintf("no variable: %d values are too many for metadata", n)
	case len(d.Shape) > 1:
		return "", fmt.Sprintf("no variable: metadata has no form for %d dimensions", len(d.Shape))
	}
	switch name {
	case "integer", "float":
		return name + "[]", ""
	}
	return "string[]", ""
}

// plainValue is a small value for encoding/json: single, or a list; nil where
// there is none to show.
func plainValue(v nexus.Value) any {
	var list []any
	switch data := v.Data.(type) {
	case []int64:
		list = anyOf(data, func(i int64) any { return i })
	case []uint64:
		list = anyOf(data, func(u uint64) any { return u })
	case []bool:
		list = anyOf(data, func(b bool) any { return b })
	case []string:
		list = anyOf(data, func(s string) any { return strings.ToValidUTF8(s, "\ufffd") })
	case []float64:
		bits := 64
		if v.Type.Size < 8 {
			bits = 32
		}
		list = anyOf(data, func(f float64) any {
			if math.IsNaN(f) || math.IsInf(f, 0) {
				return fmt.Sprint(f)
			}
			return number(strconv.FormatFloat(f, 'g', -1, bits))
		})
	}
	switch {
	case v.Null || len(list) == 0 || len(list) > 8:
		return nil
	case len(list) == 1:
		return list[0]
	}
	return list
}

// number is a number as it is written.
type number string

// MarshalJSON is the number itself.
func (n number) MarshalJSON() ([]byte, error) { return []byte(n), nil }

func anyOf[T any](data []T, f func(T) any) []any {
	if len(data) > 8 {
		return nil
	}
	list := make([]any, len(data))
	for i, d := range data {
		list[i] = f(d)
	}
	return list
}

// variableNames gives each path a name that no other has.
type variableNames struct{ used map[string]bool }

func newVariableNames() *variableNames {
	n := &variableNames{map[string]bool{}}
	for _, name := range metadata.BuiltInNames() {
		n.used[name] = true
	}
	return n
}

// name is the last part of the path, with as many parts before it as it takes
// to be the only one.
func (n *variableNames) name(path string) string {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	name := ""
	for i := len(parts) - 1; i >= 0; i-- {
		name = strings.TrimSuffix(nameFrom(parts[i])+"_"+name, "_")
		if !n.used[name] {
			n.used[name] = true
			return name
		}
	}
	for i := 2; ; i++ {
		if numbered := fmt.Sprintf("%s_%d", name, i); !n.used[numbered] {
			n.used[numbered] = true
			return numbered
		}
	}
}

var notInNames = lazily(`[^\p{L}\p{N}_.-]+`)

func nameFrom(part string) string {
	if name := strings.Trim(notInNames().ReplaceAllString(part, "_"), "_"); name != "" {
		return name
	}
	return "value"
}
