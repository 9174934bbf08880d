package scicattest

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

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
