package scicattest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// dto is what an endpoint takes: fields in the order in which they are checked.
type dto []field

// field is one of them.
type field struct {
	name string
	// optional may be left out or null.
	optional bool
	checks   []check
	// elements describes the objects of a list.
	elements dto
	// wrap makes a list of a bare text.
	wrap bool
}

// check is a rule; text is the complaint about a value that breaks it.
type check struct {
	name string
	good func(v any) bool
	text func(field string, v any) string
}

// undefined is the value of a field that is not there.
type undefined struct{}

// violation is what is wrong with a field.
type violation struct {
	property string
	// unknown says that the field should not be there at all.
	unknown  bool
	broken   []brokenRule
	children []violation
}

type brokenRule struct{ name, text string }

// validate checks an object, unknown fields first, as the backend lists them.
// Bare texts are wrapped in place where a list is wanted.
func (d dto) validate(o Document) []violation {
	var out []violation
	var unknown []string
	for name := range o {
		if !slices.ContainsFunc(d, func(f field) bool { return f.name == name }) {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	for _, name := range unknown {
		out = append(out, violation{property: name, unknown: true, broken: []brokenRule{
			{"whitelistValidation", "property " + name + " should not exist"},
		}})
	}
	for _, f := range d {
		if v := f.validate(o); len(v.broken)+len(v.children) > 0 {
			out = append(out, v)
		}
	}
	return out
}

func (f field) validate(o Document) violation {
	v, there := o[f.name]
	if !there {
		v = undefined{}
	}
	out := violation{property: f.name}
	if _, missing := v.(undefined); f.optional && (missing || v == nil) {
		return out
	}
	if text, isText := v.(string); isText && f.wrap {
		v = []any{text}
		o[f.name] = v
	}
	for _, c := range f.checks {
		if !c.good(v) {
			out.broken = append(out.broken, brokenRule{c.name, c.text(f.name, v)})
		}
	}
	list, _ := v.([]any)
	if f.elements == nil {
		return out
	}
	for i, item := range list {
		object, isObject := item.(Document)
		if !isObject {
			object = Document{}
		}
		if inner := f.elements.validate(object); len(inner) > 0 {
			out.children = append(out.children, violation{property: strconv.Itoa(i), children: inner})
		}
	}
	return out
}

// report is the validator's own form of violations.
func report(list []violation) []any {
	out := make([]any, 0, len(list))
	for _, v := range list {
		item := Document{"property": v.property}
		if !v.unknown {
			item["children"] = report(v.children)
		}
		if len(v.broken) > 0 {
			rules := Document{}
			for _, b := range v.broken {
				rules[b.name] = b.text
			}
			item["constraints"] = rules
		}
		out = append(out, item)
	}
	return out
}

// reportText is the report as text inside JSON, as dataset endpoints send it.
func reportText(list []violation) string {
	text, err := json.Marshal(report(list))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// sentences is the other form: one text for each broken rule.
func sentences(prefix string, list []violation) []any {
	out := []any{}
	for _, v := range list {
		for _, b := range v.broken {
			out = append(out, prefix+b.text)
		}
		out = append(out, sentences(prefix+v.property+".", v.children)...)
	}
	return out
}

// badRequest is the error of all endpoints but those of datasets.
func badRequest(list []violation) answer {
	return answer{400, Document{"message": sentences("", list), "error": "Bad Request", "statusCode": 400}}
}

// scriptText is how JavaScript puts a value into a text.
func scriptText(v any) string {
	switch v := v.(type) {
	case undefined:
		return "undefined"
	case nil:
		return "null"
	case string:
		return v
	case Document:
		return "[object Object]"
	case []any:
		items := make([]string, len(v))
		for i, item := range v {
			items[i] = scriptText(item)
		}
		return strings.Join(items, ",")
	}
	return fmt.Sprint(v)
}
