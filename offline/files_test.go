package offline

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"ingestor/internal/fault"
	"ingestor/scicat"
)

// listed ingests the bed's file in a dry run or for real, and gives its list.
func (b *bed) listed(message string, change func(*Options)) []scicat.DataFile {
	b.t.Helper()
	rep, err := b.ingestor(change).Ingest(b.context(), b.file, message)
	if err != nil {
		b.t.Fatal(err)
	}
	return rep.DatablockBody.DataFileList
}

func value[T any](p *T) any {
	if p == nil {
		return nil
	}
	return *p
}

func TestFiles_StatsAreThoseOfThePeer(t *testing.T) {
	b := newBed(t)
	if err := os.Chmod(b.file, 0o640); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(b.file)
	if err != nil {
		t.Fatal(err)
	}
	st := info.Sys().(*syscall.Stat_t)
	list := b.listed("", nil)
	if len(list) != 1 {
		t.Fatalf("%d files", len(list))
	}
	f := list[0]
	for _, c := range []struct {
		rule      string
		got, want any
	}{
		{"the path is absolute", f.Path, b.file},
		{"the size is that of the file", value(f.Size), info.Size()},
		{"the time is that of change of the inode, whole seconds, UTC", f.Time, time.Unix(st.Ctim.Sec, 0).UTC().Format("2006-01-02T15:04:05") + ".000Z"},
		{"the mode is written as Python's oct of st_mode", value(f.Perm), "0o100640"},
		{"the owner is a text", value(f.UID), strconv.Itoa(int(st.Uid))},
		{"the group is a text", value(f.GID), strconv.Itoa(int(st.Gid))},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %v, want %v", c.rule, c.got, c.want)
		}
	}
}

func TestFiles_ARelativeArgumentIsListedAsAbsolute(t *testing.T) {
	b := newBed(t)
	g := b.ingestor(func(o *Options) { o.DryRun = true }) // before the change of folder: it reads testdata
	t.Chdir(filepath.Dir(b.file))
	rep, err := g.Ingest(t.Context(), "run.hdf", "")
	if err != nil {
		t.Fatal(err)
	}
	if got := rep.DatablockBody.DataFileList[0].Path; got != b.file {
		t.Errorf("got %s, want %s", got, b.file)
	}
}

func TestFiles_WithoutStatsAllIsNullAndTheTimeIsNow(t *testing.T) {
	b := newBed(t)
	// Dry: backend 4.5.0 refuses a file without a size.
	rep := b.ingest(func(o *Options) { o.Files.Stats, o.Files.Hash, o.DryRun = false, false, true })
	f := rep.DatablockBody.DataFileList[0]
	if f.Size != nil || f.UID != nil || f.GID != nil || f.Perm != nil || f.Chk != nil {
		t.Errorf("not null: %+v", f)
	}
	if f.Time != "2026-03-14T10:00:00.000Z" {
		t.Errorf("time %s", f.Time)
	}
	if rep.DatasetBody.Size != 0 || rep.DatablockBody.Size != 0 || rep.DatasetBody.NumberOfFiles != 1 {
		t.Errorf("sizes %d and %d of %d files", rep.DatasetBody.Size, rep.DatablockBody.Size, rep.DatasetBody.NumberOfFiles)
	}
	if rep.DatablockBody.ChkAlg != "blake2b" {
		t.Errorf("the algorithm is named %q also where nothing is computed", rep.DatablockBody.ChkAlg)
	}
}

func TestFiles_TheSavedChecksum(t *testing.T) {
	for _, c := range []struct{ name, dir, want string }{
		{"a relative folder is beside the data and made when missing (D6)", "../ingestor", "ingestor/run.sum"},
		{"so is a deeper one", "../x/y", "x/y/run.sum"},
		{"an absolute folder is used as it is", "@DIR@/abs", "abs/run.sum"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBed(t)
			rep := b.ingest(func(o *Options) {
				o.Files.SaveHash, o.Files.HashExtension = true, "sum"
				o.Files.IngestorDirectory = strings.ReplaceAll(c.dir, "@DIR@", b.dir)
			})
			list := rep.DatablockBody.DataFileList
			if len(list) != 2 {
				t.Fatalf("%d files are listed", len(list))
			}
			path := filepath.Join(b.dir, c.want)
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if value(list[0].Chk) != string(text) || len(text) != 128 {
				t.Errorf("the file says %q, the list %v", text, value(list[0].Chk))
			}
			if list[1].Path != path || list[1].Chk != nil || value(list[1].Size) != int64(128) {
				t.Errorf("its entry is %+v", list[1])
			}
			if want := *list[0].Size + 128; rep.DatasetBody.Size != want || rep.DatasetBody.NumberOfFiles != 2 || rep.Bytes != want {
				t.Errorf("%d bytes in %d files, want %d in 2", rep.DatasetBody.Size, rep.DatasetBody.NumberOfFiles, want)
			}
		})
	}
}

func TestFiles_AChecksumThatCanNotBeSavedEndsTheFileBeforeAnythingIsPosted(t *testing.T) {
	b := newBed(t)
	blocked := b.write("blocked", "a file where the folder should be")
	_, err := b.ingestor(func(o *Options) {
		o.Files.SaveHash, o.Files.IngestorDirectory = true, filepath.Join(blocked, "below")
	}).Ingest(t.Context(), b.file, "")
	if err == nil || fault.KindOf(err) == fault.Bug || !strings.Contains(err.Error(), blocked) {
		t.Errorf("kind %v: %v", fault.KindOf(err), err)
	}
	b.wantStored(0, 0)
}

