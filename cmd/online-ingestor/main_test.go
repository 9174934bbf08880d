package main_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// The programs under test are the real ones, as processes: those of the folder
// that INGESTOR_BIN names, else built here.
const (
	binVariable  = "INGESTOR_BIN"
	realVariable = "INGESTOR_REAL_KAFKA"
)

var onlineProgram, offlineProgram string

func TestMain(m *testing.M) {
	code, err := testMain(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func testMain(m *testing.M) (code int, err error) {
	dir := os.Getenv(binVariable)
	if dir == "" {
		if dir, err = os.MkdirTemp("", "ingestor-bin-"); err != nil {
			return 1, err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
		// The daemon is under the race detector when its test is. Its children
		// are one goroutine after another; they would only become slow.
		build := []string{"build", "-o", dir}
		if raceDetector {
			build = append(build, "-race")
		}
		for _, args := range [][]string{append(build, "."), {"build", "-o", dir, "../offline-ingestor"}} {
			cmd := exec.Command("go", args...) //nolint:noctx // a test binary has no context here
			cmd.Stderr = os.Stderr
			if err := cmd.Run(); err != nil {
				return 1, fmt.Errorf("go %v: %w", args, err)
			}
		}
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return 1, err
	}
	onlineProgram, offlineProgram = filepath.Join(dir, "online-ingestor"), filepath.Join(dir, "offline-ingestor")
	for _, p := range []string{onlineProgram, offlineProgram} {
		if _, err := os.Stat(p); err != nil {
			return 1, fmt.Errorf("%w (run make build, or unset %s)", err, binVariable)
		}
	}
	// Most of the time these tests wait; a given -parallel has the last word.
	if err := flag.Set("test.parallel", "4"); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

// patience is how long a test waits for what must come; it is no measure.
const patience = 90 * time.Second

// await waits until what must come has come. On failure it tells the states.
func await(t *testing.T, what string, come func() bool, states ...fmt.Stringer) {
	t.Helper()
	awaitFor(t, patience, what, come, states...)
}

func awaitFor(t *testing.T, most time.Duration, what string, come func() bool, states ...fmt.Stringer) {
	t.Helper()
	for deadline := time.Now().Add(most); !come(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			for _, s := range states {
				t.Log(s)
			}
			t.Fatalf("waited %s in vain for: %s", most, what)
		}
	}
}
