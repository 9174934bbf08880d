package configs

import "strings"

// unsupported are agreed keys whose feature is not there yet. Taking them silently
// would let an administrator rely on nothing. A name that ends with a dot is a whole
// section.
func unsupported() []string {
	return []string{
		"backfill.",
	}
}

// isUnsupported tells whether the path is such a key or lies in such a section.
func isUnsupported(path string) bool {
	for _, u := range unsupported() {
		if path == u || strings.HasSuffix(u, ".") && strings.HasPrefix(path+".", u) {
			return true
		}
	}
	return false
}

// unsupportedEnvironment is the same for the name of an environment variable.
func unsupportedEnvironment(name string) (path string, is bool) {
	for _, u := range unsupported() {
		env := environmentName(u)
		if name == env || strings.HasSuffix(u, ".") && strings.HasPrefix(name, env) {
			return u, true
		}
	}
	return "", false
}

const notYet = "is not supported by this version yet"
