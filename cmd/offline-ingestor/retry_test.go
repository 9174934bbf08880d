package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ingestor/internal/fault"
	"ingestor/internal/intake"
	"ingestor/internal/ledger"
	"ingestor/schemas/filewriter"
)

// givenUp is when the dead letters of these tests were noted.
var givenUp = time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)

func (b *bench) stateDirectory() string { return filepath.Join(b.state, "ingestor") }

// deployment is that of the configuration as it is now.
func (b *bench) deployment() ledger.Deployment {
	b.t.Helper()
	host := hostLine.FindStringSubmatch(b.config)
	if host == nil {
		b.t.Fatal("no host in the configuration")
	}
	return ledger.Deployment{Catalogue: strings.ReplaceAll(host[1], "@HOST@", b.server.BaseURL()), Group: "GROUP_ID"}
}

var hostLine = regexp.MustCompile(`(?m)^  host: (\S+)$`)

func (b *bench) ledger() *ledger.Ledger {
	b.t.Helper()
	l, err := ledger.Open(b.t.Context(), b.stateDirectory(), ledger.Options{Deployment: b.deployment(), Now: func() time.Time { return givenUp }})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = l.Close() })
	return l
}

// letter is a message of a file that was given up; the higher its offset the
// older it is.
func (b *bench) letter(offset int64, file string) ledger.MessageNote {
	path := b.path(file)
	value := filewriter.WritingDone{ServiceID: "fw-1", JobID: "job-" + strconv.FormatInt(offset, 10), FileName: path}.Encode()
	return ledger.MessageNote{
		Source: "kafka", Topic: "writing-done", Offset: offset, Time: givenUp.Add(-time.Duration(offset) * time.Minute),
		JobID: "job-" + strconv.FormatInt(offset, 10), File: path, Outcome: "dead_lettered", Attempts: 5,
		Error: "the catalogue refused it", Class: "permanent", Exit: 65, Stderr: []byte("the end"),
		Key: []byte("key"), Value: value, Headers: []intake.Header{{Key: "h", Value: []byte("v")}},
	}
}

// dead notes messages; the files of the first are a good one and a bad one.
func (b *bench) dead(notes ...ledger.MessageNote) *ledger.Ledger {
	b.t.Helper()
	l := b.ledger()
	if err := l.NoteMessages(b.t.Context(), notes); err != nil {
		b.t.Fatal(err)
	}
	return l
}

// wantLeft is what is still dead-lettered: offsets, the oldest first.
func (b *bench) wantLeft(l *ledger.Ledger, want string) []ledger.MessageEntry {
	b.t.Helper()
	list, err := l.DeadLettered(b.t.Context(), ledger.MessageFilter{All: true})
	if err != nil {
		b.t.Fatal(err)
	}
	var got []string
	for _, e := range list {
		got = append(got, strconv.FormatInt(e.Offset, 10))
	}
	if strings.Join(got, " ") != want {
		b.t.Errorf("dead-lettered are %v, want %s", got, want)
	}
	return list
}

func (b *bench) retryGolden(name string, e ended, exit int) {
	b.t.Helper()
	e.stdout, e.stderr = strings.ReplaceAll(e.stdout, b.state, "@STATE@"), strings.ReplaceAll(e.stderr, b.state, "@STATE@")
	own := "process " + strconv.Itoa(os.Getpid())
	e.stdout, e.stderr = strings.ReplaceAll(e.stdout, own, "process @PID@"), strings.ReplaceAll(e.stderr, own, "process @PID@")
	b.golden("retry/"+strings.ReplaceAll(name, " ", "_"), e)
	if e.exit != exit {
		b.t.Errorf("%s: exit %d, want %d\n%s%s", name, e.exit, exit, e.stdout, e.stderr)
	}
}

// lock takes the lock of a daemon or another retry.
func (b *bench) lock(program string) {
	b.t.Helper()
	k, err := ledger.LockRetries(ledger.RetryLockFile(b.stateDirectory(), b.deployment()), program)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		if err := k.Release(); err != nil {
			b.t.Error(err)
		}
	})
}

