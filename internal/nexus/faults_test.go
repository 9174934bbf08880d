package nexus

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gonum.org/v1/hdf5"

	"ingestor/internal/fault"
)

// In the environment of a re-executed test binary: the file that it reads
// instead of running tests, or the name of the mistake that it makes.
const (
	childFile    = "NEXUS_TEST_CHILD_FILE"
	childMistake = "NEXUS_TEST_CHILD_MISTAKE"
	childStuck   = "NEXUS_TEST_CHILD_STUCK"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(childFile); path != "" {
		os.Exit(readAll(path))
	}
	if m := mistakes[os.Getenv(childMistake)]; m != nil {
		fmt.Println(m())
		os.Exit(0)
	}
	if s := stuck[os.Getenv(childStuck)]; s != nil {
		err := section{limit: 300 * time.Millisecond, file: "run.hdf", object: "/entry"}.run(s)
		fmt.Println(err)
		os.Exit(fault.ExitCode(err))
	}
	os.Exit(m.Run())
}

// stuck are calls that do not come back.
var stuck = map[string]func() error{
	"works": func() error {
		for n := 0; ; n++ {
			runtime.KeepAlive(n)
		}
	},
	"waits":      func() error { select {} },
	"comes back": func() error { time.Sleep(50 * time.Millisecond); return nil },
}

// mistakes are of Go code, and have nothing to do with libhdf5.
var mistakes = map[string]func() error{
	"nil dereference beside libhdf5": func() error {
		if err := Exclusive(func() error { return nil }); err != nil { // installs the handlers
			return err
		}
		return errors.New(*nothing())
	},
	"nil dereference among calls of libhdf5": func() error {
		return Exclusive(func() error { return errors.New(*nothing()) })
	},
}

func nothing() *string { return nil }

// readAll reads all that a file holds, as far as it goes.
func readAll(path string) int {
	f, err := Open(context.Background(), path, OpenOptions{TimeLimit: time.Second})
	if err != nil {
		fmt.Println(err)
		return fault.ExitCode(err)
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
	if err := f.Close(); err != nil {
		fmt.Println(err)
		return fault.ExitCode(err)
	}
	fmt.Println(values, "values", failures, "failures")
	return 0
}

// flipped makes a damaged copy of a file.
func flipped(t *testing.T, whole []byte, seed uint64, flips int) string {
	t.Helper()
	random := rand.New(rand.NewPCG(1, seed))
	b := slices.Clone(whole)
	for range flips {
		b[96+random.IntN(len(b)-96)] ^= byte(1 + random.IntN(255))
	}
	path := filepath.Join(t.TempDir(), fmt.Sprint(seed, ".hdf"))
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestRead_CorruptFilesAreFaultsOfTheFile: libhdf5 crashes and loops on some;
// the process reads all others, says which object it was, and ends by itself.
func TestRead_CorruptFilesAreFaultsOfTheFile(t *testing.T) {
	ends := map[string]int{}
	var lock sync.Mutex
	t.Run("copies", func(t *testing.T) {
		for _, name := range []string{"kinds.hdf", "extra.hdf"} {
			whole, err := os.ReadFile("testdata/" + name)
			if err != nil {
				t.Fatal(err)
			}
			for seed := range uint64(60) {
				t.Run(fmt.Sprint(name, seed), func(t *testing.T) {
					t.Parallel()
					how := readInChild(t, flipped(t, whole, seed, 80))
					lock.Lock()
					defer lock.Unlock()
					ends[how]++
				})
			}
		}
	})
	t.Logf("ends: %v", ends)
	// What doc.go says of crashes that come after the call: rare.
	if ends["destroyed"] > 2 {
		t.Errorf("%d of 120 files ended the process outside of libhdf5", ends["destroyed"])
	}
	version, err := hdf5.LibVersion()
	if err != nil {
		t.Fatal(err)
	}
	for _, how := range []string{"read", "crash", "loop"} {
		// Another libhdf5 may be better at it.
		if ends[how] == 0 && (how == "read" || version.String() == "1.10.8") {
			t.Errorf("no file ended as %s", how)
		}
	}
}

// readInChild names the way in which reading ended.
func readInChild(t *testing.T, path string) string {
	t.Helper()
	exit, out, printed := child(t, childFile+"="+path)
	if exit == 2 && strings.Contains(printed, "goroutine ") {
		t.Logf("libhdf5 destroyed the memory of the process:\n%.2000s", printed)
		return "destroyed"
	}
	if !glibc.MatchString(printed) && printed != "" || strings.Count(out, "\n") != 1 {
		t.Errorf("%s: printed %.300q and %.300q", path, out, printed)
	}
	switch {
	case exit == 0:
		return "read"
	case exit != 65 || !strings.Contains(out, path+": "):
		t.Errorf("%s: exit %d, %s", path, exit, out)
	case strings.Contains(out, "the HDF5 library crashed on it: "):
		return "crash"
	case strings.Contains(out, "the HDF5 library has not come back from it after 1s"):
		return "loop"
	case strings.HasPrefix(out, "open "):
		return "not opened"
	}
	t.Errorf("%s: exit %d, %s", path, exit, out)
	return ""
}

// glibc is what the C library prints by itself before it aborts over a heap that
// libhdf5 destroyed.
var glibc = regexp.MustCompile(`^(Fatal glibc error|corrupted |[a-z_]+\(\): |double free)[^\n]*\n$`)

// child runs the test binary with a variable.
func child(t *testing.T, variable string) (exit int, out, printed string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	// The race detector sleeps for a second before it exits.
	cmd.Env = append(os.Environ(), variable, "GORACE=atexit_sleep_ms=0")
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	var e *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &e) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()
}

func TestSection_ALoopIsTheFilesFaultAndAHangTheStorages(t *testing.T) {
	for name, want := range map[string]struct {
		exit int
		text string
	}{
		"works":      {65, "read run.hdf: /entry: the HDF5 library has not come back from it after 300ms: the file is probably corrupt"},
		"waits":      {69, "read run.hdf: /entry: the storage has not answered for 300ms: is the file system mounted and well?"},
		"comes back": {0, "<nil>"},
	} {
		t.Run(name, func(t *testing.T) {
			exit, out, _ := child(t, childStuck+"="+name)
			if exit != want.exit || strings.TrimSpace(out) != want.text {
				t.Errorf("exit %d, %s; want %d, %s", exit, out, want.exit, want.text)
			}
		})
	}
}

func TestCrashes_OfGoRemainGos(t *testing.T) {
	for name := range mistakes {
		t.Run(name, func(t *testing.T) {
			exit, out, printed := child(t, childMistake+"="+name)
			if exit != 2 || out != "" || !strings.Contains(printed, "nil pointer dereference") || !strings.Contains(printed, "goroutine ") {
				t.Errorf("exit %d, %s%s", exit, out, printed)
			}
		})
	}
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
