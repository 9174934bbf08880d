// Package buildinfo holds what the build stamps into the programs.
package buildinfo

import "fmt"

// Set by the linker (see the Makefile); the defaults are those of `go build`.
var (
	version = "devel"
	commit  = "unknown"
)

// Version is the release, for example "0.1.0".
func Version() string { return version }

// String is the version with its commit, as `--version` prints it.
func String() string { return fmt.Sprintf("%s (commit %s)", version, commit) }

// UserAgent names a program towards the catalogue.
func UserAgent(program string) string { return program + "/" + version }
