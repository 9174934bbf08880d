package main

import (
	"context"
	"errors"
	"os"

	"ingestor/internal/buildinfo"
	"ingestor/internal/ledger"
	"ingestor/offline"
)

// openLedger opens the ledger in a state directory. It is left to the end of the
// process to close it, which takes nothing from it: closing it in order would
// wait for the disk.
func openLedger(dir string) func(context.Context) (offline.Ledger, error) {
	return func(ctx context.Context) (offline.Ledger, error) {
		if dir == "" {
			return nil, errors.New("there is no state directory: set ingestion.state_directory, or HOME")
		}
		host, err := os.Hostname()
		if err != nil {
			host = "" // a ledger is of one machine anyway
		}
		l, err := ledger.Open(ctx, dir, ledger.Options{Host: host, Version: buildinfo.String()})
		if err != nil {
			return nil, err
		}
		return l, nil
	}
}
