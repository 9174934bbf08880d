package main_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"ingestor/internal/forwardertest"
)

// binVariable is the folder of programs that are built already.
const binVariable = "INGESTOR_BIN"

func TestMain(m *testing.M) {
	code, err := testMain(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func testMain(m *testing.M) (code int, err error) {
	if !forwardertest.Python() && os.Getenv(forwardertest.BinaryVariable) == "" {
		dir := os.Getenv(binVariable)
		if dir == "" {
			if dir, err = os.MkdirTemp("", "ingestor-bin-"); err != nil {
				return 1, err
			}
			defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
			build := []string{"build", "-o", dir}
			if raceDetector {
				build = append(build, "-race")
			}
			cmd := exec.Command("go", append(build, ".")...) //nolint:noctx // a test binary has no context here
			cmd.Stderr = os.Stderr
			if err := cmd.Run(); err != nil {
				return 1, fmt.Errorf("go build: %w", err)
			}
		}
		if dir, err = filepath.Abs(dir); err != nil {
			return 1, err
		}
		binary := filepath.Join(dir, "frame-forwarder")
		if _, err := os.Stat(binary); err != nil {
			return 1, fmt.Errorf("%w (run make build, or unset %s)", err, binVariable)
		}
		if err := os.Setenv(forwardertest.BinaryVariable, binary); err != nil {
			return 1, err
		}
	}
	// Most of the time these tests wait; a given -parallel has the last word.
	if err := flag.Set("test.parallel", "6"); err != nil {
		return 1, err
	}
	flag.Parse()
	return m.Run(), nil
}
