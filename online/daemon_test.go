package online

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ingestor/internal/outcome"
	"ingestor/schemas/filewriter"
)

func TestDaemon_EveryMessageEndsInOneOutcome(t *testing.T) {
	b := newBench(t, nil)
	failed := filewriter.WritingDone{ServiceID: "fw", JobID: "j", Failed: true, Message: "disk full"}.Encode()
	malformed := filewriter.WritingDone{ServiceID: "fw", JobID: "j", FileName: "/x.hdf"}.Encode()[:40]
	for range 3 {
		b.send("good.hdf")
		b.send("existed.hdf")
		b.send("exit-65.hdf")
		b.source.send([]byte("text"))
		b.source.send(nil)
		b.source.send(failed)
		b.source.send(malformed)
		b.source.send(filewriter.WritingDone{ServiceID: "fw", FileName: "-rf"}.Encode())
	}
	b.wait("24 acknowledgements", func() bool { return len(b.source.acks()) == 24 })
	if err := b.finish(); err != nil {
		t.Fatal(err)
	}
	b.checkSum()
	want := map[outcome.Outcome]int64{
		outcome.Registered: 3, outcome.Existed: 3, outcome.DeadLettered: 3,
		outcome.Ignored: 6, outcome.WriterFailed: 3, outcome.Malformed: 3, outcome.InvalidPath: 3,
	}
	for _, o := range outcome.All() {
		if b.daemon.outcomes[o] != want[o] {
			t.Errorf("%s: %d, want %d", o, b.daemon.outcomes[o], want[o])
		}
	}
	for _, a := range b.source.acks() {
		if !a.done() {
			t.Error("a message with an outcome was not finished")
		}
	}
}

func TestDaemon_NeverMoreChildrenThanAllowedAndTheSourceIsHeldMeanwhile(t *testing.T) {
	b := newBench(t, func(o *Options) { o.MaxChildren = 2 })
	for i := range 12 {
		b.send("sleep-40." + strconv.Itoa(i))
	}
	most, held := 0, false
	b.wait("12 acknowledgements", func() bool {
		most = max(most, b.daemon.opt.Children.Running())
		held = held || b.source.isHeld()
		return len(b.source.acks()) == 12
	})
	if most > 2 || most == 0 {
		t.Errorf("%d children at once, want at most 2", most)
	}
	if !held {
		t.Error("the source was never held")
	}
	b.wait("the source to be free again", func() bool { return !b.source.isHeld() })
	if err := b.finish(); err != nil {
		t.Fatal(err)
	}
	b.checkSum()
}

func TestDaemon_OneChildAFileAtATime(t *testing.T) {
	b := newBench(t, nil)
	for range 4 {
		b.send("sleep-30.hdf")
	}
	b.wait("4 acknowledgements", func() bool { return len(b.source.acks()) == 4 })
	text, err := os.ReadFile(filepath.Join(b.dir, "sleep-30.hdf"))
	if err != nil {
		t.Fatal(err)
	}
	last := ""
	for line := range strings.Lines(string(text)) {
		word, _, _ := strings.Cut(line, " ")
		if word == last {
			t.Fatalf("two children on one file at once:\n%s", text)
		}
		last = word
	}
}

func TestDaemon_MessagesOfAFileThatHangsLeaveRoomForOthers(t *testing.T) {
	b := newBench(t, func(o *Options) { o.MaxChildren = 2 })
	for range 4 {
		b.send("sleep-600000.hdf")
	}
	b.wait("its child", func() bool { return b.daemon.opt.Children.Running() == 1 })
	for i := range 3 {
		b.send("good." + strconv.Itoa(i))
	}
	b.wait("the others", func() bool { return len(b.source.acks()) == 3 })
	b.wait("the source to be free", func() bool { return !b.source.isHeld() })
	b.abort()
	if err := b.finish(); err != nil {
		t.Fatal(err)
	}
	b.checkSum()
}

func TestDaemon_FailuresByClass(t *testing.T) {
	for _, c := range []struct {
		name, file string
		starts     int
		want       outcome.Outcome
	}{
		{"a permanent failure gets exactly one attempt", "exit-65.hdf", 1, outcome.DeadLettered},
		{"a file that is not ready is tried again", "exit-75.untilok-3.hdf", 3, outcome.Registered},
		{"and given up after the last attempt", "exit-75.hdf", 3, outcome.DeadLettered},
		{"a bug is tried again", "exit-70.untilok-2.hdf", 2, outcome.Registered},
		{"an unknown status is treated like a bug", "exit-1.hdf", 3, outcome.DeadLettered},
		{"death by a signal too", "killed.hdf", 3, outcome.DeadLettered},
		{"and a wrong command line", "exit-2.hdf", 3, outcome.DeadLettered},
		{"a child that somebody interrupted is started again", "exit-143.untilok-2.hdf", 2, outcome.Registered},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, nil)
			a := b.send(c.file)
			b.wait("the acknowledgement", func() bool { return a.calls() > 0 })
			if err := b.finish(); err != nil {
				t.Fatal(err)
			}
			b.checkSum()
			if got := b.begins(c.file); got != c.starts {
				t.Errorf("%d starts, want %d", got, c.starts)
			}
			if b.daemon.outcomes[c.want] != 1 {
				t.Errorf("outcomes %v, want one %s", b.daemon.outcomes, c.want)
			}
		})
	}
}