// three are letters of a good file, one that is not HDF5, and one that is gone.
func (b *bench) three() *ledger.Ledger {
	b.write("raw/run_bad.hdf", []byte("no HDF5"))
	return b.dead(b.letter(1, "raw/run.hdf"), b.letter(3, "raw/run_gone.hdf"), b.letter(2, "raw/run_bad.hdf"))
}

func TestRetry_SaysWhatIsWrongWithTheCommandLine(t *testing.T) {
	b := newBench(t)
	for name, args := range map[string][]string{
		"nothing chosen":       {},
		"all and a job":        {"--all", "--job", "x"},
		"since no time":        {"--since", "yesterday"},
		"a file":               {"--all", "raw/run.hdf"},
		"an unknown flag":      {"--al"},
		"json does not choose": {"--json"},
	} {
		b.retryGolden(name, b.run(append([]string{"retry", "-c", "config.yml"}, args...)...), 2)
	}
}

func TestRetry_NeedsTheLedgerOfTheDaemon(t *testing.T) {
	b := newBench(t)
	b.retryGolden("no ledger", b.run("retry", "-c", "config.yml", "--all"), 78)
	if _, err := os.Stat(b.stateDirectory()); err == nil {
		t.Error("a state directory is made")
	}
	run := b.command("retry", "-c", "config.yml", "--all")
	run.Env = []string{"PATH=" + os.Getenv("PATH")}
	b.retryGolden("no state directory", b.end(run), 78)
}

func TestRetry_NothingToDoIsASuccess(t *testing.T) {
	b := newBench(t)
	registered, malformed := b.letter(1, "raw/run.hdf"), b.letter(2, "raw/run.hdf")
	registered.Outcome, malformed.Outcome = "registered", "malformed"
	b.dead(registered, malformed)
	b.retryGolden("nothing to retry", b.run("retry", "-c", "config.yml", "--all"), 0)
	b.retryGolden("nothing of a job", b.run("retry", "-c", "config.yml", "--job", "job-1", "--since", "2026-03-01"), 0)
	b.retryGolden("nothing listed", b.run("retry", "-c", "config.yml", "--list"), 0)
	if e := b.run("retry", "-c", "config.yml", "--all", "--json"); e.exit != 0 || e.stdout != "" || e.stderr != "" {
		t.Errorf("exit %d: %s%s", e.exit, e.stdout, e.stderr)
	}
	b.wantStored(0, 0)
}

func TestRetry_ListsAndTouchesNothing(t *testing.T) {
	b := newBench(t)
	l := b.three()
	odd := b.letter(4, "raw/\x1b[2J\n\xff.hdf")
	odd.Error = "a\tb"
	if err := l.NoteMessages(t.Context(), []ledger.MessageNote{odd}); err != nil {
		t.Fatal(err)
	}
	if _, err := l.RequestRetry(t.Context(), ledger.MessageFilter{JobID: "job-2"}); err != nil {
		t.Fatal(err)
	}
	b.config = "scicat:\n  host: @HOST@\n" // no catalogue and no schema is needed
	b.retryGolden("listed", b.run("retry", "-c", "config.yml", "--list"), 0)
	b.retryGolden("listed of a job", b.run("retry", "-c", "config.yml", "--list", "--job", "job-3", "--since", "2026-03-14T09:26:53Z"), 0)
	e := b.run("retry", "-c", "config.yml", "--list", "--json")
	for line := range strings.Lines(e.stdout) {
		var m deadMessage
		if err := json.Unmarshal([]byte(line), &m); err != nil || m.File == "" || m.Reason == "" || m.Attempts != 5 || !m.Given.Equal(givenUp) || !m.Kept ||
			(m.Requested != nil) != (m.JobID == "job-2") || m.Time == nil {
			t.Errorf("%v: %s", err, line)
		}
	}
	if e.exit != 0 || strings.Count(e.stdout, "\n") != 4 || e.stderr != "" {
		t.Errorf("exit %d: %s%s", e.exit, e.stdout, e.stderr)
	}
	b.wantLeft(l, "4 3 2 1")
	if n := len(b.server.Requests()); n != 0 {
		t.Errorf("the catalogue is asked %d times", n)
	}
}

