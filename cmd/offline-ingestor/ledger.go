package main

import (
	"context"
	"errors"
	"os"

	"ingestor/configs"
	"ingestor/internal/buildinfo"
	"ingestor/internal/ledger"
	"ingestor/offline"
)

// deployment is whose notes are meant, among those who share a ledger.
func deployment(cfg configs.Config) ledger.Deployment {
	return ledger.Deployment{Catalogue: cfg.SciCat.Host, Group: cfg.Kafka.GroupID}
}

// openLedger opens the ledger in the state directory. It is left to the end of the
// process to close it, which takes nothing from it: closing it in order would
// wait for the disk.
func openLedger(cfg configs.Config) func(context.Context) (offline.Ledger, error) {
	return func(ctx context.Context) (offline.Ledger, error) {
		dir := cfg.Ingestion.StateDirectory
		if dir == "" {
			return nil, errors.New("there is no state directory: set ingestion.state_directory, or HOME")
		}
		host, err := os.Hostname()
		if err != nil {
			host = "" // a ledger is of one machine anyway
		}
		l, err := ledger.Open(ctx, dir, ledger.Options{Deployment: deployment(cfg), Host: host, Version: buildinfo.String()})
		if err != nil {
			return nil, err
		}
		return l, nil
	}
}
