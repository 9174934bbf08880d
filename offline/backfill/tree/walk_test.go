package tree

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ingestor/internal/fault"
	"ingestor/internal/fixture"
	"ingestor/internal/ledger"
)

func TestWalk_DescribesFilesAsTheLedgerDoes(t *testing.T) {
	b := newBed(t).write("a/1.hdf")
	b.wants("a/1.hdf")
	want, err := ledger.Look(b.path("a/1.hdf"))
	b.must(err)
	if b.got[0] != want {
		t.Errorf("got %+v, want %+v", b.got[0], want)
	}
}

func TestWalk_TakesFilesByNameInAllFolders(t *testing.T) {
	b := newBed(t).write("1.hdf", "a/2.hdf", "a/b/c/d/e/3.hdf", "a/4.nxs", "a/.5.hdf", ".hidden/6.hdf", "tmp/7.hdf", "a/tmp/8.hdf", "raw/9.hdf", "skip.hdf", "f.hdf/10.hdf")
	b.opt.Exclude = []string{"tmp", "skip*", "raw/9*"}
	s := b.wants("1.hdf a/2.hdf a/b/c/d/e/3.hdf f.hdf/10.hdf")
	if s.Incomplete() || s.Folders != 8 || s.Roots[b.dir].Files != 4 {
		t.Errorf("%+v", s)
	}
	b.opt.Include = nil
	b.wants("1.hdf a/2.hdf a/4.nxs a/b/c/d/e/3.hdf f.hdf/10.hdf")
	b.opt.Include = []string{".*.hdf", "a/*.nxs"}
	b.wants("a/.5.hdf a/4.nxs")
}

func TestWalk_FollowsNoLinksButTheRoot(t *testing.T) {
	b := newBed(t).write("in/1.hdf")
	outside := t.TempDir()
	b.must(os.WriteFile(filepath.Join(outside, "out.hdf"), nil, 0o600))
	for name, to := range map[string]string{
		"in/loop": "..", "in/self": "self", "out": outside, "in/dangling.hdf": "nothing", "in/2.hdf": "1.hdf", "in/out.hdf": outside + "/out.hdf",
	} {
		b.must(os.Symlink(to, b.path(name)))
	}
	b.must(unix.Mkfifo(b.path("in/pipe.hdf"), 0o600)) // opening it would wait for ever
	if s := b.wants("in/1.hdf"); s.Links != 6 || s.Special != 1 || s.Incomplete() {
		t.Errorf("%+v", s)
	}
	link := filepath.Join(t.TempDir(), "link")
	b.must(os.Symlink(b.dir, link))
	b.dir, b.opt.Roots = link, []string{link}
	b.wants("in/1.hdf")
}

func TestWalk_AFolderThatBecomesALinkIsNotFollowed(t *testing.T) {
	b := newBed(t).write("a/1.hdf", "z/2.hdf")
	outside := t.TempDir()
	b.must(os.WriteFile(filepath.Join(outside, "out.hdf"), nil, 0o600))
	b.disk = &faulty{before: func(path string) error {
		if path == b.path("a") {
			b.must(os.RemoveAll(path))
			b.must(os.Symlink(outside, path))
		}
		return nil
	}}
	if s := b.wants("z/2.hdf"); s.Vanished != 1 || s.Incomplete() {
		t.Errorf("%+v", s)
	}
}