// TestRetry_WithoutDaemonIngestsHere: the oldest first, and what fails again
// stays with its new reason.
func TestRetry_WithoutDaemonIngestsHere(t *testing.T) {
	b := newBench(t)
	b.configure("save_file_hash: true", "save_file_hash: false")
	l := b.three()
	b.retryGolden("here", b.run("retry", "-c", "config.yml", "--all"), 75)
	b.wantStored(1, 1)
	left := b.wantLeft(l, "3 2")
	for i, want := range []struct {
		exit  int
		class string
		says  string
	}{{75, "transient", "run_gone.hdf"}, {65, "permanent", "HDF5"}} {
		if e := left[i]; e.Exit != want.exit || e.Class != want.class || !strings.Contains(e.Error, want.says) || e.Attempts != 6 || !e.Kept || e.Last.Equal(givenUp) {
			t.Errorf("%+v", e)
		}
	}
	if o, known, err := l.Outcome(t.Context(), "kafka", "writing-done", 0, 1, givenUp.Add(-time.Minute)); o != "registered" || !known || err != nil {
		t.Errorf("outcome %q, %v, %v", o, known, err)
	}
	// Mended, by the operator at three in the morning.
	content, err := dataFile()
	if err != nil {
		t.Fatal(err)
	}
	b.write("raw/run_gone.hdf", content)
	b.write("raw/run_bad.hdf", content)
	e := b.run("retry", "-c", "config.yml", "--since", "1h", "--here")
	if e.exit != 0 || !strings.Contains(e.stdout, "2 messages of 2 succeeded") {
		t.Errorf("exit %d: %s%s", e.exit, e.stdout, e.stderr)
	}
	b.wantLeft(l, "")
	e = b.run("retry", "-c", "config.yml", "--all")
	if e.exit != 0 || !strings.Contains(e.stdout, "Nothing to retry") {
		t.Errorf("exit %d: %s%s", e.exit, e.stdout, e.stderr)
	}
}

func TestRetry_WithADaemonHandsOver(t *testing.T) {
	b := newBench(t)
	l := b.three()
	lost := b.letter(4, "raw/run.hdf")
	lost.Value = nil
	if err := l.NoteMessages(t.Context(), []ledger.MessageNote{lost}); err != nil {
		t.Fatal(err)
	}
	b.lock("online-ingestor")
	b.config = "scicat:\n  host: @HOST@\n"
	b.retryGolden("here but a daemon runs", b.run("retry", "-c", "config.yml", "--all", "--here"), 75)
	b.retryGolden("handed over", b.run("retry", "-c", "config.yml", "--job", "job-1"), 0)
	b.retryGolden("handed over more", b.run("retry", "-c", "config.yml", "--all"), 0)
	b.retryGolden("handed over again", b.run("retry", "-c", "config.yml", "--all"), 0)
	if e := b.run("retry", "-c", "config.yml", "--all", "--json"); e.exit != 0 || strings.Count(e.stdout, `"requested":"`) != 3 || strings.Count(e.stdout, "\n") != 4 {
		t.Errorf("exit %d: %s%s", e.exit, e.stdout, e.stderr)
	}
	for _, e := range b.wantLeft(l, "4 3 2 1") {
		if e.Requested.IsZero() != (e.Offset == 4) || e.Attempts != 5 {
			t.Errorf("%+v", e)
		}
	}
	b.wantStored(0, 0)
}

// TestRetry_LeavesTheMessagesOfAnotherDeployment: production and staging may
// share a state directory.
func TestRetry_LeavesTheMessagesOfAnotherDeployment(t *testing.T) {
	b := newBench(t)
	l := b.dead(b.letter(1, "raw/run.hdf"))
	b.lock("online-ingestor") // our daemon runs
	b.config += "kafka:\n  group_id: staging\n"
	b.retryGolden("nothing of this group", b.run("retry", "-c", "config.yml", "--all"), 0)
	b.retryGolden("nothing of this group listed", b.run("retry", "-c", "config.yml", "--list"), 0)
	for _, e := range b.wantLeft(l, "1") {
		if !e.Requested.IsZero() {
			t.Errorf("requested: %+v", e)
		}
	}
	e := b.run("retry", "-c", "config.yml", "--all", "--group", "GROUP_ID")
	if e.exit != 0 || !strings.Contains(e.stdout, "1 message handed to the daemon") {
		t.Errorf("exit %d: %s%s", e.exit, e.stdout, e.stderr)
	}
	b.wantStored(0, 0)
}

