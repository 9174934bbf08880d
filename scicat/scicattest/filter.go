package scicattest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// filter is a query of documents.
type filter struct {
	where   Document
	fields  []string
	include []string
	limit   int
	skip    int
	order   string
	down    bool
}

const defaultLimit = 100

// parseFilter reads the filter of a dataset or instrument endpoint, from the
// query or the header. The answer is the error, if any.
func parseFilter(c *call, convertDates bool) (filter, *answer) {
	text, fromHeader := c.query.Get("filter"), c.header.Get("filter")
	if text != "" && fromHeader != "" {
		a := badDataset("Using two different types(query and headers) of filters is not supported and can result with inconsistencies")
		return filter{}, &a
	}
	if text == "" {
		text = fromHeader
	}
	f, err := readFilter(text, convertDates)
	if err != nil {
		a := exception(400, "Invalid JSON in filter: "+scriptError(text, err))
		return filter{}, &a
	}
	return f, nil
}

func readFilter(text string, convertDates bool) (filter, error) {
	f := filter{limit: defaultLimit}
	if text == "" {
		return f, nil
	}
	var raw any
	if err := decodeJSON([]byte(text), &raw); err != nil {
		return f, err
	}
	o, _ := raw.(Document)
	f.where, _ = o["where"].(Document)
	if convertDates {
		f.where, _ = withDates(f.where).(Document)
	}
	f.fields = fieldNames(o["fields"])
	if list, ok := o["include"].([]any); ok {
		for _, item := range list {
			switch item := item.(type) {
			case string:
				f.include = append(f.include, item)
			case Document:
				f.include = append(f.include, scriptText(item["relation"]))
			}
		}
	}
	limits, _ := o["limits"].(Document)
	if n, err := strconv.Atoi(scriptText(limits["limit"])); err == nil {
		f.limit = n
	}
	if n, err := strconv.Atoi(scriptText(limits["skip"])); err == nil {
		f.skip = n
	}
	if order, ok := limits["order"].(string); ok {
		name, way, _ := strings.Cut(order, ":")
		f.order, f.down = name, way == "desc"
	}
	return f, nil
}

func fieldNames(v any) []string {
	if list := texts(v); list != nil {
		return list
	}
	var out []string
	if o, ok := v.(Document); ok {
		for name, want := range o {
			if want == true || fmt.Sprint(want) == "1" {
				out = append(out, name)
			}
		}
	}
	slices.Sort(out)
	return out
}

// withDates turns what JavaScript reads as a date into one, as the backend does
// with every text of a condition that is not inside a list.
func withDates(v any) any {
	switch v := v.(type) {
	case Document:
		out := Document{}
		for k, item := range v {
			if k == "like" || k == "ilike" || k == "$regex" {
				out[k] = item
			} else {
				out[k] = withDates(item)
			}
		}
		return out
	case string:
		if t, ok := parseISO(v); ok {
			return t
		}
		if dateLike(v) {
			return time.Time{}
		}
	}
	return v
}

// run picks, sorts and cuts documents.
func (f filter) run(documents []Document, show func(Document) Document) ([]Document, error) {
	out := []Document{}
	// An operator is wrong even where there is nothing to apply it to.
	if _, err := matches(Document{}, f.where); err != nil {
		return nil, err
	}
	for _, d := range documents {
		good, err := matches(d, f.where)
		if err != nil {
			return nil, err
		}
		if good {
			out = append(out, d)
		}
	}
	if f.order != "" {
		slices.SortStableFunc(out, func(a, b Document) int {
			c := strings.Compare(sortKey(dig(a, f.order)), sortKey(dig(b, f.order)))
			if f.down {
				return -c
			}
			return c
		})
	}
	out = out[min(max(f.skip, 0), len(out)):]
	if f.limit > 0 {
		out = out[:min(f.limit, len(out))]
	}
	for i, d := range out {
		out[i] = f.project(show(d))
	}
	return out, nil
}

func sortKey(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	if _, isNumber := v.(json.Number); isNumber {
		return fmt.Sprintf("%030s", text)
	}
	return string(text)
}

// project keeps the fields that were asked for, and the id.
func (f filter) project(d Document) Document {
	if len(f.fields) == 0 {
		return d
	}
	out := Document{}
	for _, name := range append([]string{"_id"}, f.fields...) {
		top, _, _ := strings.Cut(name, ".")
		if v, there := d[top]; there {
			out[top] = v
		}
	}
	return out
}

// anyList makes a JSON list of documents.
func anyList(documents []Document) []any {
	out := make([]any, len(documents))
	for i, d := range documents {
		out[i] = d
	}
	return out
}
