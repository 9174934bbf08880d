package main_test

import (
	"os"
	"testing"
	"time"

	"ingestor/internal/kafka/realkafka"
)

// scale is how much of a scenario is played.
type scale struct {
	// messages of the large mix.
	messages int
	// soon is how fast a restarted daemon must be. With the race detector it
	// is slower, on busy machines much slower.
	soon time.Duration
}

// scenarios are what must hold on every broker.
var scenarios = []struct {
	name string
	run  func(*testing.T, *broker, scale)
}{
	{"Health", healthTellsWhatIsWrong}, // the one that waits most, so that others run meanwhile
	{"EveryFileOnce", everyFileOnce},
	{"TermWhileChildrenRun", termWhileChildrenRun},
	{"TermWhileIdle", termWhileIdle},
	{"SecondTermEndsTheDrain", secondTermEndsTheDrain},
	{"KilledWhileChildrenRun", killedWhileChildrenRun},
	{"FrozenWhileChildrenRun", frozenWhileChildrenRun},
	{"CatalogueAway", catalogueAway},
	{"ServiceManager", tellsTheServiceManager},
	{"OverridesReachChildren", overridesReachChildren},
	{"MessageFile", messageFile},
	{"HungChild", hungChild},
	{"ExecutableAway", executableAway},
	{"TokenRefused", tokenRefused},
	{"WaitForBroker", waitForBroker},
}

func TestEmbedded(t *testing.T) {
	b := embeddedBroker(t, 0)
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			s.run(t, b, scale{messages: 60, soon: 15 * time.Second})
		})
	}
}

func TestReal(t *testing.T) {
	if os.Getenv(realVariable) == "" {
		t.Skipf("needs java, mvn and, the first time, a network: set %s=1", realVariable)
	}
	began := time.Now()
	node, err := realkafka.Start(t.Context(), realkafka.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := node.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Logf("Apache Kafka answers after %s", time.Since(began).Truncate(10*time.Millisecond))
	b := newBroker(t, node.Address(), 6000)
	b.real = node
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			s.run(t, b, scale{messages: 200, soon: 3 * time.Second})
		})
	}
}