func TestDaemon_AChildBeyondItsTimeLimitIsEnded(t *testing.T) {
	b := newBench(t, func(o *Options) { o.ChildTimeout, o.MaxAttempts = 100*time.Millisecond, 1 })
	a := b.send("deaf.sleep-60000.hdf")
	other := b.send("good.hdf")
	b.wait("both acknowledgements", func() bool { return a.done() && other.done() })
	if !strings.Contains(b.logs.String(), "time limit") {
		t.Errorf("the log does not name the time limit:\n%s", b.logs)
	}
}

func TestDaemon_ATransientFailureDoesNotBlockOthers(t *testing.T) {
	b := newBench(t, func(o *Options) { o.RetryDelay, o.RetryMaxDelay, o.MaxChildren = time.Hour, time.Hour, 1 })
	bad := b.send("exit-75.hdf")
	good := b.send("good.hdf")
	b.wait("the good file", good.done)
	if bad.calls() != 0 {
		t.Error("the file that waits for its next attempt was acknowledged")
	}
	if err := b.finish(); err != nil {
		t.Fatal(err)
	}
	b.checkSum()
	if bad.done() {
		t.Error("a stop finished a message that waited for its next attempt")
	}
}

func TestDaemon_AnOutageHoldsTheIntakeAndEndsNothing(t *testing.T) {
	for _, exit := range []string{"69", "77", "78"} {
		t.Run("exit "+exit, func(t *testing.T) {
			b := newBench(t, nil)
			down := filepath.Join(b.dir, "down")
			if err := os.WriteFile(down, nil, 0o644); err != nil {
				t.Fatal(err)
			}
			var acks []*ackProbe
			for i := range 20 {
				acks = append(acks, b.send("outage-"+exit+"."+strconv.Itoa(i)))
			}
			b.wait("the source to be held", b.source.isHeld)
			time.Sleep(1500 * time.Millisecond) // a probe or two
			started := 0
			for i := range acks {
				started += b.begins("outage-" + exit + "." + strconv.Itoa(i))
			}
			if most := b.daemon.opt.MaxChildren + 4; started > most {
				t.Errorf("%d starts during the outage, want at most %d", started, most)
			}
			if n := len(b.source.acks()); n != 0 {
				t.Fatalf("%d messages were acknowledged during the outage", n)
			}
			if err := os.Remove(down); err != nil {
				t.Fatal(err)
			}
			b.wait("all files after the outage", func() bool {
				for _, a := range acks {
					if !a.done() {
						return false
					}
				}
				return true
			})
			if err := b.finish(); err != nil {
				t.Fatal(err)
			}
			b.checkSum()
			if got := b.daemon.outcomes[outcome.Registered]; got != 20 {
				t.Errorf("%d registered, want 20: %v", got, b.daemon.outcomes)
			}
		})
	}
}