func TestWalk_TakesEachFolderOnce(t *testing.T) {
	b := newBed(t).write("1.hdf", "in/2.hdf", "in/deep/3.hdf")
	for name, roots := range map[string][]string{
		"outer first": {b.dir, b.path("in")}, "inner first": {b.path("in"), b.dir}, "twice": {b.dir, b.dir + "/"}, "three": {b.path("in/deep"), b.dir, b.path("in")},
	} {
		t.Run(name, func(t *testing.T) {
			b.opt.Roots = roots
			if s := b.wants("1.hdf in/2.hdf in/deep/3.hdf"); s.Folders != 3 {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestWalk_TiesAndTimes(t *testing.T) {
	b := newBed(t)
	now := b.opt.Now
	day := func(n int) time.Time { return now.AddDate(0, 0, n) }
	for _, name := range []string{"tie1.hdf", "tie2.hdf"} {
		b.at(name, day(-10))
	}
	b.at("before.hdf", day(-10).Add(-1))
	b.at("after.hdf", day(-9))
	b.at("young.hdf", now.Add(-59*time.Second))
	b.at("ripe.hdf", now.Add(-60*time.Second))
	b.at("ancient.hdf", time.Unix(0, 0))
	b.at("future.hdf", day(1))
	for name, c := range map[string]struct {
		change         func(*Options)
		want           string
		young, outside int64
	}{
		"a time in the future is no time: the file was just made": {func(*Options) {}, "after.hdf ancient.hdf before.hdf ripe.hdf tie1.hdf tie2.hdf", 2, 0},
		"and some time later it is taken":                         {func(o *Options) { o.Now = now.Add(time.Hour) }, "after.hdf ancient.hdf before.hdf future.hdf ripe.hdf tie1.hdf tie2.hdf young.hdf", 0, 0},
		"without least age":                                       {func(o *Options) { o.MinAge = 0 }, "after.hdf ancient.hdf before.hdf future.hdf ripe.hdf tie1.hdf tie2.hdf young.hdf", 0, 0},
		"since takes all that tie":                                {func(o *Options) { o.Since = day(-10) }, "after.hdf ripe.hdf tie1.hdf tie2.hdf", 2, 2},
		"until excludes all that tie":                             {func(o *Options) { o.Until = day(-10) }, "ancient.hdf before.hdf", 0, 6},
		"both":                                                    {func(o *Options) { o.Since, o.Until = day(-10), day(-9) }, "tie1.hdf tie2.hdf", 0, 6},
	} {
		t.Run(name, func(t *testing.T) {
			b := &bed{t: t, dir: b.dir, disk: b.disk, opt: b.opt}
			c.change(&b.opt)
			if s := b.wants(c.want); s.TooYoung != c.young || s.Outside != c.outside || s.Roots[b.dir].Files != 8 {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestWalk_LeavesOutWhatAnEarlierWalkHasSeen(t *testing.T) {
	b := newBed(t).write("old/1.hdf", "old/deep/2.hdf", "3.hdf")
	outside := t.TempDir()
	b.must(os.MkdirAll(filepath.Join(outside, "moved/deep"), 0o755))
	for _, name := range []string{"moved/m1.hdf", "moved/deep/m2.hdf"} {
		path := filepath.Join(outside, name)
		b.must(os.WriteFile(path, nil, 0o600))
		b.must(os.Chtimes(path, time.Unix(1, 0), time.Unix(1, 0)))
	}
	pause()
	b.opt.LowWater, b.opt.SeenCTime = b.opt.Now, now(t)
	if s := b.wants(""); s.Old != 3 || s.Roots[b.dir].Files != 3 {
		t.Errorf("%+v", s)
	}
	b.opt.LowWater = b.opt.Now.Add(-2 * time.Hour) // within the lookback
	b.wants("old/1.hdf old/deep/2.hdf 3.hdf")
	b.opt.LowWater = b.opt.Now

	pause()
	b.at("late.hdf", time.Unix(1, 0)) // copied here with its old time
	b.wants("late.hdf")
	b.must(os.Rename(filepath.Join(outside, "moved"), b.path("old/deep/moved"))) // neither time of the files changes
	b.wants("late.hdf old/deep/2.hdf old/deep/moved/m1.hdf old/deep/moved/deep/m2.hdf")
}

// pause lets the clock of the file system, which is a coarse one, go on.
func pause() { time.Sleep(30 * time.Millisecond) }

// now is the time by the clock of the file system.
func now(t *testing.T) time.Time {
	path := filepath.Join(t.TempDir(), "now")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.ModTime()
}

func TestWalk_NamesThatAreNoTextAreTold(t *testing.T) {
	b := newBed(t).write("1.hdf", "line\nend.hdf", "b\xffd/2.hdf", "\xfe.hdf")
	if s, err := b.walk(t.Context()); err != nil || s.Files != 2 || s.BadNames != 2 || len(s.Unnamed) != 2 {
		t.Errorf("%v, %+v", err, s)
	}
}

// asOther names the folder for the test below, where it runs as another user.
const asOther = "TREE_TEST_AS_OTHER"

func TestWalk_CountsFoldersItMayNotRead(t *testing.T) {
	if dir := os.Getenv(asOther); dir != "" {
		b := newBed(t)
		b.dir, b.opt.Roots = dir, []string{dir}
		s := b.wants("1.hdf closed.hdf open/2.hdf") // the second may be open to a worker
		if !s.Incomplete() || s.Closed != 14 || len(s.Unreadable) != mostNamed || s.Unreadable[0].Reason != "permission denied" || !strings.HasPrefix(s.Unreadable[0].Path, dir+"/") {
			t.Errorf("%+v", s)
		}
		b.opt.Roots = []string{b.path("none")}
		_, err := b.walk(t.Context())
		var gone *RootGone
		if !errors.As(err, &gone) || fault.KindOf(err) != fault.NotPermitted {
			t.Errorf("a closed root: %v", err)
		}
		return
	}
	b := newBed(t).write("1.hdf", "closed.hdf", "open/2.hdf")
	b.must(os.Chmod(b.path("closed.hdf"), 0o200))
	modes := map[string]os.FileMode{"none": 0o000, "list": 0o444}
	for i := range 12 {
		modes["more"+string(rune('a'+i))] = 0
	}
	for name, mode := range modes {
		b.write(name + "/3.hdf")
		b.must(os.Chmod(b.path(name), mode))
		t.Cleanup(func() { _ = os.Chmod(b.path(name), 0o755) })
	}
	fixture.AsAnother(t, asOther, b.dir)
}

func TestWalk_EndsWithItsContext(t *testing.T) {
	b := newBed(t).write("a/1.hdf", "b/2.hdf", "c/3.hdf")
	ctx, stop := context.WithCancel(t.Context())
	b.disk = &faulty{before: func(path string) error {
		if path == b.path("b") {
			stop()
		}
		return nil
	}}
	if _, err := b.walk(ctx); !errors.Is(err, context.Canceled) || len(b.got) > 0 {
		t.Errorf("got %v", err)
	}
}

func TestWalk_EndsWithTheErrorOfItsCaller(t *testing.T) {
	b := newBed(t).write("1.hdf", "a/2.hdf")
	full := errors.New("disk full")
	if _, err := Walk(t.Context(), b.opt, func([]ledger.File) error { return full }); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
}

func TestWalk_ListsAllFaultsOfItsOptions(t *testing.T) {
	_, err := Walk(t.Context(), Options{Roots: []string{"data"}, Include: []string{"[a"}, Exclude: []string{""}, MinAge: -1}, nil)
	if fault.KindOf(err) != fault.BadConfiguration {
		t.Fatal(err)
	}
	for _, want := range []string{`"data": must begin with /`, "the time is missing", "negative", `"[a" is not a pattern`, `"" is not a pattern`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
	if _, err := Walk(t.Context(), Options{Now: time.Now()}, nil); err == nil || !strings.Contains(err.Error(), "no folder is given") {
		t.Errorf("got %v", err)
	}
}