func TestRetry_WhileAnotherIsUnderWay(t *testing.T) {
	b := newBench(t)
	l := b.three()
	b.lock("offline-ingestor")
	b.retryGolden("another retry", b.run("retry", "-c", "config.yml", "--all"), 75)
	for _, e := range b.wantLeft(l, "3 2 1") {
		if !e.Requested.IsZero() {
			t.Errorf("requested: %+v", e)
		}
	}
}

// TestRetry_AnOutageSaysNothingOfAFile: it stays as it was, and the others are
// not tried.
func TestRetry_AnOutageSaysNothingOfAFile(t *testing.T) {
	b := newBench(t)
	b.configure("@HOST@", "http://127.0.0.1:1/api/v3")
	l := b.dead(b.letter(1, "raw/run.hdf"), b.letter(2, "raw/run.hdf"))
	e := b.run("retry", "-c", "config.yml", "--all")
	if e.exit != 69 || !strings.Contains(e.stderr, "The other 1 file(s) are not tried") || !strings.Contains(e.stdout, "1 failed and stay listed, 1 were not tried") {
		t.Errorf("exit %d: %s%s", e.exit, e.stdout, e.stderr)
	}
	for _, e := range b.wantLeft(l, "2 1") {
		if e.Attempts != 5 || e.Error != "the catalogue refused it" || !e.Last.Equal(givenUp) {
			t.Errorf("%+v", e)
		}
	}
}

func TestRetry_ADryRunEndsNothing(t *testing.T) {
	b := newBench(t)
	l := b.dead(b.letter(1, "raw/run.hdf"))
	e := b.run("retry", "-c", "config.yml", "--all", "--ingestion.dry-run")
	if e.exit != 0 || !strings.Contains(e.stdout, "POST datasets") {
		t.Errorf("exit %d: %s%s", e.exit, e.stdout, e.stderr)
	}
	b.wantLeft(l, "1")
	b.wantStored(0, 0)
}

// during does something at the first POST of a dataset.
func (b *bench) during(do func()) {
	var once sync.Once
	b.front(func(w http.ResponseWriter, r *http.Request, pass http.HandlerFunc) {
		if r.Method == http.MethodPost {
			once.Do(do)
		}
		pass(w, r)
	})
}

func TestRetry_LeavesWhatWasDealtWithMeanwhile(t *testing.T) {
	b := newBench(t)
	first, second := b.letter(2, "raw/run.hdf"), b.letter(1, "raw/run_bad.hdf")
	var l *ledger.Ledger
	b.during(func() {
		second.Outcome = "registered"
		if err := l.NoteMessages(t.Context(), []ledger.MessageNote{second}); err != nil {
			t.Error(err)
		}
	})
	l = b.dead(first, second)
	e := b.run("retry", "-c", "config.yml", "--all")
	if e.exit != 0 || !strings.Contains(e.stdout, "1 message of 2 succeeded, 1 were dealt with meanwhile") {
		t.Errorf("exit %d: %s%s", e.exit, e.stdout, e.stderr)
	}
	b.wantLeft(l, "")
}

func TestRetry_OneAtATimeAndStoppedInOrder(t *testing.T) {
	b := newBench(t)
	release := make(chan struct{})
	reached := make(chan struct{})
	b.during(func() {
		close(reached)
		<-release
	})
	l := b.dead(b.letter(1, "raw/run.hdf"), b.letter(2, "raw/run.hdf"))
	run := b.command("retry", "-c", "config.yml", "--all")
	e := b.endAfter(run, func() {
		<-reached
		second := b.run("retry", "-c", "config.yml", "--all")
		if second.exit != 75 || !strings.Contains(second.stderr, "another retry is under way, process "+strconv.Itoa(run.Process.Pid)) {
			t.Errorf("a second one: exit %d: %s", second.exit, second.stderr)
		}
		if err := run.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		time.Sleep(100 * time.Millisecond) // it waits for the answer, or not
		close(release)
	})
	if e.exit != 143 {
		t.Errorf("exit %d: %s%s", e.exit, e.stdout, e.stderr)
	}
	b.wantLeft(l, "2 1")
	if e := b.run("retry", "-c", "config.yml", "--all"); e.exit != 0 {
		t.Errorf("exit %d: %s%s", e.exit, e.stdout, e.stderr)
	}
	b.wantLeft(l, "")
	b.wantStored(1, 1)
}

