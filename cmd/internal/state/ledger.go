// Package state opens the ledger in the state directory, as the daemon, its
// children and the commands share it. It is apart from package program, so that
// frame-forwarder, which keeps no state, does not carry SQLite.
package state

import (
	"context"
	"os"

	"ingestor/configs"
	"ingestor/internal/buildinfo"
	"ingestor/internal/ledger"
)

// Deployment is whose notes are meant, among those who share a ledger.
func Deployment(cfg *configs.Config) ledger.Deployment {
	return ledger.Deployment{Catalogue: cfg.SciCat.Host, Group: cfg.Kafka.GroupID}
}

// Open opens the ledger in a state directory; its errors are those of ledger.Open.
func Open(ctx context.Context, dir string, of ledger.Deployment) (*ledger.Ledger, error) {
	host, err := os.Hostname()
	if err != nil {
		host = "" // a ledger is of one machine anyway
	}
	return ledger.Open(ctx, dir, ledger.Options{Deployment: of, Host: host, Version: buildinfo.String()})
}
