package configs

import "strings"

// seconds is how a bare number is read where a duration is asked for.
const seconds = "seconds, or with a unit: 500ms, 90s, 10m, 1h"

// key is the one definition of a configuration key, bound to a field of a Config.
type key struct {
	path     string // dotted, as in the file
	value    value
	standard string // default, as a flag would give it; "" is the zero value
	sample   string // YAML shown in the example where it differs from the default
	unit     string
	doc      string
	short    string // one-letter flag
	online   bool   // only the daemon has a flag for it
	optional bool   // records that the example shows behind comment signs
	onlyFlag bool   // belongs to one run: not passed on to children

	backfill  bool     // only offline-ingestor backfill has a flag for it
	forwarder bool     // only frame-forwarder has a flag for it
	peers     []string // variables of dranspose's ingesters that mean the same, the strongest first
}

// flag is the name of its flag, without the dashes.
func (k key) flag() string { return strings.ReplaceAll(k.path, "_", "-") }

// environment is the name of its environment variable.
func (k key) environment() string { return environmentName(k.path) }

func environmentName(path string) string {
	return "INGESTOR_" + strings.ToUpper(strings.ReplaceAll(path, ".", "_"))
}
