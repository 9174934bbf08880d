package kafka_test

import (
	"testing"

	"ingestor/internal/kafka/embedded"
)

func TestSource_OnTheEmbeddedBroker(t *testing.T) {
	b, err := embedded.Start(embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	sourceSuite(t, newCluster(t, b.Address()))
}
