package scicat

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxMessage bounds the line made of a foreign body, in bytes.
const maxMessage = 2000

// decodeErrorBody reads the body of an error in any of the backend's shapes
// (scicat-api.md, section 4), or of something in front of it, as one line of at
// most maxMessage bytes and the complaints about fields. It never fails.
func decodeErrorBody(body []byte) (string, []FieldError) {
	text := strings.TrimSpace(string(body))
	if text == "" {
		return "", nil
	}
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return clean(pageText(text)), nil
	}
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return clean(v), nil
	case map[string]any:
		return objectMessage(v)
	}
	return clean(text), nil
}

func objectMessage(o map[string]any) (string, []FieldError) {
	fields := mongooseFields(o["errors"])
	if len(fields) > 0 {
		return clean(joinProblems(fields)), fields
	}
	switch m := o["message"].(type) {
	case string:
		// Validation of v3 datasets: the string is a JSON document itself.
		if fields := validationFields(m); len(fields) > 0 {
			return clean(joinProblems(fields)), fields
		}
		return clean(m), nil
	case []any:
		for _, item := range m {
			fields = append(fields, sentence(item))
		}
		return clean(joinProblems(fields)), fields
	case nil:
	default:
		return clean(compact(m)), nil
	}
	if text, ok := o["error"].(string); ok {
		return clean(text), nil
	}
	return clean(compact(o)), nil
}

// sentence is a complaint of the shape "size must be an integer number".
func sentence(item any) FieldError {
	text, ok := item.(string)
	if !ok {
		return FieldError{Problem: clean(compact(item))}
	}
	f := FieldError{Problem: clean(text)}
	words := strings.Fields(text)
	switch {
	case len(words) > 1 && words[0] == "property":
		f.Field = clean(words[1])
	case len(words) > 1 && (words[1] == "must" || words[1] == "should"):
		f.Field = clean(words[0])
	case len(words) > 1 && strings.HasSuffix(words[0], ".property"):
		f.Field = clean(strings.TrimSuffix(words[0], "property") + words[1])
	}
	return f
}

// violation is an element of class-validator's own report.
type violation struct {
	Property    string            `json:"property"`
	Children    []violation       `json:"children"`
	Constraints map[string]string `json:"constraints"`
}

func validationFields(message string) []FieldError {
	if !strings.HasPrefix(message, "[") {
		return nil
	}
	var list []violation
	if err := json.Unmarshal([]byte(message), &list); err != nil {
		return nil
	}
	return flatten(nil, "", list)
}

func flatten(out []FieldError, prefix string, list []violation) []FieldError {
	for _, v := range list {
		path := prefix + v.Property
		names := make([]string, 0, len(v.Constraints))
		for name := range v.Constraints {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			problem := v.Constraints[name]
			switch {
			case !mentions(problem, v.Property):
				problem = path + ": " + problem
			case prefix != "":
				problem = strings.TrimSuffix(prefix, ".") + ": " + problem
			}
			out = append(out, FieldError{Field: clean(path), Problem: clean(problem)})
		}
		out = flatten(out, path+".", v.Children)
	}
	return out
}

// mongooseFields reads the errors of the database's own validation.
func mongooseFields(v any) []FieldError {
	errs, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	var out []FieldError
	for name, e := range errs {
		detail, ok := e.(map[string]any)
		if !ok {
			continue
		}
		problem, ok := detail["message"].(string)
		if !ok {
			problem = name + " is not valid"
		}
		if !mentions(problem, name) {
			problem = name + ": " + problem
		}
		out = append(out, FieldError{Field: clean(name), Problem: clean(problem)})
	}
	slices.SortFunc(out, func(a, b FieldError) int { return strings.Compare(a.Field, b.Field) })
	return out
}

// mentions says that a sentence holds the name of a field as a word.
func mentions(sentence, field string) bool {
	isPart := func(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }
	if strings.ContainsFunc(field, func(r rune) bool { return !isPart(r) }) {
		return strings.Contains(sentence, field)
	}
	return slices.Contains(strings.FieldsFunc(sentence, func(r rune) bool { return !isPart(r) }), field)
}

func joinProblems(fields []FieldError) string {
	texts := make([]string, len(fields))
	for i, f := range fields {
		texts[i] = f.Problem
	}
	return strings.Join(texts, "; ")
}

func compact(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}

var (
	titleTag = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)
	anyTag   = regexp.MustCompile(`(?s)<[^>]*>`)
)

// pageText makes a line of a gateway's HTML page: its title, else its text.
func pageText(text string) string {
	if !strings.HasPrefix(text, "<") {
		return text
	}
	if m := titleTag.FindStringSubmatch(text); m != nil && strings.TrimSpace(m[1]) != "" {
		return m[1]
	}
	return anyTag.ReplaceAllString(text, " ")
}

// clean makes one bounded, printable line of a foreign text.
func clean(s string) string {
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "\uFFFD"), func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r)
	}), " ")
	if len(s) <= maxMessage {
		return s
	}
	cut := maxMessage - len("…")
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