func TestDaemon_AnOutageEndsAlsoWhileALongChildRuns(t *testing.T) {
	b := newBench(t, nil)
	down := filepath.Join(b.dir, "down")
	if err := os.WriteFile(down, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	long := b.send("sleep-8000")
	b.wait("the long child", func() bool { return b.begins("sleep-8000") == 1 })
	short := b.send("outage-69")
	b.wait("the outage", func() bool { return strings.Contains(b.logs.String(), "Intake held") })
	b.wait("a probe", func() bool { return b.begins("outage-69") >= 2 })
	if err := os.Remove(down); err != nil {
		t.Fatal(err)
	}
	b.wait("the file that met the outage", short.done)
	if n := b.begins("outage-69"); n > 6 {
		t.Errorf("%d starts during the outage: they do not wait for each other", n)
	}
	if long.done() {
		t.Error("it was only tried again once the long child had ended")
	}
	b.abort()
}

func TestDaemon_WhileTheStorageIsDownNothingIsTriedOrGivenUp(t *testing.T) {
	var down atomic.Bool
	look := func() error {
		if down.Load() {
			return errTest
		}
		return nil
	}
	b := newBench(t, func(o *Options) {
		o.StorageDown, o.LookAtStorage, o.MaxAttempts = look, func(context.Context) error { return look() }, 1
	})
	away := b.send("sleep-1200.exit-75.untilok-2.hdf") // fails once, while the storage is down
	b.wait("its child", func() bool { return b.begins("sleep-1200.exit-75.untilok-2.hdf") == 1 })
	down.Store(true)
	b.wait("the source to be held", b.source.isHeld)
	waits := b.send("good.hdf")
	b.wait("the child to end", func() bool { return b.daemon.opt.Children.Running() == 0 })
	time.Sleep(200 * time.Millisecond)
	if away.calls() > 0 || waits.calls() > 0 || b.begins("good.hdf") > 0 {
		t.Error("a file was tried or given up while the storage was down")
	}
	down.Store(false)
	b.wait("both files once the storage is back", func() bool { return away.done() && waits.done() })
	if err := b.finish(); err != nil {
		t.Fatal(err)
	}
	b.checkSum()
	if got := b.daemon.outcomes[outcome.Registered]; got != 2 {
		t.Errorf("outcomes %v, want two registered", b.daemon.outcomes)
	}
}

func TestDaemon_AMissingExecutableHoldsTheIntake(t *testing.T) {
	var path string
	b := newBench(t, func(o *Options) {
		path = filepath.Join(t.TempDir(), "ingestor")
		o.Executable = []string{path}
	})
	a := b.send("good.hdf")
	b.wait("the source to be held", b.source.isHeld)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, path); err != nil {
		t.Fatal(err)
	}
	b.wait("the file once the executable is there", a.done)
}

func TestDaemon_AStopLetsRunningChildrenFinish(t *testing.T) {
	b := newBench(t, func(o *Options) { o.MaxChildren = 2 })
	var acks []*ackProbe
	for i := range 5 {
		acks = append(acks, b.send("sleep-400."+strconv.Itoa(i)))
	}
	b.wait("two children", func() bool { return b.daemon.opt.Children.Running() == 2 })
	if err := b.finish(); err != nil {
		t.Fatal(err)
	}
	b.checkSum()
	done := 0
	for _, a := range acks {
		if a.done() {
			done++
		}
	}
	if done != 2 {
		t.Errorf("%d files finished, want the 2 that ran", done)
	}
}

func TestDaemon_TheDrainHasAnEnd(t *testing.T) {
	b := newBench(t, func(o *Options) { o.DrainTimeout = 100 * time.Millisecond })
	a := b.send("deaf.sleep-60000.hdf")
	b.wait("the child", func() bool { return b.begins("deaf.sleep-60000.hdf") == 1 })
	if err := b.finish(); err != nil {
		t.Fatal(err)
	}
	b.checkSum()
	if a.done() {
		t.Error("an interrupted file counts as finished")
	}
}

func TestDaemon_AskedTwiceItEndsAtOnce(t *testing.T) {
	b := newBench(t, func(o *Options) { o.DrainTimeout = time.Hour })
	a := b.send("deaf.sleep-60000.hdf")
	b.wait("the child", func() bool { return b.begins("deaf.sleep-60000.hdf") == 1 })
	b.stop()
	b.abort()
	if err := b.finish(); err != nil {
		t.Fatal(err)
	}
	b.checkSum()
	if a.done() {
		t.Error("an interrupted file counts as finished")
	}
}

func TestDaemon_ADryRunStartsNothingAndFinishesNothing(t *testing.T) {
	b := newBench(t, func(o *Options) { o.DryRun = true })
	a := b.send("good.hdf")
	b.wait("the acknowledgement", func() bool { return a.calls() == 1 })
	if a.done() || b.begins("good.hdf") != 0 {
		t.Error("a dry run started a child or finished the message")
	}
}

func TestDaemon_OptionsNameEveryFault(t *testing.T) {
	_, err := New(Options{MaxChildren: -1, MaxAttempts: -1})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"source", "runner", "executable", "children at most", "attempts at most"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not name %q", err, want)
		}
	}
}

func TestDaemon_ASourceThatEndsStopsTheDaemonWithItsError(t *testing.T) {
	gone := errors.New("gone")
	b := newBench(t, func(o *Options) { o.Sources = append(o.Sources, brokenSource{newTestSource(), gone}) })
	select {
	case err := <-b.ended:
		if !errors.Is(err, gone) {
			t.Errorf("got %v, want the source's error", err)
		}
		b.ended <- err
	case <-time.After(time.Minute):
		t.Fatal("the daemon goes on without its source")
	}
}
