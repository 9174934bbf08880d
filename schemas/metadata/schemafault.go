package metadata

import (
	"fmt"
	"strings"

	"ingestor/internal/fault"
)

// Fault is one thing that is wrong in a schema file.
type Fault struct {
	// Line is where, counted from 1; 0 when it is about the whole file.
	Line int
	// Where names the part, such as `variables.title` or `selector`.
	Where string
	// Problem says what is wrong.
	Problem string
	// Hint says what to write instead; it may be empty.
	Hint string
	// Harmless faults do not keep the schema from being used: the variable or
	// field concerned fails alone, or nothing at all does.
	Harmless bool
}

func (f Fault) String() string {
	text := f.Problem
	if f.Where != "" {
		text = f.Where + ": " + text
	}
	if f.Hint != "" {
		text += " (" + f.Hint + ")"
	}
	return text
}

// SchemaError says why a schema file can not be used.
type SchemaError struct {
	// Path is the file.
	Path string
	// Faults are all that were found, in the order of the file.
	Faults []Fault
}

// Error names the first fault that matters and counts the others.
func (e *SchemaError) Error() string {
	first, more := Fault{}, 0
	for _, f := range e.Faults {
		switch {
		case f.Harmless:
		case first.Problem == "":
			first = f
		default:
			more++
		}
	}
	place := e.Path
	if first.Line > 0 {
		place = fmt.Sprintf("%s:%d", e.Path, first.Line)
	}
	text := fmt.Sprintf("schema file %s: %s", place, first)
	if more > 0 {
		text += fmt.Sprintf("; and %d more, see `offline-ingestor check schema %s`", more, e.Path)
	}
	return text
}

// stopping marks e as a fault of the whole set: no file may be ingested by
// another schema while nobody knows what this one would have said.
func (e *SchemaError) stopping() error { return fault.New(fault.BadConfiguration, e) }

// nearest is the known word that is most like word, or "" when none is.
func nearest(word string, known []string) string {
	best, bestDistance := "", max(2, len(word)/3)+1
	for _, k := range known {
		if d := distance(strings.ToLower(word), strings.ToLower(k)); d < bestDistance {
			best, bestDistance = k, d
		}
	}
	return best
}

// distance is how many letters must change to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}

// oneOf is the hint that lists the known words, the nearest first.
func oneOf(word string, known []string) string {
	if n := nearest(word, known); n != "" {
		return fmt.Sprintf("did you mean %s? known: %s", n, strings.Join(known, ", "))
	}
	return "known: " + strings.Join(known, ", ")
}