func TestFiles_ALongNameKeepsNoFileOutOfTheCatalogue(t *testing.T) {
	const longest = 255
	for _, c := range []struct {
		name, suffix string
		listed       int
	}{
		{"the name of the checksum's file just fits", ".hdf", 2},
		{"it does not fit: no such file, and a warning", ".h5", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBed(t)
			long := filepath.Join(filepath.Dir(b.file), "run"+strings.Repeat("x", longest-len("run"+c.suffix))+c.suffix)
			if err := os.Rename(b.file, long); err != nil {
				t.Fatal(err)
			}
			b.file = long
			rep := b.ingest(func(o *Options) { o.Files.SaveHash, o.Files.HashExtension = true, "b2b" })
			if n := len(rep.DatablockBody.DataFileList); n != c.listed || rep.DatasetBody.NumberOfFiles != n {
				t.Errorf("%d files are listed, want %d", n, c.listed)
			}
			b.wantStored(1, 1)
			if warned := strings.Contains(b.logged(logrus.WarnLevel), "name too long"); warned != (c.listed == 1) {
				t.Errorf("log: %s", b.logged(logrus.WarnLevel))
			}
		})
	}
}

func TestFiles_TheMessageFileIsOneMoreEntry(t *testing.T) {
	b := newBed(t)
	message := b.write("ingestor/run.message.json", "abc")
	list := b.listed(message, func(o *Options) { o.Files.SaveHash = true })
	if len(list) != 3 {
		t.Fatalf("%d files are listed", len(list))
	}
	if f := list[2]; f.Path != message || value(f.Size) != int64(3) || value(f.Chk) != vectors["blake2b"].abc {
		t.Errorf("its entry is %+v with checksum %v", f, value(f.Chk))
	}
}

func TestFiles_AMessageFileThatIsNoFileIsLeftOutWithAWarning(t *testing.T) {
	b := newBed(t)
	for name, path := range map[string]string{
		"there is no such file": filepath.Join(b.dir, "none.json"),
		"it is not a file":      b.dir,
	} {
		list := b.listed(path, func(o *Options) { o.DryRun = true })
		if len(list) != 1 {
			t.Errorf("%s: %d files are listed", name, len(list))
		}
		if log := b.logged(logrus.WarnLevel); !strings.Contains(log, "left out") || !strings.Contains(log, name) || !strings.Contains(log, path) {
			t.Errorf("log: %s", log)
		}
		b.log.Reset()
	}
}

func TestFiles_RelativePathsStartAtTheSourceFolder(t *testing.T) {
	b := newBed(t) // sourceFolder is the folder above raw
	outside := filepath.Join(t.TempDir(), "m.json")
	if err := os.WriteFile(outside, []byte("abc"), 0o644); err != nil {
		t.Fatal(err)
	}
	list := b.listed(outside, func(o *Options) { o.Files.Relative, o.Files.SaveHash = true, true })
	var paths []string
	for _, f := range list {
		paths = append(paths, f.Path)
	}
	want := fmt.Sprint([]string{"raw/run.hdf", "ingestor/run.b2b", outside})
	if got := fmt.Sprint(paths); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if log := b.logged(logrus.WarnLevel); strings.Count(log, "outside the dataset's source folder") != 1 {
		t.Errorf("the one outside is not warned about: %s", log)
	}
}

func TestListedPath(t *testing.T) {
	for _, c := range []struct {
		name, path, folder, want string
		inside                   bool
	}{
		{"below the folder", "/d/raw/run.hdf", "/d", "raw/run.hdf", true},
		{"a slash at its end changes nothing", "/d/raw/run.hdf", "/d/", "raw/run.hdf", true},
		{"in the folder itself", "/d/run.hdf", "/d", "run.hdf", true},
		{"dots are resolved", "/d/raw/run.hdf", "/d/x/..", "raw/run.hdf", true},
		{"beside it", "/d/run.hdf", "/d/raw", "/d/run.hdf", false},
		{"a longer name is no subfolder", "/data2/run.hdf", "/data", "/data2/run.hdf", false},
		{"a name beginning with dots is inside", "/d/..run.hdf", "/d", "..run.hdf", true},
		{"a relative folder can not be compared", "/d/run.hdf", "d", "/d/run.hdf", false},
		{"no folder", "/d/run.hdf", "", "/d/run.hdf", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, inside := listedPath(c.path, c.folder); got != c.want || inside != c.inside {
				t.Errorf("got %s, %v; want %s, %v", got, inside, c.want, c.inside)
			}
		})
	}
}

func TestStorageKind_AFullDiskPassesAFolderThatRefusesUsDoesNot(t *testing.T) {
	for err, want := range map[error]fault.Kind{
		syscall.ENOSPC: fault.Unavailable, syscall.EDQUOT: fault.Unavailable, syscall.EIO: fault.Unavailable, syscall.ESTALE: fault.Unavailable,
		fs.ErrNotExist:   fault.Busy, // the share went away
		fs.ErrPermission: fault.NotPermitted, syscall.EROFS: fault.NotPermitted,
		errors.New("x"): fault.BadInput, syscall.ENOTDIR: fault.BadInput,
	} {
		if got := storageKind(&fs.PathError{Op: "write", Path: "p", Err: err}); got != want {
			t.Errorf("%v: got %v, want %v", err, got, want)
		}
	}
}
