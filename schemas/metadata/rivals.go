package metadata

import (
	"fmt"
	"strings"
)

// Rivalry is what is remarkable about a schema beside others.
type Rivalry struct {
	Schema *Schema
	Fault  Fault
}

// Rivalries finds schemas that get in each other's way: one id for two, an
// order that two share while one file could be selected by both, and schemas
// that never get a file because an earlier one selects all of theirs. All are
// harmless to the program, and hardly ever meant.
func Rivalries(schemas []*Schema) []Rivalry {
	set := newSet(append([]*Schema{}, schemas...))
	var found []Rivalry
	tell := func(s *Schema, where, problem, hint string) {
		found = append(found, Rivalry{s, Fault{Where: where, Problem: problem, Hint: hint, Harmless: true}})
	}
	used := map[string]*Schema{}
	for _, s := range set.Schemas {
		used[s.ID] = s
	}
	for _, s := range schemas {
		if by := used[s.ID]; by != s {
			tell(s, "id", fmt.Sprintf("%s has the same id %s and is used instead", by.Path, s.ID), "give one of them another id")
		}
	}
	for i, s := range set.Schemas {
		tied := false
		for _, earlier := range set.Schemas[:i] {
			if implies(s.Selector, earlier.Selector) {
				tell(s, "selector", fmt.Sprintf("is never reached: %s (order %v, selector %s) comes first and selects every file that this one would",
					earlier.Path, earlier.Order, earlier.Selector), fmt.Sprintf("give this one an order below %v", earlier.Order))
				break
			}
			if !tied && earlier.Order == s.Order && !apart(s.Selector, earlier.Selector) {
				tied = true // one line is enough
				tell(s, "order", fmt.Sprintf("%s has the order %v too: for a file that both select, the name decides, and %q comes before %q",
					earlier.Path, s.Order, earlier.Name, s.Name), "give them different orders")
			}
		}
	}
	return found
}

// implies says that whatever the selector a selects is selected by b too; false
// means that this is not known.
func implies(a, b Selector) bool {
	switch b := b.(type) {
	case everyFile:
		return true
	case combination:
		if b.any && anyOf(b.parts, func(p Selector) bool { return implies(a, p) }) ||
			!b.any && allOf(b.parts, func(p Selector) bool { return implies(a, p) }) {
			return true
		}
	case comparison:
		if b.operand == "" {
			return true
		}
	}
	switch a := a.(type) {
	case combination:
		of := func(p Selector) bool { return implies(p, b) }
		if a.any {
			return allOf(a.parts, of)
		}
		return anyOf(a.parts, of)
	case comparison:
		if b, ok := b.(comparison); ok {
			return comparisonImplies(a, b)
		}
	}
	return false
}

func comparisonImplies(a, b comparison) bool {
	switch b.function {
	case "starts_with":
		return a.function == b.function && strings.HasPrefix(a.operand, b.operand)
	case "ends_with":
		return a.function == b.function && strings.HasSuffix(a.operand, b.operand)
	default:
		return strings.Contains(a.operand, b.operand)
	}
}

// apart says that no path is selected by both; false means that this is not
// known.
func apart(a, b Selector) bool {
	for range 2 {
		switch x := a.(type) {
		case combination:
			of := func(p Selector) bool { return apart(p, b) }
			if x.any && allOf(x.parts, of) || !x.any && anyOf(x.parts, of) {
				return true
			}
		case comparison:
			y, ok := b.(comparison)
			if ok && x.function == y.function && (x.function == "starts_with" && !strings.HasPrefix(x.operand, y.operand) && !strings.HasPrefix(y.operand, x.operand) ||
				x.function == "ends_with" && !strings.HasSuffix(x.operand, y.operand) && !strings.HasSuffix(y.operand, x.operand)) {
				return true
			}
		}
		a, b = b, a
	}
	return false
}

func anyOf(parts []Selector, f func(Selector) bool) bool {
	for _, p := range parts {
		if f(p) {
			return true
		}
	}
	return false
}

func allOf(parts []Selector, f func(Selector) bool) bool {
	return !anyOf(parts, func(p Selector) bool { return !f(p) })
}
