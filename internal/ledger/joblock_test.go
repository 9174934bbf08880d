package ledger

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ingestor/internal/fault"
)

// TestJobLockHolder is the child: it holds the lock until its input ends.
func TestJobLockHolder(t *testing.T) {
	dir := os.Getenv(childDirectory)
	if dir == "" {
		t.Skip("only for the tests of several processes")
	}
	unlock, err := LockJob(t.Context(), dir, production, "night", "the other", 0)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("held")
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		t.Error(err)
	}
	if err := unlock(); err != nil {
		t.Error(err)
	}
}

// startHolder starts a child that holds the lock; end makes it give it back.
func startHolder(t *testing.T, dir string) (c *exec.Cmd, end func()) {
	t.Helper()
	c = exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestJobLockHolder$")
	c.Env = append(os.Environ(), childDirectory+"="+dir)
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = c.Wait() // it may have been killed
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != "held" {
		t.Log(lines.Text())
	}
	return c, func() {
		if err := in.Close(); err != nil {
			t.Error(err)
		}
	}
}

func lockJob(t *testing.T, dir string, d Deployment, job string) {
	t.Helper()
	unlock, err := LockJob(t.Context(), dir, d, job, "offline-ingestor backfill", 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unlock(); err != nil {
			t.Error(err)
		}
	})
}

func wantHeld(t *testing.T, err error, pid int, command string) {
	t.Helper()
	host, _ := os.Hostname() // the holder could not ask either
	var held *JobHeldError
	if !errors.As(err, &held) || fault.KindOf(err) != fault.Busy || held.Holder.PID != pid || held.Job != "night" ||
		held.Holder.Command != command || held.Holder.Since.IsZero() || held.Holder.Host != host {
		t.Errorf("kind %v, %+v: %v", fault.KindOf(err), held, err)
	}
	if err != nil && (!strings.Contains(err.Error(), fmt.Sprintf("process %d on %s since ", pid, host)) || strings.Contains(err.Error(), "\n")) {
		t.Errorf("it says %v", err)
	}
}

func TestLockJob_NamesWhoHoldsItAndIsFreeOnceThatOneIsDead(t *testing.T) {
	dir := t.TempDir()
	child, _ := startHolder(t, dir)
	_, err := LockJob(t.Context(), dir, production, "night", "us", 0)
	wantHeld(t, err, child.Process.Pid, "the other")
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // killed
	left, err := os.ReadFile(JobFile(dir, production, "night", "lock"))
	if err != nil || !strings.Contains(string(left), "the other") {
		t.Errorf("it left %q, %v", left, err)
	}
	lockJob(t, dir, production, "night")
	_, err = LockJob(t.Context(), dir, Deployment{production.Catalogue + "/", production.Group}, "night", "us", 0)
	wantHeld(t, err, os.Getpid(), "offline-ingestor backfill")
}

func TestLockJob_WaitsUntilItIsGivenBack(t *testing.T) {
	dir := t.TempDir()
	child, end := startHolder(t, dir)
	_, err := LockJob(t.Context(), dir, production, "night", "us", jobLockPause/2)
	wantHeld(t, err, child.Process.Pid, "the other")
	got := make(chan error, 1)
	go func() {
		unlock, err := LockJob(t.Context(), dir, production, "night", "us", time.Hour)
		if err == nil {
			err = unlock()
		}
		got <- err
	}()
	end()
	if err := <-got; err != nil {
		t.Error(err)
	}
	lockJob(t, dir, production, "night")
}

func TestLockJob_WaitsNoLongerThanItsContext(t *testing.T) {
	dir := t.TempDir()
	lockJob(t, dir, production, "night")
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan error, 1)
	go func() {
		_, err := LockJob(ctx, dir, production, "night", "us", time.Hour)
		got <- err
	}()
	cancel()
	if err := <-got; !errors.Is(err, context.Canceled) || fault.KindOf(err) != fault.Interrupted {
		t.Errorf("kind %v: %v", fault.KindOf(err), err)
	}
}

func TestLockJob_IsOneOfEachJobOfEachDeployment(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made")
	files := map[string]bool{}
	for _, d := range []Deployment{production, staging, second, {}} {
		for _, job := range []string{"night", "Night", "a.b_c-d", "a/../../b", "ä", "", "job~", strings.Repeat("x", 64), strings.Repeat("x", 65), strings.Repeat("x", 300)} {
			lockJob(t, dir, d, job)
			file := JobFile(dir, d, job, "lock")
			if filepath.Dir(file) != dir || files[file] {
				t.Errorf("%+v, %q: %s", d, job, file)
			}
			files[file] = true
		}
	}
	if there := entriesOf(t, dir); len(there) != len(files) {
		t.Errorf("%d files of %d", len(there), len(files))
	}
}

func TestLockJob_IsHeldWhateverItsFileSays(t *testing.T) {
	for name, content := range map[string]string{
		"nothing": "", "half a line": `{"host":"odin","pi`, "no JSON": "odin 1\n", "a number": "1", "much": strings.Repeat("{", 100_000), "bytes": "\xff\x00",
		"other types": `{"pid":"x"}`,
	} {
		dir := t.TempDir()
		path := JobFile(dir, production, "night", "lock")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		lockJob(t, dir, production, "night") // what a dead process has left blocks nobody
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := LockJob(t.Context(), dir, production, "night", "us", 0)
		var held *JobHeldError
		if !errors.As(err, &held) || held.Holder != (Holder{}) || err.Error() != `another run of job "night" holds its lock` {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLockJob_WhereItCanNotBeTaken(t *testing.T) {
	dir := publicDir(t)
	path := JobFile(dir, production, "night", "lock")
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := LockJob(t.Context(), dir, production, "night", "us", time.Hour); fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), path) {
		t.Errorf("kind %v: %v", fault.KindOf(err), err)
	}
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	asNobody(t, func() {
		_, err := LockJob(t.Context(), dir, production, "day", "us", time.Hour)
		if fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), dir) {
			t.Errorf("kind %v: %v", fault.KindOf(err), err)
		}
	})
}

// TestLockJob_IsTheOneOfTheFileThatOthersFind: a lock file that was deleted under
// its holder is made anew, and holds from then on.
func TestLockJob_IsTheOneOfTheFileThatOthersFind(t *testing.T) {
	dir := t.TempDir()
	lockJob(t, dir, production, "night")
	if err := os.Remove(JobFile(dir, production, "night", "lock")); err != nil {
		t.Fatal(err)
	}
	lockJob(t, dir, production, "night")
	_, err := LockJob(t.Context(), dir, production, "night", "us", 0)
	wantHeld(t, err, os.Getpid(), "offline-ingestor backfill")
}

// TestLockJob_ByManyAtOnce: never two have it.
func TestLockJob_ByManyAtOnce(t *testing.T) {
	dir := t.TempDir()
	const many = 8
	inside := make(chan struct{}, 1)
	done := make(chan error, many)
	for range many {
		go func() {
			unlock, err := LockJob(t.Context(), dir, production, "night", "us", time.Hour)
			if err == nil {
				select {
				case inside <- struct{}{}:
					<-inside
				default:
					err = errors.New("two have the lock")
				}
				err = errors.Join(err, unlock())
			}
			done <- err
		}()
	}
	for range many {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
