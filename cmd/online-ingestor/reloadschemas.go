package main

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"time"

	"ingestor/configs"
	"ingestor/internal/fault"
)

const (
	// schemasLimit bounds a check of the schemas.
	schemasLimit = 30 * time.Second
	// schemasLines is how many findings are logged.
	schemasLines = 20
)

// schemas has the schemas checked by the program that will read them, where it will
// read them: that may be another machine (srun), and needs no HDF5 in the daemon.
func (r *reloader) schemas(ctx context.Context, c *configs.Config) {
	dir := c.Ingestion.SchemasDirectory
	entry := r.log.WithField("schemas", dir)
	ctx, cancel := context.WithTimeout(ctx, schemasLimit)
	defer cancel()
	argv := slices.Concat(c.Ingestion.OfflineIngestorExecutable, []string{"check", "schema", dir})
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.WaitDelay = time.Second // for those who keep the pipe open
	var said bytes.Buffer
	cmd.Stdout = &said
	err := cmd.Run()
	var ended *exec.ExitError
	lines := strings.Split(strings.TrimSpace(said.String()), "\n")
	last := lines[len(lines)-1]
	switch {
	case err == nil && last != "":
		entry.WithField("result", last).Info("Schemas checked")
	case errors.As(err, &ended) && ended.ExitCode() == fault.BadInput.ExitCode() && last != "":
		for _, l := range lines[:min(len(lines)-1, schemasLines)] {
			entry.WithField("finding", l).Warn("Schema fault")
		}
		entry.WithField("result", last).Error("Schemas have faults: files that need them will fail")
	default: // the peer's program, for one, has no such command
		entry.WithField("error", err).Info("The offline ingestor can not check schemas; each one reads them at its start")
	}
}
