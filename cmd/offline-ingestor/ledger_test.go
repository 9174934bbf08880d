package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"ingestor/internal/ledger"
)

// blind makes the account one that may not read what it registers.
func (b *bench) blind() {
	b.configure("default_access_groups: [ingestor]", "default_access_groups: [others]")
}

// front puts a handler before the catalogue; pass hands the request on to it.
func (b *bench) front(handle func(w http.ResponseWriter, r *http.Request, pass http.HandlerFunc)) {
	f := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handle(w, r, b.server.ServeHTTP)
	}))
	b.t.Cleanup(f.Close)
	b.configure("@HOST@", f.URL+"/api/v3")
}

// TestKilled_BetweenDatasetAndDatablock: kill -9 at a POST, then a run of an
// account that may not see what is there.
func TestKilled_BetweenDatasetAndDatablock(t *testing.T) {
	for _, c := range []struct {
		name   string
		at     string
		acted  bool
		blocks int
		says   string
	}{
		{"the dataset was not made", "/datasets", false, 1, "Dataset ingestion successful"},
		{"the dataset was made", "/datasets", true, 1, "without datablock: completing it"},
		{"the datablock was made", "/origdatablocks", true, 1, "never learnt whether its datablock was taken"},
		// Nobody can tell this from the one before: never two.
		{"the datablock was not made", "/origdatablocks", false, 0, "never learnt whether its datablock was taken"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.blind()
			victim := make(chan int, 1)
			var once sync.Once
			b.front(func(w http.ResponseWriter, r *http.Request, pass http.HandlerFunc) {
				kill := false
				if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, c.at) {
					once.Do(func() { kill = true })
				}
				if !kill {
					pass(w, r)
					return
				}
				if c.acted {
					pass(httptest.NewRecorder(), r)
				} else if _, err := io.Copy(io.Discard, r.Body); err != nil {
					t.Error(err)
				}
				if err := syscall.Kill(<-victim, syscall.SIGKILL); err != nil {
					t.Error(err)
				}
				<-r.Context().Done()
			})
			run := b.command("-c", "config.yml", "raw/run.hdf")
			e := b.endAfter(run, func() { victim <- run.Process.Pid })
			if status, ok := run.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
				t.Fatalf("it was not killed: exit %d\n%s", e.exit, e.stderr)
			}
			e = b.run("-c", "config.yml", "raw/run.hdf")
			if e.exit != 0 || !strings.Contains(e.stderr, c.says) {
				t.Errorf("exit %d, want 0 and %q\n%s", e.exit, c.says, e.stderr)
			}
			b.wantStored(1, c.blocks)
			e = b.run("-c", "config.yml", "raw/run.hdf")
			if e.exit != 0 || !strings.Contains(e.stdout, "existed") {
				t.Errorf("a third run: exit %d, %s\n%s", e.exit, e.stdout, e.stderr)
			}
			b.wantStored(1, c.blocks)
		})
	}
}

// TestStateDirectory_ThatCanNotBeUsed: one line says so, and files are
// registered as before.
func TestStateDirectory_ThatCanNotBeUsed(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(*bench, string)
		exit    int
		says    string
	}{
		{"a file is in its place", func(b *bench, dir string) {
			if err := os.WriteFile(dir, nil, 0o600); err != nil {
				b.t.Fatal(err)
			}
		}, 0, "not a directory"},
		{"closed", func(b *bench, dir string) {
			if err := os.Mkdir(dir, 0o555); err != nil {
				b.t.Fatal(err)
			}
			if os.Geteuid() == 0 {
				b.uid = 65534
			}
		}, 0, "can not be written by uid"},
		{"the disk is full", func(b *bench, dir string) {
			if err := os.Mkdir(dir, 0o755); err != nil {
				b.t.Fatal(err)
			}
			if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4k"); err != nil {
				b.t.Skip("no small file system can be mounted here: ", err)
			}
			b.t.Cleanup(func() {
				if err := syscall.Unmount(dir, 0); err != nil {
					b.t.Error(err)
				}
			})
			if err := os.WriteFile(filepath.Join(dir, "filler"), make([]byte, 4096), 0o600); err != nil {
				b.t.Fatal(err)
			}
		}, 0, "the ledger"},
		{"a damaged ledger", func(b *bench, dir string) {
			if err := os.Mkdir(dir, 0o755); err != nil {
				b.t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, ledger.FileName), []byte(strings.Repeat("torn ", 1000)), 0o600); err != nil {
				b.t.Fatal(err)
			}
		}, 0, "no SQLite database, or damaged; move it away"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.configure("save_file_hash: true", "save_file_hash: false")
			c.prepare(b, filepath.Join(b.state, "ingestor"))
			e := b.run("-c", "config.yml", "raw/run.hdf")
			if e.exit != c.exit || strings.Count(e.stderr, "WARNING") != 1 ||
				!strings.Contains(e.stderr, "Going on without ledger") || !strings.Contains(e.stderr, c.says) {
				t.Errorf("exit %d, want %d and %q once\n%s", e.exit, c.exit, c.says, e.stderr)
			}
			b.wantStored(1, 1)
		})
	}
}

// TestStateDirectory_SharedByProcesses: many at once on files of their own, and
// all are remembered.
func TestStateDirectory_SharedByProcesses(t *testing.T) {
	b := newBench(t)
	b.blind()
	b.configure("dataset:", "dataset:\n  allow_dataset_pid: false")
	b.configure("ingestion:", "ingestion:\n  check_if_dataset_exists_by_metadata: false")
	content, err := dataFile()
	if err != nil {
		t.Fatal(err)
	}
	files := []string{"a.hdf", "b.hdf", "c.hdf", "d.hdf"}
	for _, f := range files {
		b.write("raw/run_"+f, content)
	}
	for want := range 2 { // the second round finds all of them
		var all sync.WaitGroup
		var runs []*exec.Cmd // making one writes the configuration
		for _, f := range files {
			runs = append(runs, b.command("-c", "config.yml", "raw/run_"+f))
		}
		for i, f := range files {
			all.Go(func() {
				if e := b.end(runs[i]); e.exit != 0 || strings.Contains(e.stderr, "without ledger") {
					t.Errorf("round %d, %s: exit %d\n%s", want+1, f, e.exit, e.stderr)
				}
			})
		}
		all.Wait()
		b.wantStored(len(files), len(files))
	}
}

// TestLedgerOfANewerVersion_IsRefused, in one line, before anything is posted.
func TestLedgerOfANewerVersion_IsRefused(t *testing.T) {
	b := newBench(t)
	l, err := ledger.Open(t.Context(), filepath.Join(b.state, "ingestor"), ledger.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(l.Path())
	if err != nil {
		t.Fatal(err)
	}
	content[63] = 9 // the last byte of user_version, https://sqlite.org/fileformat.html
	if err := os.WriteFile(l.Path(), content, 0o600); err != nil {
		t.Fatal(err)
	}
	e := b.run("-c", "config.yml", "raw/run.hdf")
	e.stderr = strings.ReplaceAll(e.stderr, b.state, "@STATE@")
	b.golden("lines/ledger_of_a_newer_version", e)
	if e.exit != 78 {
		t.Errorf("exit %d, want 78", e.exit)
	}
	b.wantStored(0, 0)
}
