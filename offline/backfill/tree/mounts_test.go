package tree

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ingestor/internal/ledger"
)

// bind mounts a folder once more.
func (b *bed) bind(from, to string) {
	b.t.Helper()
	b.must(os.MkdirAll(from, 0o755))
	b.must(os.MkdirAll(to, 0o755))
	if err := unix.Mount(from, to, "", unix.MS_BIND, ""); err != nil {
		b.t.Skip("needs the right to mount:", err)
	}
	b.t.Cleanup(func() { _ = unix.Unmount(to, unix.MNT_DETACH) })
}

// seeAll walks, and from then on nothing is new by its times.
func (b *bed) seeAll(names string) {
	b.t.Helper()
	b.opt.LowWater, b.opt.SeenCTime = time.Time{}, time.Time{}
	b.opt.Seen = b.wants(names).Roots
	b.opt.LowWater, b.opt.SeenCTime = b.opt.Now, b.opt.Now.Add(time.Hour)
}

// dealtWith is what a run does that has got through all files.
func (b *bed) dealtWith(s Stats) {
	for path, root := range s.Roots {
		root.Fresh = nil
		s.Roots[path] = root
	}
	b.opt.Seen = s.Roots
}

func wasMounted(at string) string {
	return "at the last run something was mounted on " + at + ", and is not now; " + whereMeant
}

// kinds are what can be mounted below a root: another file system, and another folder
// of the same.
func (b *bed) kinds() map[string]func(at string) {
	other := b.t.TempDir()
	return map[string]func(at string){"file system": b.mount, "folder": func(at string) { b.bind(other, at) }}
}

func TestWalk_AShareBelowTheRootThatIsNotMountedIsNotEmpty(t *testing.T) {
	for kind := range newBed(t).kinds() {
		t.Run(kind, func(t *testing.T) {
			b := newBed(t).write("dream/1.hdf")
			mount := b.kinds()[kind]
			odin := b.path("deep/odin")
			mount(odin)
			b.write("deep/odin/2.hdf")
			b.seeAll("dream/1.hdf deep/odin/2.hdf")
			if got := b.opt.Seen[b.dir].Mounts; !slices.Equal(got, []string{"deep/odin"}) {
				t.Fatalf("%q are remembered", got)
			}
			b.wants("")
			b.must(unix.Unmount(odin, 0))
			away := func(how string) {
				t.Helper()
				b.wantsGone(wasMounted(odin))
				if err := Check(t.Context(), b.opt.Seen, time.Minute); err == nil || !strings.HasSuffix(err.Error(), wasMounted(odin)) {
					t.Errorf("%s: a check finds %v", how, err)
				}
			}
			away("a bare mount point")
			b.write("deep/odin/stray.hdf")
			away("with files in it")
			b.must(os.RemoveAll(odin))
			away("no mount point")
			b.must(os.Symlink("../dream", odin))
			away("a link")
			b.must(os.Remove(odin))
			mount(odin)
			b.must(Check(t.Context(), b.opt.Seen, time.Minute))
			b.wants("")
			b.must(unix.Unmount(odin, 0))
			b.opt.Exclude = []string{"deep"}
			if s := b.wants(""); s.Roots[b.dir].Mounts != nil {
				t.Errorf("excluded, and remembered: %+v", s.Roots)
			}
		})
	}
}

func TestWalk_AShareBelowTheRootThatGoesAwayMeanwhileEndsIt(t *testing.T) {
	for name, bare := range map[string]bool{"onto a bare mount point": true, "onto a folder that looks the same": false} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			odin := b.path("odin")
			folders := []string{"odin/a", "odin/b", "odin/c"}
			for _, f := range folders {
				if !bare {
					b.write(f + "/1.hdf")
				}
			}
			b.mount(odin)
			for _, f := range folders {
				b.write(f + "/1.hdf")
			}
			var once sync.Once
			b.disk = &faulty{before: func(path string) error {
				if path == b.path("odin/b") {
					once.Do(func() { b.must(unix.Unmount(odin, unix.MNT_DETACH)) })
				}
				return nil
			}}
			b.wantsGone("what is mounted on " + odin + ": " + errReplaced.Error())
		})
	}
}

