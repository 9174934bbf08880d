package telemetry

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
)

// buffer is a bytes.Buffer for several goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// logger makes one that writes to a buffer and ends with the test, or before.
func logger(t *testing.T, o LogOptions) (log *logrus.Logger, end func() error, stderr *buffer) {
	t.Helper()
	stderr = &buffer{}
	o.Stderr = stderr
	log, stop, err := NewLogger(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stop() })
	return log, stop, stderr
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestNewLogger_FaultsOfTheOptionsAreListed(t *testing.T) {
	_, _, err := NewLogger(LogOptions{Level: "loud", GraylogProtocol: "http", GraylogPort: -1})
	for _, want := range []string{`"loud"`, `"http"`, "-1"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %s in %v", want, err)
		}
	}
}

func TestLogger_FullLineOnAPipe(t *testing.T) {
	log, _, stderr := logger(t, LogOptions{Program: "offline-ingestor", Prefix: "SFI", JobID: "j-1"})
	log.WithField("file", "/data/a b.nxs").Warn("Dataset is there already")
	log.WithField("job_id", "other").Info("Exiting")
	log.Debug("not shown at INFO")
	want := regexp.MustCompile(`^SFI - \d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} - offline-ingestor\[\d+\] - WARNING - Dataset is there already file="/data/a b.nxs" job_id=j-1
SFI - .* - INFO - Exiting job_id=other
$`)
	if !want.MatchString(stderr.String()) {
		t.Errorf("got %s", stderr)
	}
}

func TestFile_IsAppendedByEachProcess(t *testing.T) {
	base := filepath.Join(t.TempDir(), "run")
	for _, program := range []string{"one", "two"} {
		log, end, _ := logger(t, LogOptions{Program: program, File: base})
		log.Info("here")
		if err := end(); err != nil {
			t.Fatal(err)
		}
	}
	got := read(t, base+"_.log")
	if strings.Count(got, "\n") != 2 || !strings.Contains(got, " - one[") || !strings.Contains(got, " - two[") {
		t.Errorf("got %s", got)
	}
}

func TestFile_NameHoldsTheTimeOfTheStart(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2026, 11, 22, 1, 2, 3, 4567_000, time.Local)
	log, end, _ := logger(t, LogOptions{File: filepath.Join(dir, "run"), FileTimestamp: true, Now: func() time.Time { return now }})
	log.Info("here")
	if err := end(); err != nil {
		t.Fatal(err)
	}
	if got := read(t, filepath.Join(dir, "run_20261122010203004567_.log")); !strings.Contains(got, "here") {
		t.Errorf("got %q", got)
	}
}

func TestFile_ThatCannotBeOpenedIsOneWarning(t *testing.T) {
	log, end, stderr := logger(t, LogOptions{File: filepath.Join(t.TempDir(), "none", "run")})
	for range 3 {
		log.Info("work goes on")
	}
	if err := end(); err == nil || !strings.Contains(err.Error(), "log file: ") {
		t.Errorf("the loss is not told at the end: %v", err)
	}
	got := stderr.String()
	if strings.Count(got, "The log file does not take log lines") != 1 || strings.Count(got, "work goes on") != 3 {
		t.Errorf("got %s", got)
	}
}

func TestFile_IsMadeAnewAfterRotation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x_.log")
	s := &fileSink{path: path}
	put := func(line string) {
		t.Helper()
		s.checked = time.Time{} // as if a second had passed
		if _, err := s.write([][]byte{[]byte(line)}); err != nil {
			t.Fatal(err)
		}
	}
	put("a\n")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	put("b\n")
	put("c\n")
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	if old, now := read(t, path+".1"), read(t, path); old != "a\n" || now != "b\nc\n" {
		t.Errorf("old %q, new %q", old, now)
	}
}
