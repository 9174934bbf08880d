package nexus

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// childFile names, in the environment of a re-executed test binary, the file
// that it reads instead of running tests.
const childFile = "NEXUS_TEST_CHILD_FILE"

func TestMain(m *testing.M) {
	if path := os.Getenv(childFile); path != "" {
		os.Exit(readAll(path))
	}
	os.Exit(m.Run())
}

// readAll reads all that a file holds, as far as it goes.
func readAll(path string) int {
	f, err := Open(context.Background(), path, OpenOptions{})
	if err != nil {
		return 0
	}
	values, failures := 0, 0
	note := func(err error) {
		if err != nil {
			failures++
		} else {
			values++
		}
	}
	var walk func(path string, depth int)
	walk = func(path string, depth int) {
		names, err := f.Attrs(path)
		note(err)
		for _, n := range names {
			_, err := f.Attr(path, n)
			note(err)
		}
		if _, err = f.Describe(path); err != nil || !f.IsGroup(path) || depth > 5 {
			_, err = f.Read(path)
			note(err)
			return
		}
		names, err = f.Children(path)
		note(err)
		for _, n := range names {
			walk(path+"/"+n, depth+1)
		}
	}
	walk("", 0)
	note(f.Close())
	fmt.Println(values, "values", failures, "failures")
	return 0
}

// TestRead_CorruptFilesEndOneWayOrTheOther reads damaged files in a child each,
// because libhdf5 can crash or loop on them: whatever happens, it is an end that
// a parent can see, and libhdf5 prints nothing.
func TestRead_CorruptFilesEndOneWayOrTheOther(t *testing.T) {
	whole, err := os.ReadFile("testdata/kinds.hdf")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(1, 2))
	ends := map[string]int{}
	for i := range 24 {
		b := append([]byte{}, whole...)
		for range 40 {
			b[96+random.IntN(len(b)-96)] ^= byte(1 + random.IntN(255))
		}
		path := filepath.Join(dir, fmt.Sprint(i, ".hdf"))
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		ends[readInChild(t, path)]++
	}
	t.Logf("ends: %v", ends)
	if ends["read"] == 0 {
		t.Error("no child came to its end")
	}
}

// readInChild names the way in which the child ended.
func readInChild(t *testing.T, path string) string {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	// The race detector sleeps for a second before it exits.
	cmd.Env = append(os.Environ(), childFile+"="+path, "GORACE=atexit_sleep_ms=0")
	var out, printed strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &printed
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		if printed.Len() > 0 {
			t.Errorf("%s: printed %.300q", path, printed.String())
		}
		return "read"
	case ctx.Err() != nil:
		return "time limit"
	case errors.As(err, &exit):
		status, ok := exit.Sys().(syscall.WaitStatus)
		// The Go runtime turns a signal within C into a trace and exit 2.
		trace := strings.HasPrefix(printed.String(), "SIG") || strings.HasPrefix(printed.String(), "fatal error: unexpected signal")
		if !ok || !status.Signaled() && !trace {
			t.Errorf("%s: %v, printed %.300q", path, err, printed.String())
		}
		return "signal"
	}
	t.Fatal(err)
	return ""
}

// redirect lets file descriptor 2 write to out until the function that it
// returns is called.
func redirect(t *testing.T, out *os.File) (restore func()) {
	t.Helper()
	saved, err := syscall.Dup(2)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Dup3(int(out.Fd()), 2, 0); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := errors.Join(syscall.Dup3(saved, 2, 0), syscall.Close(saved)); err != nil {
			t.Fatal(err)
		}
	}
}