// What is mounted for the first time holds files that are older than the last look.
func TestWalk_AShareBelowTheRootThatIsNewIsAskedAbout(t *testing.T) {
	for kind := range newBed(t).kinds() {
		t.Run(kind, func(t *testing.T) {
			b := newBed(t).write("dream/1.hdf", "odin/stray.hdf")
			b.seeAll("dream/1.hdf odin/stray.hdf")
			b.wants("")
			b.kinds()[kind](b.path("odin"))
			b.write("odin/2.hdf", "odin/deep/3.hdf")
			s := b.wants("odin/2.hdf odin/deep/3.hdf")
			b.opt.Seen = s.Roots
			s = b.wants("odin/2.hdf odin/deep/3.hdf") // the run before was interrupted
			if r := s.Roots[b.dir]; !slices.Equal(r.Fresh, []string{"odin"}) || !slices.Equal(r.Mounts, r.Fresh) {
				t.Errorf("%+v", r)
			}
			b.dealtWith(s)
			if s := b.wants(""); s.Roots[b.dir].Fresh != nil || s.Old != 3 {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestWalk_ARootThatIsAnotherFolderIsAskedAbout(t *testing.T) {
	for name, change := range map[string]func(b *bed){
		"another is linked": func(b *bed) {
			b.must(os.Remove(b.path("root")))
			b.must(os.Symlink("two", b.path("root")))
		},
		"a folder in the place of the link": func(b *bed) {
			b.must(os.Remove(b.path("root")))
			b.must(os.Rename(b.path("two"), b.path("root")))
		},
		"another is moved there": func(b *bed) {
			b.must(os.Rename(b.path("one"), b.path("old")))
			b.must(os.Rename(b.path("two"), b.path("one")))
		},
		"a file system is mounted on it": func(b *bed) {
			b.mount(b.path("one"))
			b.write("one/2.hdf")
		},
		"another is mounted on it": func(b *bed) { b.bind(b.path("two"), b.path("one")) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t).write("one/1.hdf", "two/2.hdf")
			b.must(os.Symlink("one", b.path("root")))
			root := b.path("root")
			b.opt.Roots = []string{root}
			b.seeAll("root/1.hdf")
			b.wants("")
			old := b.opt.Seen[root]
			change(b)
			b.opt.Seen = b.wants("root/2.hdf").Roots
			s := b.wants("root/2.hdf")
			if r := s.Roots[root]; !slices.Equal(r.Fresh, []string{"."}) {
				t.Errorf("%+v", r)
			}
			b.dealtWith(s)
			b.wants("")
			now := b.opt.Seen[root]
			b.opt.Seen = map[string]ledger.RootSeen{root: {Device: old.Device, MountPoint: now.MountPoint, Files: 1}}
			b.wants("") // an older version did not note what it was
		})
	}
}

// A service manager mounts folders on themselves, to protect them.
func TestWalk_AFolderThatIsMountedOnItselfIsNoMountPoint(t *testing.T) {
	b := newBed(t).write("a/1.hdf", "a/b/2.hdf")
	b.bind(b.path("a"), b.path("a"))
	b.bind(b.path("a/b"), b.path("a/b"))
	b.seeAll("a/1.hdf a/b/2.hdf")
	if r := b.opt.Seen[b.dir]; r.Mounts != nil {
		t.Errorf("%+v", r)
	}
}

func TestWalk_APartIsLookedAtAsInTheWhole(t *testing.T) {
	b := newBed(t).write("odin/raw/1.hdf", "odin/raw/x/2.hdf", "odin/test/3.hdf", "dream/raw/4.hdf")
	whole := b.opt.Roots
	part := func(name string) {
		b.opt.Roots, b.opt.Base = []string{b.path(name)}, map[string]string{b.path(name): b.dir}
	}
	b.opt.Include, b.opt.Exclude = []string{"*/raw/*.hdf"}, []string{"odin/test"}
	b.wants("odin/raw/1.hdf dream/raw/4.hdf")
	part("odin")
	b.wants("odin/raw/1.hdf")
	part("odin/raw")
	b.wants("odin/raw/1.hdf")
	part("odin/raw/x")
	b.wants("")

	b.opt.Include, b.opt.Exclude, b.opt.Roots, b.opt.Base = []string{"*.hdf"}, nil, whole, nil
	odin, raw := b.path("odin"), b.path("odin/raw")
	b.mount(odin)
	b.mount(raw)
	b.write("odin/raw/y/5.hdf")
	b.opt.Seen = b.wants("odin/raw/y/5.hdf dream/raw/4.hdf").Roots
	for _, in := range []string{"odin", "odin/raw", "odin/raw/y"} {
		part(in)
		b.wants("odin/raw/y/5.hdf")
	}
	b.must(unix.Unmount(raw, 0))
	part("dream") // is none of its business
	b.wants("dream/raw/4.hdf")
	part("odin")
	b.wantsGone(wasMounted(raw))
	part("odin/raw")
	b.wantsGone(wasMounted(raw))
	b.must(os.MkdirAll(b.path("odin/raw/y"), 0o755))
	part("odin/raw/y")
	b.wantsGone(wasMounted(raw))
	b.opt.Base = map[string]string{b.path("odin/raw/y"): b.path("dream")}
	if _, err := b.walk(t.Context()); err == nil {
		t.Error("a part of something else is taken")
	}
}

func TestParseMounts(t *testing.T) {
	const table = `
22 27 0:21 / /proc rw - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 27 0:40 / /data rw - nfs4 filer:/data rw
31 30 0:41 / /data/odin rw - nfs4 filer:/odin rw
32 27 254:0 /store/a\040b /mnt/with\040space\134 rw - ext4 /dev/vda rw
33 27 254:0 /var/lib /var/lib rw - ext4 /dev/vda rw
34 33 254:0 /var/lib/x /var/lib/x rw - ext4 /dev/vda rw
35 34 254:0 /elsewhere /var/lib/x/y rw - ext4 /dev/vda rw
40 27 0:50 / /over rw - nfs4 filer:/over rw
41 40 0:51 / /over/hidden rw - nfs4 filer:/hidden rw
42 41 0:52 / /over/hidden/too rw - nfs4 filer:/too rw
43 40 0:53 / /over rw - nfs4 filer:/other rw
44 43 0:54 / /over/seen rw - nfs4 filer:/seen rw
50 27 0:60 / /twice rw - nfs4 filer:/twice rw
51 50 0:60 / /twice rw - nfs4 filer:/twice rw
nonsense
`
	want := []string{"/data", "/data/odin", "/mnt/with space\\", "/over", "/over/seen", "/proc", "/twice", "/var/lib/x/y"}
	got := slices.Sorted(maps.Keys(parseMounts(strings.NewReader(table))))
	if i := slices.Index(got, "/"); i >= 0 {
		got = slices.Delete(got, i, i+1) // a root can not lie above it
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if mountTable() == nil {
		t.Skip("no mountinfo here")
	}
	at := filepath.Join(t.TempDir(), "a b")
	newBed(t).mount(at)
	if !mountTable()[at] {
		t.Error("what is mounted is not in the table")
	}
}
