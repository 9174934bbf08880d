package sidecar

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestPath(t *testing.T) {
	for _, c := range []struct{ name, file, dir, ext, want string }{
		{"a relative folder is beside the data", "/d/raw/run.hdf", "../ingestor", "b2b", "/d/ingestor/run.b2b"},
		{"an absolute folder is used as it is", "/d/raw/run.hdf", "/var/x/", "b2b", "/var/x/run.b2b"},
		{"only the last suffix goes", "/d/a.b.c.hdf", ".", "message.json", "/d/a.b.c.message.json"},
		{"a name without suffix keeps all", "/d/run", "", "b2b", "/d/run.b2b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Path(c.file, c.dir, c.ext); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestWriteMakesTheFolderAndReplaces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b", "f.b2b")
	for _, text := range []string{"first, longer", "second"} {
		if err := Write(filepath.Join(filepath.Dir(filepath.Dir(filepath.Dir(path))), "f.hdf"), path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != text {
			t.Fatalf("got %q, %v; want %q", got, err, text)
		}
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Fatalf("left behind: %v, %v", left, err)
	}
}

func TestWriteLeavesTheOldFileWhenItFails(t *testing.T) {
	dir := t.TempDir()
	blocked := filepath.Join(dir, "file")
	if err := Write(blocked, blocked, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := Write(blocked, filepath.Join(blocked, "below-a-file"), []byte("y")); err == nil {
		t.Fatal("no error for a folder that is a file")
	}
	if got, err := os.ReadFile(blocked); err != nil || string(got) != "x" {
		t.Fatalf("got %q, %v", got, err)
	}
}

func TestWriteMakesNoFolderOfAStorageThatIsAway(t *testing.T) {
	away := filepath.Join(t.TempDir(), "mount", "raw")
	path := filepath.Join(away, "..", "ingestor", "f.b2b")
	if err := Write(filepath.Join(away, "f.hdf"), path, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(filepath.Dir(away)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the mount point was made: %v", err)
	}
}

func TestWriteTakesEveryNameThatAFileCanHave(t *testing.T) {
	const longest = 255
	for _, c := range []struct {
		name   string
		length int
		want   error
	}{
		{"a name that just fits", longest, nil},
		{"one more than fits", longest + 1, syscall.ENAMETOOLONG},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, strings.Repeat("x", c.length))
			if err := Write(filepath.Join(dir, "f.hdf"), path, []byte("sum")); !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			left, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range left {
				if f.Name() != filepath.Base(path) {
					t.Errorf("left behind: %s", f.Name())
				}
			}
			if got, _ := os.ReadFile(path); c.want == nil && string(got) != "sum" {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestWriteKeepsThePermissionsOfTheFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f.b2b")
	for _, want := range []fs.FileMode{0o644, 0o600} {
		if err := Write(filepath.Join(dir, "f.hdf"), path, []byte("x")); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != want {
			t.Fatalf("got %v, %v; want %v", info, err, want)
		}
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
