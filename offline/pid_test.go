package offline

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

func TestGeneratePID(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "run.hdf")
	moment := time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC)
	write := func(t *testing.T, path, text string, at time.Time) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	pid := func(t *testing.T, prefix, job, path string) string {
		t.Helper()
		p, err := generatePID(prefix, job, path)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	write(t, path, "content", moment)
	byJob, byFile := pid(t, "10.1", "job-1", path), pid(t, "10.1", "", path)

	t.Run("it is a name-based uuid behind prefix and slash", func(t *testing.T) {
		shape := regexp.MustCompile(`^10\.1/[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
		for _, p := range []string{byJob, byFile} {
			if !shape.MatchString(p) {
				t.Error(p)
			}
		}
	})
	t.Run("it stays the same for ever", func(t *testing.T) {
		// Another value here would register every file a second time.
		if want := "10.1/8874b3dc-0956-5d58-802a-1cbf9876700d"; byJob != want {
			t.Errorf("got %s, want %s", byJob, want)
		}
	})
	t.Run("an empty prefix leaves no slash", func(t *testing.T) {
		if got := pid(t, "", "job-1", path); "10.1/"+got != byJob {
			t.Error(got)
		}
	})
	t.Run("a slash at the end of the prefix is not doubled", func(t *testing.T) {
		if got := pid(t, "10.1/", "job-1", path); got != byJob {
			t.Error(got)
		}
	})
	t.Run("a job has one pid wherever its file is", func(t *testing.T) {
		if got := pid(t, "10.1", "job-1", filepath.Join(dir, "gone")); got != byJob {
			t.Error(got)
		}
	})
	t.Run("another job has another", func(t *testing.T) {
		if got := pid(t, "10.1", "job-2", path); got == byJob {
			t.Error(got)
		}
	})
	t.Run("a job is no file of the same name", func(t *testing.T) {
		if byJob == byFile {
			t.Error(byJob)
		}
	})
	t.Run("without a job the path counts as absolute", func(t *testing.T) {
		t.Chdir(dir)
		if got := pid(t, "10.1", "", "./run.hdf"); got != byFile {
			t.Error(got)
		}
	})
	t.Run("without a job path, size and time of change count", func(t *testing.T) {
		other := filepath.Join(dir, "other.hdf")
		write(t, other, "content", moment)
		if pid(t, "10.1", "", other) == byFile {
			t.Error("another path, the same pid")
		}
		write(t, path, "content", moment.Add(time.Second))
		if pid(t, "10.1", "", path) == byFile {
			t.Error("another time, the same pid")
		}
		write(t, path, "content!", moment)
		if pid(t, "10.1", "", path) == byFile {
			t.Error("another size, the same pid")
		}
		write(t, path, "content", moment)
		if pid(t, "10.1", "", path) != byFile {
			t.Error("the same file, another pid")
		}
	})
}

func TestGeneratePID_EveryRunOfAFileGivesOnePID(t *testing.T) {
	b := newBed(t)
	change := func(o *Options) { o.GeneratePID = true }
	first := b.ingest(change)
	second := b.ingest(change)
	if first.PID != second.PID || first.PID == testPID {
		t.Errorf("%s, then %s", first.PID, second.PID)
	}
	b.wantOneOfEach()
}
