package control

import (
	"strings"

	"github.com/google/uuid"
)

// The keys of the peers.
const (
	prefix     = "dranspose:"
	updatesKey = prefix + "controller:updates"
	// dataField is the one field of the entries of every stream.
	dataField = "data"
)

func configKey(ingester string) string     { return prefix + "ingester:" + ingester + ":config" }
func assignedKey(mapping uuid.UUID) string { return prefix + "assigned:" + mapping.String() }
func readyKey(mapping uuid.UUID) string    { return prefix + "ready:" + mapping.String() }
func parameterKey(n string, v uuid.UUID) string {
	return strings.Join([]string{prefix + "parameters", n, v.String()}, ":")
}
