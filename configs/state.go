package configs

import (
	"path/filepath"
	"strings"
)

// stateDirectory is where state is kept when the configuration does not say: what
// systemd made for the service, else the user's own place for it; "" when the
// environment names no home either.
func stateDirectory(env []string) string {
	variables := map[string]string{}
	for _, entry := range env {
		if name, value, _ := strings.Cut(entry, "="); value != "" {
			variables[name] = value
		}
	}
	// A unit may have several, separated by colons.
	if first, _, _ := strings.Cut(variables["STATE_DIRECTORY"], ":"); first != "" {
		return first
	}
	if base := variables["XDG_STATE_HOME"]; filepath.IsAbs(base) { // others are to be ignored
		return filepath.Join(base, "ingestor")
	}
	if home := variables["HOME"]; home != "" {
		return filepath.Join(home, ".local", "state", "ingestor")
	}
	return ""
}
