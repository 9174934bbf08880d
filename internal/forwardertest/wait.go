package forwardertest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
	"time"
)

// Patience is how long things may take that should come at once: long, for the
// machine may be busy with other tests.
const Patience = time.Minute

// Await waits until done says so; after limit the test fails with what was
// waited for.
func Await(t testing.TB, limit time.Duration, what string, done func() bool) {
	t.Helper()
	if !Within(limit, done) {
		t.Fatalf("not within %s: %s", limit, what)
	}
}

// Within says whether done came true within limit.
func Within(limit time.Duration, done func() bool) bool {
	deadline := time.Now().Add(limit)
	for {
		if done() {
			return true
		}
		if time.Now().After(deadline) {
			return false
		}
		<-time.After(10 * time.Millisecond)
	}
}

// FreePort finds a loopback port that nobody listens on, that the kernel does not
// hand out to connections (those begin at 32768), and that no other test is given
// before this one has ended: a name among the abstract sockets stands for it.
func FreePort(t testing.TB) int {
	t.Helper()
	for range 1000 {
		port := 12000 + rand.IntN(20000)
		claim, err := net.Listen("unix", fmt.Sprintf("@ingestor-test-port-%d", port)) //nolint:noctx // listening does not wait
		if err != nil {
			continue
		}
		l, err := net.Listen("tcp", fmt.Sprintf(":%d", port)) //nolint:noctx // as above
		if err == nil {
			err = l.Close()
		}
		if err != nil {
			_ = claim.Close()
			continue
		}
		t.Cleanup(func() { _ = claim.Close() })
		return port
	}
	t.Fatal("no free port")
	return 0
}
