package configs

import (
	"fmt"
	"strings"
)

// Problem is one fault of the configuration.
type Problem struct {
	Place   string // "config.yml:12", "INGESTOR_SCICAT_HOST", "--scicat.host", or the file alone
	Key     string // dotted path; may be empty
	Value   string // as given, *** for a secret; empty when it says nothing
	Reason  string // completes "KEY: VALUE ..."
	Nearest string // nearest known key; may be empty
}

// String is one line.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.Place)
	if p.Place != "" {
		b.WriteString(": ")
	}
	if p.Key != "" {
		b.WriteString(p.Key + ": ")
	}
	if p.Value != "" {
		fmt.Fprintf(&b, "%s ", p.Value)
	}
	b.WriteString(p.Reason)
	if p.Nearest != "" {
		fmt.Fprintf(&b, "; did you mean %s?", p.Nearest)
	}
	return b.String()
}

// shown is a value as a message may hold it.
func shown(value string, secret bool) string {
	const most = 80
	if secret {
		return hidden
	}
	if len(value) > most {
		value = value[:most] + "..."
	}
	return fmt.Sprintf("%q", value)
}
