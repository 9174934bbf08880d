package main

import (
	"context"
	"errors"

	"ingestor/cmd/internal/state"
	"ingestor/configs"
	"ingestor/offline"
)

// openLedger opens the ledger in the state directory. It is left to the end of the
// process to close it, which takes nothing from it: closing it in order would
// wait for the disk.
func openLedger(cfg configs.Config) func(context.Context) (offline.Ledger, error) {
	return func(ctx context.Context) (offline.Ledger, error) {
		dir := cfg.Ingestion.StateDirectory
		if dir == "" {
			return nil, errors.New("there is no state directory: set ingestion.state_directory, or HOME")
		}
		l, err := state.Open(ctx, dir, state.Deployment(&cfg))
		if err != nil {
			return nil, err
		}
		return l, nil
	}
}
