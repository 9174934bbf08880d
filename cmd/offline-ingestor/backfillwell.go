package main

import (
	"context"

	"ingestor/cmd/internal/program"
)

// wellAsked is how a run finds out whether the catalogue is well, and takes our
// token, where files fail as if it did not. Begin makes the first login.
func wellAsked(login *program.Credentials, begin func(context.Context)) func(context.Context) error {
	return func(ctx context.Context) error {
		begin(ctx)
		catalogue, err := login.Catalogue()
		if err != nil {
			return err
		}
		return catalogue.CheckToken(ctx)
	}
}
