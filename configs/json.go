package configs

import (
	"encoding/json"
)

// yamlFromJSON rewrites what valid JSON may hold and the YAML reader refuses: tabs
// between tokens, the escape \/, and characters escaped as surrogate pairs. Lines stay
// where they are.
func yamlFromJSON(data []byte) []byte {
	out := make([]byte, 0, len(data))
	quoted := false
	for i := 0; i < len(data); i++ {
		c := data[i]
		switch {
		case c == '"':
			quoted = !quoted
		case c == '\t':
			c = ' ' // inside a string JSON forbids it
		case c == '\\' && quoted:
			n := escapeLength(data[i:])
			out = append(out, unescape(data[i:i+n])...)
			i += n - 1
			continue
		}
		out = append(out, c)
	}
	return out
}

// escapeLength is the length of the escape that s, which is valid JSON, begins with.
func escapeLength(s []byte) int {
	const single, pair = len(`\u0000`), len(`\ud800\udc00`)
	switch {
	case s[1] != 'u':
		return 2
	case len(s) >= pair && (s[2] == 'd' || s[2] == 'D') && s[6] == '\\' && s[7] == 'u':
		return pair
	default:
		return single
	}
}

// unescape is the escape as YAML takes it.
func unescape(escape []byte) []byte {
	if string(escape) == `\/` {
		return escape[1:]
	}
	var s string
	if len(escape) > 2 && json.Unmarshal([]byte(`"`+string(escape)+`"`), &s) == nil && len(s) > 1 {
		return []byte(s) // beyond ASCII, so nothing that would need an escape
	}
	return escape
}
