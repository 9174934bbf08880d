package scicattest

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

func says(text string) func(string, any) string {
	return func(name string, _ any) string { return strings.ReplaceAll(text, "$", name) }
}

var (
	isText       = check{"isString", isString, says("$ must be a string")}
	isTexts      = check{"isString", areStrings, says("each value in $ must be a string")}
	isFilled     = check{"isNotEmpty", isNotEmpty, says("$ should not be empty")}
	isFilledList = check{"arrayNotEmpty", isNotEmptyList, says("$ should not be empty")}
	isList       = check{"isArray", isArray, says("$ must be an array")}
	isWhole      = check{"isInt", isInt, says("$ must be an integer number")}
	isNumeric    = check{"isNumber", isNumber, says("$ must be a number conforming to the specified constraints")}
	isFlag       = check{"isBoolean", isBool, says("$ must be a boolean value")}
	isAnObject   = check{"isObject", isObject, says("$ must be an object")}
	isMail       = check{"isEmail", func(v any) bool { s, ok := v.(string); return ok && oneEmail(s) }, says("$ must be an email")}
	isHost       = check{"isUrl", isURL, says("$ must be a URL address")}
	isMails      = check{"customEmailList",
		func(v any) bool { s, ok := v.(string); return ok && emailList(s) },
		func(_ string, v any) string {
			return "Expected an email or a list of semicolon separated emails, got " + scriptText(v)
		}}
	// A time with a T between date and clock, and one that also takes a space.
	isTime      = check{"isDateString", func(v any) bool { return isISO(v, "T") }, says("$ must be a valid ISO 8601 date string")}
	isLooseTime = check{"isDateString", func(v any) bool { return isISO(v, "T ") }, says("$ must be a valid ISO 8601 date string")}
)

func isString(v any) bool { _, ok := v.(string); return ok }
func isBool(v any) bool   { _, ok := v.(bool); return ok }
func isArray(v any) bool  { _, ok := v.([]any); return ok }

// isObject also takes a list: in JavaScript one is an object.
func isObject(v any) bool { _, ok := v.(Document); return ok || isArray(v) }

func areStrings(v any) bool {
	list, ok := v.([]any)
	return ok && len(texts(v)) == len(list)
}

func isNotEmpty(v any) bool {
	_, missing := v.(undefined)
	return !missing && v != nil && v != ""
}

func isNotEmptyList(v any) bool {
	list, ok := v.([]any)
	return ok && len(list) > 0
}

func isNumber(v any) bool { _, ok := v.(json.Number); return ok }

func isInt(v any) bool {
	n, ok := v.(json.Number)
	if !ok {
		return false
	}
	f, err := n.Float64()
	return err == nil && f == float64(int64(f))
}

var (
	emailShape = regexp.MustCompile(`^[^\s@;,"<>()]+@([A-Za-z0-9-]+\.)+[A-Za-z]{2,}$`)
	urlShape   = regexp.MustCompile(`^([a-z]+://)?([\w-]+\.)+[A-Za-z]{2,}(:\d+)?([/?#]\S*)?$`)
	isoShape   = regexp.MustCompile(`^\d{4}(-\d\d(-\d\d)?)?(([T ])\d\d(:?\d\d(:?\d\d([.,]\d+)?)?)?(Z|[+-]\d\d(:?\d\d)?)?)?$`)
)

func oneEmail(s string) bool { return emailShape.MatchString(s) }

func emailList(s string) bool {
	for _, part := range strings.Split(s, ";") {
		if !oneEmail(strings.TrimSpace(part)) {
			return false
		}
	}
	return true
}

func isURL(v any) bool { s, ok := v.(string); return ok && urlShape.MatchString(s) }

// isISO says whether v is an ISO 8601 text with one of separators, if any.
func isISO(v any, separators string) bool {
	s, ok := v.(string)
	if !ok {
		return false
	}
	m := isoShape.FindStringSubmatch(s)
	if m == nil || m[4] != "" && !strings.Contains(separators, m[4]) {
		return false
	}
	return len(s) < 7 || between(s[5:7], 1, 12) && (len(s) < 10 || between(s[8:10], 1, 31))
}

func between(digits string, low, high int) bool {
	n, err := strconv.Atoi(digits)
	return err == nil && low <= n && n <= high
}
