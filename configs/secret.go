package configs

import "fmt"

const hidden = "***"

// Secret is a text that no message shows: however it is formatted or marshalled it
// reads ***, or nothing when it is empty. string(s) gives the text itself.
type Secret string

// String is *** or empty.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hidden
}

// Format hides the text from every verb, also %x and %#v.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// MarshalText hides the text from encoders, that of JSON included.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalYAML hides the text from the YAML encoder.
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }
