package scicattest

import (
	"encoding/json"
	"fmt"
	"regexp"
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

// unknownOperator is the database's complaint about a condition.
type unknownOperator struct{ name string }

func (e unknownOperator) Error() string {
	return "PlanExecutor error during aggregation :: caused by :: unknown operator: " + e.name
}

// matches says whether a document satisfies all conditions.
func matches(d Document, where Document) (bool, error) {
	all := true
	for path, condition := range where {
		var good bool
		var err error
		switch path {
		case "and", "$and", "or", "$or":
			good, err = matchesList(d, condition, strings.HasSuffix(path, "or"))
		default:
			good, err = satisfies(dig(d, path), condition)
		}
		if err != nil {
			return false, err
		}
		all = all && good
	}
	return all, nil
}

func matchesList(d Document, v any, or bool) (bool, error) {
	list, _ := v.([]any)
	for _, item := range list {
		where, _ := item.(Document)
		good, err := matches(d, where)
		if err != nil || good == or {
			return good, err
		}
	}
	return !or, nil
}

// dig follows a dotted path; undefined where it ends.
func dig(v any, path string) any {
	for _, part := range strings.Split(path, ".") {
		switch o := v.(type) {
		case Document:
			item, there := o[part]
			if !there {
				return undefined{}
			}
			v = item
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(o) {
				return undefined{}
			}
			v = o[i]
		default:
			return undefined{}
		}
	}
	return v
}

func satisfies(v, condition any) (bool, error) {
	o, isOperators := condition.(Document)
	if !isOperators {
		return equal(v, condition), nil
	}
	all := true
	for name, want := range o {
		good, err := operate(strings.TrimPrefix(name, "$"), v, want)
		if err != nil {
			return false, unknownOperator{name}
		}
		all = all && good
	}
	return all, nil
}

func operate(name string, v, want any) (bool, error) {
	switch name {
	case "inq", "in", "nin":
		list, _ := want.([]any)
		found := slices.ContainsFunc(list, func(w any) bool { return equal(v, w) })
		return found == (name != "nin"), nil
	case "eq":
		return equal(v, want), nil
	case "ne", "neq":
		return !equal(v, want), nil
	case "exists":
		_, missing := v.(undefined)
		return missing != (want == true), nil
	case "like", "ilike", "regex":
		pattern := scriptText(want)
		if name == "ilike" {
			pattern = "(?i)" + pattern
		}
		re, err := regexp.Compile(pattern)
		s, isString := v.(string)
		return err == nil && isString && re.MatchString(s), nil
	case "gt", "gte", "lt", "lte":
		c, comparable := compare(v, want)
		return comparable && (c < 0 && name[0] == 'l' || c > 0 && name[0] == 'g' || c == 0 && len(name) == 3), nil
	}
	return false, unknownOperator{}
}

// equal is the database's equality: a list also equals each of its elements, a
// missing value equals null, and a date equals no text.
func equal(v, want any) bool {
	if _, missing := v.(undefined); missing {
		return want == nil
	}
	if list, ok := v.([]any); ok {
		if _, wantsList := want.([]any); !wantsList {
			return slices.ContainsFunc(list, func(item any) bool { return equal(item, want) })
		}
	}
	if c, comparable := compare(v, want); comparable {
		return c == 0
	}
	if v == nil || want == nil {
		return v == nil && want == nil
	}
	a, errA := json.Marshal(v)
	b, errB := json.Marshal(want)
	_, date := want.(time.Time)
	return errA == nil && errB == nil && !date && string(a) == string(b)
}

// compare orders numbers, texts, and stored dates against dates.
func compare(v, want any) (int, bool) {
	switch w := want.(type) {
	case json.Number:
		n, isNumber := v.(json.Number)
		if !isNumber {
			return 0, false
		}
		a, errA := n.Float64()
		b, errB := w.Float64()
		switch {
		case errA != nil || errB != nil:
			return 0, false
		case a < b:
			return -1, true
		case a > b:
			return 1, true
		}
		return 0, true
	case string:
		s, isString := v.(string)
		return strings.Compare(s, w), isString
	case time.Time:
		d, isDate := v.(date)
		return time.Time(d).Compare(w), isDate
	}
	return 0, false
}

// date is a stored date, told apart from a text that looks like one.
type date time.Time

// MarshalJSON shows the date as the backend does.
func (d date) MarshalJSON() ([]byte, error) { return json.Marshal(stamp(time.Time(d))) }

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
