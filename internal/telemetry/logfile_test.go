package telemetry

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
)

// sinkAt is a file sink whose look at the path is never put off.
func sinkAt(path string, most int64, keep int) *fileSink {
	return &fileSink{path: path, most: most, keep: keep}
}

func (s *fileSink) put(t *testing.T, line string) {
	t.Helper()
	s.checked = time.Time{} // as if a second had passed
	if n, err := s.write([][]byte{[]byte(line)}); n != 1 || err != nil {
		t.Fatal(n, err)
	}
}

func TestFile_IsPutAsideWhenItWouldGrowTooLarge(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x_.log")
	s := sinkAt(path, 8, 2)
	for _, line := range []string{"aaa\n", "bbb\n", "ccc\n", "ddddddddddddd\n", "eee\n"} {
		s.put(t, line)
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"": "eee\n", ".1": "ddddddddddddd\n", ".2": "ccc\n"} {
		if got := read(t, path+name); got != want {
			t.Errorf("%q holds %q, want %q", name, got, want)
		}
	}
	if _, err := os.Stat(path + ".3"); !errors.Is(err, os.ErrNotExist) {
		t.Error("more are kept than asked for")
	}
}

func TestFile_NoneIsKeptWhenNoneIsAskedFor(t *testing.T) {
	dir := t.TempDir()
	s := sinkAt(filepath.Join(dir, "x_.log"), 8, 0)
	for range 9 {
		s.put(t, "aaaaaa\n")
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("%v, %v", files, err)
	}
}

func TestFile_ThatCannotBePutAsideGrowsOn(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x_.log")
	if err := os.MkdirAll(path+".1/x", 0o755); err != nil {
		t.Fatal(err)
	}
	stderr := &buffer{}
	s := sinkAt(path, 8, 1)
	log := logrus.New()
	log.Out, s.log = stderr, log
	for range 5 {
		s.put(t, "aaaaaa\n")
	}
	if got := read(t, path); strings.Count(got, "\n") != 5 {
		t.Errorf("got %q", got)
	}
	if strings.Count(stderr.String(), "goes on growing") != 1 {
		t.Errorf("said %s", stderr)
	}
}

// Each writes where it will: what one of them puts aside, the others leave within
// a moment, and what they wrote meanwhile is kept.
func TestFile_PutAsideByAnotherProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x_.log")
	one, two := sinkAt(path, 8, 3), sinkAt(path, 8, 3)
	one.put(t, "one 1\n")
	if _, err := two.write([][]byte{[]byte("two 1\n")}); err != nil {
		t.Fatal(err)
	}
	// two has put aside; one has not looked since.
	if _, err := one.write([][]byte{[]byte("1\n")}); err != nil {
		t.Fatal(err)
	}
	one.put(t, "2\n")
	if err := errors.Join(one.close(), two.close()); err != nil {
		t.Fatal(err)
	}
	if now, old := read(t, path), read(t, path+".1"); now != "two 1\n2\n" || old != "one 1\n1\n" {
		t.Errorf("now %q, before %q", now, old)
	}
}

func TestFile_ALineThatSomebodyLeftTornEndsThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x_.log")
	if err := os.WriteFile(path, []byte("whole\nhal"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := sinkAt(path, 0, 0)
	s.put(t, "next\n")
	s.put(t, "last\n")
	if got := read(t, path); got != "whole\nhal\nnext\nlast\n" {
		t.Errorf("got %q", got)
	}
}

// A file that grows page by page ends within a line while another process writes.
func TestFile_ALineThatSomebodyIsWritingIsNotTorn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x_.log")
	other, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	if _, err := other.WriteString("whole\nhal"); err != nil {
		t.Fatal(err)
	}
	s := sinkAt(path, 0, 0)
	s.patience = time.Hour
	written := make(chan error, 1)
	go func() {
		_, err := s.write([][]byte{[]byte("next\n")})
		written <- err
	}()
	time.Sleep(2 * tornLook)
	if _, err := other.WriteString("f\n"); err != nil {
		t.Fatal(err)
	}
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	if got := read(t, path); got != "whole\nhalf\nnext\n" {
		t.Errorf("got %q", got)
	}
}

func TestFile_LinesWaitForAFullDisk(t *testing.T) {
	base := filepath.Join(t.TempDir(), "x")
	if err := os.Symlink("/dev/full", base+"_.log"); err != nil {
		t.Fatal(err)
	}
	log, end, stderr := logger(t, LogOptions{File: base})
	log.Info("while it is full")
	for deadline := time.Now().Add(time.Minute); !strings.Contains(stderr.String(), "does not take log lines") && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	if err := os.Remove(base + "_.log"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(rotationCheck) // it looks once in a while
	log.Info("when it is mended")
	if err := end(); err != nil {
		t.Error(err)
	}
	got := read(t, base+"_.log")
	if !strings.Contains(got, "while it is full") || !strings.Contains(got, "when it is mended") {
		t.Errorf("got %s", got)
	}
}

const writerVariable = "TELEMETRY_TEST_WRITER"

// TestWriter is no test: it is the process that TestFile_ManyProcesses runs.
func TestWriter(t *testing.T) {
	who := os.Getenv(writerVariable)
	if who == "" {
		t.Skip("a process of another test")
	}
	name, base, _ := strings.Cut(who, " ")
	log, end, err := NewLogger(LogOptions{Program: name, File: base, FileMaxBytes: 20_000, FileKeep: 1000, Stderr: &buffer{}})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("started")
	for n := range writerLines {
		log.WithField("n", n).Info(strings.Repeat("x", 50))
		if n%100 == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	if err := end(); err != nil {
		t.Fatal(err)
	}
}

const writerLines = 3000

// Processes that share a log file, put it aside and are killed: nobody loses a line
// but those who are killed, no line is torn by another, and no file is much too large.
func TestFile_ManyProcesses(t *testing.T) {
	dir := t.TempDir()
	base := filepath.Join(dir, "x")
	start := func(name string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestWriter$")
		cmd.Env = append(os.Environ(), writerVariable+"="+name+" "+base)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "started\n" {
			t.Fatalf("%q, %v", line, err)
		}
		go func() { _, _ = io.Copy(io.Discard, out) }()
		return cmd
	}
	var workers []*exec.Cmd
	for n := range 3 {
		workers = append(workers, start(fmt.Sprintf("worker%d", n)))
	}
	for range 3 {
		victim := start("victim")
		time.Sleep(5 * time.Millisecond)
		if err := victim.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		_ = victim.Wait() // it was killed
	}
	for _, w := range workers {
		if err := w.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(base + "_.log*")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 10 {
		t.Errorf("only %d files", len(files))
	}
	whole := regexp.MustCompile(`^\S+ \S+ - (\w+)\[\d+\] - INFO - x{50} n=(\d+)$`)
	seen := map[string]int{}
	odd := 0
	for _, f := range files {
		text := read(t, f)
		if len(text) > 200_000 {
			t.Errorf("%s has %d bytes", f, len(text))
		}
		for line := range strings.Lines(text) {
			if m := whole.FindStringSubmatch(strings.TrimSuffix(line, "\n")); m != nil {
				seen[m[1]+" "+m[2]]++
			} else if line != "\n" {
				odd++ // of one who was killed
			}
		}
	}
	if odd > 3 {
		t.Errorf("%d torn lines", odd)
	}
	for n := range 3 {
		for i := range writerLines {
			if got := seen[fmt.Sprintf("worker%d %d", n, i)]; got != 1 {
				t.Fatalf("line %d of worker %d is there %d times", i, n, got)
			}
		}
	}
}
