package directory

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ingestor/internal/fault"
	"ingestor/internal/intake"
	"ingestor/online"
)

var _ online.Source = (*Source)(nil)

func TestSource_AnnouncesAFileAsAFileWriterWould(t *testing.T) {
	b := newBed(t, nil).start().watching()
	path := b.write("raw/a.hdf", 0)
	b.wants("raw/a.hdf")
	info, err := os.Stat(path)
	b.must(err)
	m := b.messages()[0]
	want := intake.Message{Source: "files:" + b.dir, Topic: path, Offset: info.ModTime().UnixNano(), Time: info.ModTime()}
	if m.Source != want.Source || m.Topic != want.Topic || m.Offset != want.Offset || !m.Time.Equal(want.Time) || m.Partition != 0 {
		t.Errorf("got %+v, want %+v", m, want)
	}
	if b.source.Name() != m.Source {
		t.Errorf("name %s", b.source.Name())
	}
	b.quiet()
}

func TestSource_WaitsForAFileThatIsWrittenSlowly(t *testing.T) {
	b := newBed(t, nil).start().watching()
	f, err := os.Create(filepath.Join(b.dir, "slow.hdf"))
	b.must(err)
	for range 20 {
		_, err := f.WriteString("more")
		b.must(err)
		time.Sleep(settle / 3)
	}
	last := time.Now().Add(-settle / 3) // the last write was not earlier
	b.must(f.Close())
	b.wants("slow.hdf")
	info, err := os.Stat(f.Name())
	b.must(err)
	if m := b.messages()[0]; !m.Time.Equal(info.ModTime()) {
		t.Errorf("announced as of %s, last written %s", m.Time, info.ModTime())
	}
	if waited := time.Since(last); waited < settle {
		t.Errorf("announced %s after the last write", waited)
	}
	b.quiet()
}

func TestSource_FindsFilesHoweverTheyCome(t *testing.T) {
	outside := t.TempDir()
	for _, c := range []struct {
		name string
		come func(b *bed)
		want []string
	}{
		{"renamed into place", func(b *bed) {
			b.must(os.Rename(b.write(".a.tmp", 0), filepath.Join(b.dir, "a.hdf")))
		}, []string{"a.hdf"}},
		{"an old file moved in", func(b *bed) {
			path := filepath.Join(outside, "old")
			b.must(os.WriteFile(path, nil, 0o600))
			b.age(path, time.Hour)
			b.must(os.Rename(path, filepath.Join(b.dir, "old.hdf")))
		}, []string{"old.hdf"}},
		{"a folder moved in", func(b *bed) {
			tree := filepath.Join(outside, "tree")
			b.must(os.MkdirAll(filepath.Join(tree, "x", "y"), 0o755))
			b.must(os.WriteFile(filepath.Join(tree, "x", "y", "a.hdf"), nil, 0o600))
			b.must(os.WriteFile(filepath.Join(tree, "b.hdf"), nil, 0o600))
			b.must(os.Rename(tree, filepath.Join(b.dir, "tree")))
		}, []string{"tree/x/y/a.hdf", "tree/b.hdf"}},
		{"a new folder full of files at once", func(b *bed) {
			for _, name := range []string{"n/1.hdf", "n/2.hdf", "n/m/3.hdf", "n/m/o/4.hdf", "n/5.txt"} {
				b.write(name, 0)
			}
		}, []string{"n/1.hdf", "n/2.hdf", "n/m/3.hdf", "n/m/o/4.hdf"}},
		{"a folder within renamed, then written to", func(b *bed) {
			b.write("before/deep/1.hdf", time.Hour)
			b.wants("before/deep/1.hdf")
			b.must(os.Rename(filepath.Join(b.dir, "before"), filepath.Join(b.dir, "after")))
			b.eventually("the file by its new name", func() bool { return slices.Contains(b.names(), "after/deep/1.hdf") })
			b.write("after/deep/2.hdf", 0)
		}, []string{"before/deep/1.hdf", "after/deep/1.hdf", "after/deep/2.hdf"}},
		{"a folder removed and made again", func(b *bed) {
			b.write("f/1.hdf", time.Hour)
			b.wants("f/1.hdf")
			b.must(os.RemoveAll(filepath.Join(b.dir, "f")))
			b.write("f/2.hdf", 0)
		}, []string{"f/1.hdf", "f/2.hdf"}},
		{"hard links", func(b *bed) {
			b.must(os.Link(b.write("x.part", 0), filepath.Join(b.dir, "x.hdf")))
		}, []string{"x.hdf"}},
		{"odd names", func(b *bed) {
			for _, name := range []string{"a b.hdf", "-c.hdf", "ä.hdf", "x\n.hdf"} {
				b.write(name, 0)
			}
		}, []string{"a b.hdf", "-c.hdf", "ä.hdf", "x\n.hdf"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBed(t, nil).start().watching()
			c.come(b)
			b.wants(c.want...)
			b.quiet()
		})
	}
}

