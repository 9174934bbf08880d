package directory

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"ingestor/internal/fixture"
	"ingestor/internal/intake"
)

func TestSource_DeliversNothingWhileHeldAndLosesNothing(t *testing.T) {
	b := newBed(t, nil)
	b.write("1.hdf", time.Hour)
	var err error
	b.source, err = New(b.opt)
	b.must(err)
	b.source.Hold(true)
	b.again().watching()
	b.write("2.hdf", 0)
	gone := b.write("gone.hdf", 2*time.Hour)
	changed := b.write("changed.hdf", 3*time.Hour)
	b.quiet()
	b.must(os.Remove(gone))
	b.must(os.WriteFile(changed, []byte("more"), 0o644))
	b.source.Hold(false)
	b.wants("1.hdf", "2.hdf", "changed.hdf")
	b.source.Hold(true)
	b.write("3.hdf", 0)
	b.quiet()
	b.source.Hold(false)
	b.wants("1.hdf", "2.hdf", "changed.hdf", "3.hdf")
	b.quiet()
}

func TestSource_DeliversAgainWhatIsGivenBack(t *testing.T) {
	b := newBed(t, func(o *Options) { o.ScanEvery = settle })
	tries := 0
	b.answer = func(m intake.Message, ack intake.Ack) {
		if tries++; tries < 4 {
			ack(errors.New("not begun"))
			return
		}
		ack(nil)
	}
	b.start()
	b.write("1.hdf", time.Hour)
	b.wants("1.hdf", "1.hdf", "1.hdf", "1.hdf")
	b.quiet()
	for _, m := range b.messages()[1:] {
		if m.Position() != b.messages()[0].Position() {
			t.Errorf("another message: %s", m.Position())
		}
	}
}

func TestSource_AfterARestartDoneSaysWhatEnded(t *testing.T) {
	k := newBook()
	b := newBed(t, func(o *Options) { o.Done = k.done })
	b.answer = func(m intake.Message, ack intake.Ack) {
		if !strings.HasSuffix(m.Topic, "lost.hdf") { // the daemon is killed before that ends
			k.end(m, ack)
		}
	}
	b.start()
	b.write("old.hdf", time.Hour)
	b.write("young.hdf", 0)
	b.write("lost.hdf", time.Hour)
	b.wants("old.hdf", "young.hdf", "lost.hdf")
	b.end()
	b.write("meanwhile.hdf", time.Hour)
	b.got, b.answer = nil, k.end
	b.start()
	b.wants("lost.hdf", "meanwhile.hdf")
	b.quiet()
}

func TestSource_WithoutDoneEachRunDeliversOnce(t *testing.T) {
	b := newBed(t, func(o *Options) { o.ScanEvery = settle })
	b.write("1.hdf", time.Hour)
	b.start()
	b.wants("1.hdf")
	b.quiet()
	b.end()
	b.again() // the same source may run again
	b.wants("1.hdf", "1.hdf")
	b.quiet()
}

func TestSource_WaitsWhileDoneFails(t *testing.T) {
	k := newBook()
	k.fails = true
	b := newBed(t, func(o *Options) { o.Done = k.done }).start().watching()
	b.write("1.hdf", time.Hour)
	b.write("2.hdf", 0)
	b.eventually("not ready", func() bool {
		err := b.source.Ready()
		return err != nil && strings.Contains(err.Error(), "the ledger can not be asked: disk I/O error")
	})
	b.quiet()
	k.mu.Lock()
	k.fails = false
	k.mu.Unlock()
	b.wants("1.hdf", "2.hdf")
	b.quiet()
	b.eventually("ready", func() bool { return b.source.Ready() == nil })
}

func TestSource_FindsByScanWhatNobodyTold(t *testing.T) {
	k := newBook()
	b := newBed(t, func(o *Options) { o.ScanEvery, o.Done = settle, k.done })
	var err error
	b.source, err = New(b.opt)
	b.must(err)
	b.source.notify = func(log logrus.FieldLogger) *watches { return &watches{log: log} } // as on NFS
	b.again().watching()
	path := b.write("a/1.hdf", 0)
	b.write("a/2.hdf", time.Hour)
	b.wants("a/1.hdf", "a/2.hdf")
	b.must(os.WriteFile(path, []byte("changed"), 0o644))
	b.wants("a/1.hdf", "a/2.hdf", "a/1.hdf")
	asked := k.questions()
	b.quiet() // several scans
	if more := k.questions() - asked; more > 0 || asked > 3 {
		t.Errorf("%d questions, then %d more when nothing was new", asked, more)
	}
}

