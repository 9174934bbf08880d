package online

import (
	"context"

	"ingestor/internal/intake"
)

// Source gives messages: a Kafka consumer, a watched folder.
type Source interface {
	// Name is for people: "kafka".
	Name() string
	// Run delivers messages until ctx ends, then gives back what it holds
	// (commits, leaves the group) and returns nil. It calls deliver from one
	// goroutine; deliver returns at once.
	Run(ctx context.Context, deliver func(intake.Message, intake.Ack)) error
	// Hold stops deliveries while on; the source stays connected.
	Hold(on bool)
	// Ready is nil while the source is connected and may deliver; otherwise
	// it says in one line what is missing.
	Ready() error
}
