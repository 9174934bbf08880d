package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"ingestor/offline"
	"ingestor/schemas/metadata"
)

// explainText shows an explanation to people.
func explainText(out io.Writer, x *offline.Explanation) error {
	w := &lines{out: out}
	_, text := verdict(x)
	w.line("File %s\n  %s", x.File, text)
	w.schemas(x)
	if x.Result != nil {
		w.variables(x)
		w.fields(x)
		w.missing(x)
		w.notes(x)
	}
	if len(x.Checks) > 0 {
		w.line("\nIn the catalogue")
		for _, c := range x.Checks {
			w.line("  %s: %s", c.What, failed(c.Failed)+oneLineText(c.Answer))
		}
	}
	for _, body := range []struct {
		what string
		v    any
		sent bool
	}{{"POST datasets", x.Dataset, x.Dataset != nil}, {"POST origdatablocks", x.Datablock, x.Datablock != nil}} {
		if body.sent && w.err == nil {
			w.line("")
			w.err = printer{out: out}.body(body.what, body.v)
		}
	}
	return w.err
}

// lines writes until something goes wrong.
type lines struct {
	out io.Writer
	err error
}

func (w *lines) line(format string, args ...any) {
	if w.err == nil {
		_, w.err = fmt.Fprintf(w.out, format+"\n", args...)
	}
}

// table writes rows of cells in columns, indented.
func (w *lines) table(rows [][]string) {
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		// A builder takes everything.
		fmt.Fprintln(t, "  "+strings.Join(row, "\t"))
	}
	_ = t.Flush()
	for line := range strings.Lines(b.String()) {
		w.line("%s", strings.TrimRight(line, " \n"))
	}
}

func (w *lines) schemas(x *offline.Explanation) {
	w.line("\nSchemas, in the order in which they are asked")
	var rows [][]string
	taken := false
	for _, c := range x.Considered {
		answer := "no match"
		if c.Matches {
			answer = "match, but one above comes first"
			if !taken {
				answer = "match: this one is used"
				if c.Schema.Err() != nil {
					answer = "match, but the schema has a fault"
				}
			}
			taken = true
		}
		rows = append(rows, []string{fmt.Sprintf("order %v", c.Schema.Order), c.Schema.ID, answer, c.Schema.Selector.String(), c.Schema.Path})
	}
	if x.Fallback {
		rows = append(rows, []string{"fallback", x.Schema.ID, "used, as no selector matches", "", x.Schema.Path})
	}
	w.table(rows)
	if len(rows) == 0 {
		w.line("  none")
	}
}

func (w *lines) variables(x *offline.Explanation) {
	w.line("\nVariables")
	var rows [][]string
	for _, v := range x.Result.Variables {
		value := short(variableValue(v), 60)
		if v.Unit != "" {
			value += " " + v.Unit
		}
		if v.Failure != nil {
			value = failed(true) + oneLineText(v.Failure.Reason)
			if len(v.Failure.Costs) > 0 {
				value += "; costs " + strings.Join(v.Failure.Costs, ", ")
			}
		}
		rows = append(rows, []string{v.Name, strings.TrimSpace(string(v.Source) + " " + short(from(x.Result, v), 70)), v.Type, value})
	}
	w.table(rows)
}

// from is where a variable's value comes from.
func from(m *metadata.Result, v metadata.Variable) string {
	text := v.From
	for _, d := range m.Schema.Definitions {
		if d.Name != v.Name || d.Source != v.Source {
			continue
		}
		if d.Operator != "" {
			text = d.Operator + "(" + text + ")"
		}
		if field := d.FieldName(); field != "" {
			text += " [" + field + "]"
		}
	}
	return text
}

func (w *lines) fields(x *offline.Explanation) {
	w.line("\nFields")
	var rows [][]string
	for _, f := range x.Result.Fields {
		value := short(jsonText(f.Value), 60)
		if f.Unit != "" {
			value += " " + f.Unit
		}
		switch {
		case f.Failure != nil && len(f.Failure.Because) > 0:
			value = failed(true) + "needs " + strings.Join(f.Failure.Because, ", ") + ", see above"
		case f.Failure != nil:
			value = failed(true) + oneLineText(f.Failure.Reason)
		case f.Dropped != "":
			value = "DROPPED: " + f.Dropped
		}
		kind := f.Item.FieldType
		switch kind {
		case metadata.HighLevel:
			kind = "dataset"
		case metadata.Scientific:
			kind = "scientific"
		}
		rows = append(rows, []string{kind, f.Item.MachineName, short(f.Item.Template(), 50), f.Item.Type, value})
	}
	w.table(rows)
}

func (w *lines) missing(x *offline.Explanation) {
	if len(x.Missing) == 0 {
		return
	}
	w.line("\nMandatory fields without a value")
	var rows [][]string
	for _, m := range x.Missing {
		rows = append(rows, []string{m.Name, oneLineText(m.Reason)})
	}
	w.table(rows)
}

// notes are the warnings that no line above has told.
func (w *lines) notes(x *offline.Explanation) {
	var rows [][]string
	for _, warning := range x.Result.Warnings {
		if !strings.Contains(warning, " is dropped: ") {
			rows = append(rows, []string{oneLineText(warning)})
		}
	}
	if len(rows) > 0 {
		w.line("\nNotes")
		w.table(rows)
	}
}

func failed(is bool) string {
	if is {
		return "FAILED: "
	}
	return ""
}

// variableValue is the value as JSON; where JSON has no form, as text.
func variableValue(v metadata.Variable) string {
	if plain, ok := v.Plain(); ok {
		return jsonText(plain)
	}
	return v.Text()
}

// jsonText is a value as JSON on one line.
func jsonText(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Sprint(v)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func oneLineText(s string) string { return strings.Join(strings.Fields(s), " ") }

// short keeps a text on one line and at most so many characters long.
func short(s string, most int) string {
	s = oneLineText(s)
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}
