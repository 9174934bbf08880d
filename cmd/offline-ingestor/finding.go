package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"ingestor/cmd/internal/program"
	"ingestor/internal/fault"
)

// finding is one thing that is wrong, or remarkable, in a file that was checked.
type finding struct {
	place   string // file, or another place such as a variable of the environment
	line    int    // 0: the whole place
	warning bool
	text    string // what is wrong, and what to write instead
}

// findings are what a check of one file or folder found.
type findings []finding

// add notes a finding once.
func (f *findings) add(n finding) {
	for _, have := range *f {
		if have.place == n.place && have.line == n.line && have.text == n.text {
			return
		}
	}
	*f = append(*f, n)
}

// errors is the number of findings that are not only warnings.
func (f findings) errors() int {
	n := 0
	for _, one := range f {
		if !one.warning {
			n++
		}
	}
	return n
}

// print writes one line for each finding, those of each file in the order of
// its lines, in the form that editors jump to, and what it comes to.
func (f findings) print(w io.Writer, name string) error {
	places := map[string]int{}
	for _, one := range f {
		if _, there := places[one.place]; !there {
			places[one.place] = len(places)
		}
	}
	slices.SortStableFunc(f, func(a, b finding) int {
		if d := places[a.place] - places[b.place]; d != 0 {
			return d
		}
		return a.line - b.line
	})
	for _, one := range f {
		place, grade := one.place, "error"
		if one.line > 0 {
			place = fmt.Sprintf("%s:%d", place, one.line)
		}
		if one.warning {
			grade = "warning"
		}
		if _, err := fmt.Fprintf(w, "%s: %s: %s\n", place, grade, strings.ReplaceAll(one.text, "\n", "; ")); err != nil {
			return err
		}
	}
	errors := f.errors()
	words := []string{"ok"}
	if errors > 0 {
		words[0] = counted(errors, "error")
	}
	if warnings := len(f) - errors; warnings > 0 {
		words = append(words, counted(warnings, "warning"))
	}
	_, err := fmt.Fprintf(w, "%s: %s\n", name, strings.Join(words, ", "))
	return err
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// found is how a check ends that has printed its findings.
func found(errors int, kind fault.Kind) error {
	if errors == 0 {
		return nil
	}
	return &program.Said{Err: fault.Errorf(kind, "%s found", counted(errors, "error"))}
}
