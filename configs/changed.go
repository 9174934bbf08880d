package configs

import (
	"reflect"
	"slices"
)

// Changed are the dotted paths of the keys whose values differ between a and b, in
// the order of the example; a list of records counts as one key. Secrets are compared
// by content, but not those read from a file of the same name: they are picked up
// from there.
func Changed(a, b *Config) []string {
	before, after := a.withoutReadSecrets(), b.withoutReadSecrets()
	values := map[string]value{}
	before.each(func(k key) { values[k.path] = k.value })
	var changed []string
	after.each(func(k key) {
		if !reflect.DeepEqual(values[k.path].content(), k.value.content()) {
			changed = append(changed, k.path)
		}
	})
	return changed
}

// withoutReadSecrets is c without the secrets that came from files.
func (c *Config) withoutReadSecrets() *Config {
	out := *c
	out.Sources.Kafka = slices.Clone(c.Sources.Kafka)
	forget := func(secret *Secret, file string) {
		if file != "" {
			*secret = ""
		}
	}
	forget(&out.SciCat.Token, out.SciCat.TokenFile)
	forget(&out.SciCat.Password, out.SciCat.PasswordFile)
	forget(&out.Kafka.SASLPassword, out.Kafka.SASLPasswordFile)
	for i := range out.Sources.Kafka {
		forget(&out.Sources.Kafka[i].SASLPassword, out.Sources.Kafka[i].SASLPasswordFile)
	}
	return &out
}

// contents are the values of keys.
func contents(keys []key) []any {
	all := make([]any, len(keys))
	for i, k := range keys {
		all[i] = k.value.content()
	}
	return all
}