func TestRetry_KilledItIsRepeated(t *testing.T) {
	b := newBench(t)
	victim := make(chan int, 1)
	b.during(func() {
		if err := syscall.Kill(<-victim, syscall.SIGKILL); err != nil {
			t.Error(err)
		}
	})
	l := b.dead(b.letter(1, "raw/run.hdf"), b.letter(2, "raw/run.hdf"))
	run := b.command("retry", "-c", "config.yml", "--all")
	b.endAfter(run, func() { victim <- run.Process.Pid })
	if status, ok := run.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		t.Fatal("it was not killed")
	}
	b.wantLeft(l, "2 1")
	if e := b.run("retry", "-c", "config.yml", "--all"); e.exit != 0 {
		t.Errorf("exit %d: %s%s", e.exit, e.stdout, e.stderr)
	}
	b.wantLeft(l, "")
	b.wantStored(1, 1)
}

func TestRetry_SaysWhatCanNotBeNoted(t *testing.T) {
	b := newBench(t)
	b.during(func() {
		err := os.Rename(b.stateDirectory(), b.stateDirectory()+".old")
		if err := errors.Join(err, os.WriteFile(b.stateDirectory(), nil, 0o600)); err != nil {
			t.Error(err)
		}
	})
	b.dead(b.letter(1, "raw/run.hdf"))
	e := b.run("retry", "-c", "config.yml", "--all")
	if e.exit != fault.Unavailable.ExitCode() || !strings.Contains(e.stderr, "can not be noted; it stays listed") {
		t.Errorf("exit %d: %s%s", e.exit, e.stdout, e.stderr)
	}
}

func TestRetry_ListsTheMessageBesideTheData(t *testing.T) {
	b := newBench(t)
	b.configure("    save_file_hash: true\n", "    save_file_hash: false\n    message_to_file: true\n    ingestor_files_directory: ingestor\n")
	b.dead(b.letter(1, "raw/run.hdf"))
	b.write("raw/ingestor/run.message.json", []byte("{}"))
	e := b.run("retry", "-c", "config.yml", "--all")
	if e.exit != 0 || !strings.Contains(e.stdout, "2 file(s)") {
		t.Errorf("exit %d: %s%s", e.exit, e.stdout, e.stderr)
	}
}

func TestRetry_ByAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can be another user")
	}
	b := newBench(t)
	l := b.dead(b.letter(1, "raw/run.hdf"))
	b.uid = 65534
	if err := os.Chmod(b.stateDirectory(), 0o700); err != nil {
		t.Fatal(err)
	}
	if e := b.run("retry", "-c", "config.yml", "--list"); e.exit != 77 || !strings.Contains(e.stderr, "run this as the daemon's user, or as root") {
		t.Errorf("exit %d: %s%s", e.exit, e.stdout, e.stderr)
	}
	// Root leaves nothing behind that the daemon's user can not use.
	b.uid = 0
	if err := os.Chown(b.stateDirectory(), 65534, 65534); err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{"", "-wal", "-shm"} {
		if err := os.Chown(l.Path()+f, 65534, 65534); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if e := b.run("retry", "-c", "config.yml", "--all"); e.exit != 0 {
		t.Errorf("exit %d: %s%s", e.exit, e.stdout, e.stderr)
	}
	entries, err := os.ReadDir(b.stateDirectory())
	if err != nil || len(entries) < 2 {
		t.Fatalf("%v, %v", entries, err)
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			t.Fatal(err)
		}
		if st, ok := info.Sys().(*syscall.Stat_t); !ok || st.Uid != 65534 {
			t.Errorf("%s belongs to another user", entry.Name())
		}
	}
}
