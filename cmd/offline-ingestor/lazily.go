package main

import (
	"regexp"
	"sync"
)

// lazily compiles a pattern at its first use: most runs ingest a file and need
// none, and would start 0.3 ms later.
func lazily(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}