func TestSource_FindsWhatWasThereBeforeOldestFirst(t *testing.T) {
	b := newBed(t, nil)
	b.write("c.hdf", 3*time.Hour)
	b.write("z/a.hdf", 4*time.Hour)
	b.write("b.hdf", 2*time.Hour)
	b.write("a/young1.hdf", 9*time.Second)
	b.write("young2.hdf", 10*time.Second)
	b.start()
	b.wants("c.hdf", "z/a.hdf", "b.hdf", "a/young1.hdf", "young2.hdf")
	if got, want := b.names(), []string{"z/a.hdf", "c.hdf", "b.hdf", "young2.hdf", "a/young1.hdf"}; !slices.Equal(got, want) {
		t.Errorf("order %v, want %v", got, want)
	}
}

func TestSource_AChangedFileIsANewMessage(t *testing.T) {
	b := newBed(t, func(o *Options) { o.Done = newBook().done }).start().watching()
	path := b.write("a.hdf", time.Hour)
	b.wants("a.hdf")
	b.must(os.WriteFile(path, []byte("changed"), 0o644))
	b.wants("a.hdf", "a.hdf")
	if m := b.messages(); m[0].Position() == m[1].Position() {
		t.Errorf("both are %s", m[0].Position())
	}
	b.must(os.Chmod(path, 0o600)) // no change of the file
	b.quiet()
}

func TestSource_AFileChangedWhileItIsWorkedOnComesAgain(t *testing.T) {
	b := newBed(t, nil)
	b.answer = nil
	b.start().watching()
	path := b.write("a.hdf", time.Hour)
	b.wants("a.hdf")
	b.must(os.WriteFile(path, []byte("changed"), 0o644))
	b.wants("a.hdf", "a.hdf")
	for _, ack := range b.acks {
		ack(nil)
		ack(nil) // once too often
	}
	b.quiet()
}

func TestSource_LeavesWhatIsNotWanted(t *testing.T) {
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "x.hdf"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	b := newBed(t, func(o *Options) {
		o.Include = []string{"*.hdf", ".take.h5", "raw/*.nxs"}
		o.Exclude = []string{"tmp*", "raw/not.hdf", "a/b"}
	})
	make := func() {
		for _, name := range []string{
			"1.hdf", ".take.h5", "raw/2.nxs", "a/c/3.hdf",
			"1.txt", ".hidden.hdf", "2.nxs", "tmp1.hdf", "tmpfolder/1.hdf", "raw/not.hdf", "a/b/1.hdf", ".snapshot/1.hdf", "x.h5",
		} {
			b.write(name, time.Hour)
		}
		b.must(os.Symlink(filepath.Join(outside, "x.hdf"), filepath.Join(b.dir, "link.hdf")))
		b.must(os.Symlink(outside, filepath.Join(b.dir, "out")))
		b.must(os.Symlink(b.dir, filepath.Join(b.dir, "a", "loop")))
		b.must(os.Symlink("self", filepath.Join(b.dir, "self")))
		b.must(os.Mkdir(filepath.Join(b.dir, "folder.hdf"), 0o755))
	}
	want := []string{"1.hdf", ".take.h5", "raw/2.nxs", "a/c/3.hdf"}
	t.Run("found by events", func(t *testing.T) {
		b.start().watching()
		make()
		b.wants(want...)
		b.quiet()
	})
	t.Run("found by a scan", func(t *testing.T) {
		b.end()
		b.got = nil
		b.start()
		b.wants(want...)
		b.quiet()
	})
}

func TestSource_LeavesFoldersBelowIfNotRecursive(t *testing.T) {
	b := newBed(t, func(o *Options) { o.Recursive = false; o.ScanEvery = settle })
	b.write("a/1.hdf", time.Hour)
	b.start().watching()
	b.write("a/2.hdf", 0)
	b.write("b/3.hdf", 0)
	b.write("4.hdf", 0)
	b.wants("4.hdf")
	b.quiet()
}

func TestSource_TheFolderItselfMayBeALink(t *testing.T) {
	b := newBed(t, nil)
	link := filepath.Join(t.TempDir(), "link")
	b.must(os.Symlink(b.dir, link))
	b.opt.Path = link
	b.write("x/1.hdf", time.Hour)
	b.start().watching()
	b.write("x/2.hdf", 0)
	b.wants("x/1.hdf", "x/2.hdf")
	b.quiet()
}

func TestNew_ListsAllFaults(t *testing.T) {
	_, err := New(Options{Path: "data", Include: []string{"[a"}, Exclude: []string{""}, Settle: -1})
	if fault.KindOf(err) != fault.BadConfiguration {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{`"data"`, "negative", `"[a"`, `""`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %s in %v", want, err)
		}
	}
}