func TestSource_LivesThroughItsFolderVanishing(t *testing.T) {
	for name, c := range map[string]struct{ take, back func(b *bed, aside string) }{
		"moved away and back": {
			func(b *bed, aside string) { b.must(os.Rename(b.opt.Path, aside)) },
			func(b *bed, aside string) { b.must(os.Rename(aside, b.opt.Path)) },
		},
		"removed and made again": {
			func(b *bed, aside string) {
				b.must(os.Rename(b.opt.Path, aside))
				b.must(os.RemoveAll(aside))
			},
			func(b *bed, aside string) {
				b.must(os.Mkdir(b.opt.Path, 0o755))
				b.write("x/3.hdf", time.Hour)
			},
		},
		"replaced by a file for a while": {
			func(b *bed, aside string) {
				b.must(os.Rename(b.opt.Path, aside))
				b.must(os.WriteFile(b.opt.Path, nil, 0o600))
			},
			func(b *bed, aside string) {
				b.must(os.Remove(b.opt.Path))
				b.must(os.Rename(aside, b.opt.Path))
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, func(o *Options) { o.Path = filepath.Join(o.Path, "root"); o.ScanEvery = settle })
			aside := filepath.Join(b.dir, "aside")
			b.must(os.Mkdir(b.opt.Path, 0o755))
			b.start().watching()
			b.write("x/1.hdf", time.Hour)
			b.wants("x/1.hdf")
			c.take(b, aside)
			b.eventually("not ready", func() bool {
				err := b.source.Ready()
				return err != nil && strings.HasPrefix(err.Error(), "the folder "+b.opt.Path+" can not be read: ")
			})
			if err := b.source.Probe(t.Context()); err == nil {
				t.Error("a probe finds nothing wrong")
			}
			time.Sleep(3 * settle) // some scans
			c.back(b, aside)
			b.eventually("ready", func() bool { return b.source.Ready() == nil })
			b.must(b.source.Probe(t.Context()))
			b.write("x/2.hdf", 0)
			want := []string{"x/1.hdf", "x/2.hdf"}
			if strings.HasPrefix(name, "removed") {
				want = append(want, "x/3.hdf")
			}
			b.wants(want...)
			b.quiet()
		})
	}
}

func TestSource_WaitsForAFolderThatIsNotThereYet(t *testing.T) {
	b := newBed(t, func(o *Options) { o.Path = filepath.Join(o.Path, "later"); o.ScanEvery = settle })
	b.start()
	b.eventually("not ready", func() bool {
		err := b.source.Ready()
		return err != nil && strings.HasSuffix(err.Error(), "later can not be read: no such file or directory")
	})
	b.write("1.hdf", time.Hour)
	b.wants("1.hdf")
	b.quiet()
	b.end()
	if err := b.source.Ready(); err == nil || err.Error() != "does not run" {
		t.Errorf("after the end: %v", err)
	}
}

func TestSource_AFolderThatIsNotMountedForAWhileIsNotEmpty(t *testing.T) {
	b := newBed(t, func(o *Options) { o.Path = filepath.Join(o.Path, "mount"); o.ScanEvery = settle })
	b.write("1.hdf", time.Hour)
	b.start()
	b.wants("1.hdf")
	aside := filepath.Join(b.dir, "aside")
	b.must(os.Rename(b.opt.Path, aside))
	b.must(os.Mkdir(b.opt.Path, 0o755)) // what is seen without the mount
	time.Sleep(5 * settle)
	b.must(os.Remove(b.opt.Path))
	b.must(os.Rename(aside, b.opt.Path))
	b.eventually("that it is back", func() bool { return strings.Contains(b.logged.String(), "Folder is back") })
	b.quiet()
}

// asOther names the folder for the test below, where it runs as another user.
const asOther = "DIRECTORY_TEST_AS_OTHER"

func TestSource_SkipsFoldersItMayNotRead(t *testing.T) {
	if dir := os.Getenv(asOther); dir != "" {
		b := newBed(t, func(o *Options) { o.Path, o.ScanEvery = dir, settle })
		b.start()
		b.wants("1.hdf", "closed.hdf") // the second may be open to a child
		b.quiet()
		if got := strings.Count(b.logged.String(), "Folder can not be read; files in it are not seen"); got != 2 {
			t.Errorf("said %d times", got)
		}
		if err := b.source.Ready(); err != nil {
			t.Error(err)
		}
		return
	}
	b := newBed(t, nil)
	b.write("1.hdf", time.Hour)
	b.must(os.Chmod(b.write("closed.hdf", time.Hour), 0o200))
	for name, mode := range map[string]os.FileMode{"none": 0o000, "list": 0o444} {
		b.write(name+"/2.hdf", time.Hour)
		b.must(os.Chmod(filepath.Join(b.dir, name), mode))
		t.Cleanup(func() { _ = os.Chmod(filepath.Join(b.dir, name), 0o755) })
	}
	fixture.AsAnother(t, asOther, b.dir)
}

func TestSource_FindsAllWhenTheKernelDropsEvents(t *testing.T) {
	if testing.Short() {
		t.Skip("makes many files")
	}
	// The kernel keeps this many events, and the watcher some more.
	text, err := os.ReadFile("/proc/sys/fs/inotify/max_queued_events")
	if err != nil {
		t.Skip(err)
	}
	kept, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || kept > 50_000 {
		t.Skip("the kernel keeps too many events:", kept)
	}
	b := newBed(t, nil)
	wait := make(chan struct{})
	k := newBook()
	b.opt.Done = func(ctx context.Context, m intake.Message) (bool, error) {
		<-wait // nobody looks at events meanwhile
		return k.done(ctx, m)
	}
	b.start().watching()
	want := []string{"first.hdf"}
	b.write(want[0], time.Hour)
	for i := 0; i*2 < kept+20_000; i++ { // each file is two events or more
		name := strconv.Itoa(i) + ".hdf"
		want = append(want, name)
		b.write(name, 0)
	}
	close(wait)
	b.wants(want...)
	b.quiet()
	if !strings.Contains(b.logged.String(), "Too much happens at once") {
		t.Error("no event was dropped, so this shows nothing")
	}
}
