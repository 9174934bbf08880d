package main_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"ingestor/internal/treetest"
	"ingestor/schemas/filewriter"
)

// backfillVariable is how many files the large form of the backfill's tests has.
const backfillVariable = "INGESTOR_BACKFILL"

// backfilled is a site with old files and a job that finds them.
type backfilled struct {
	*site
	tree *treetest.Tree
}

func newBackfilled(t *testing.T, b *broker, partitions, files int) *backfilled {
	t.Helper()
	s := newSite(t, b, partitions)
	root := filepath.Join(s.dir, "odin")
	s.settings["backfill.jobs.nightly.roots"] = []string{root}
	s.settings["logging.logging_level"] = "INFO"
	tree, err := treetest.Make(treetest.Options{Root: root, Files: files, Instruments: []string{"raw", "more"}, Plain: true, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	return &backfilled{s, tree}
}

// elsewhere is the same site as another host sees it: with a state of its own.
func (s *backfilled) elsewhere() *backfilled {
	other := *s.site
	other.dir = s.t.TempDir()
	return &backfilled{&other, s.tree}
}

// report is what of a report these tests look at.
type report struct {
	Exit   int            `json:"exit"`
	Reason string         `json:"reason"`
	Counts map[string]int `json:"counts"`
}

// backfillRun is a run of the job under way.
type backfillRun struct {
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer
	t              *testing.T
}

func (s *backfilled) begin(args ...string) *backfillRun {
	s.t.Helper()
	r := &backfillRun{t: s.t}
	r.cmd = exec.CommandContext(s.t.Context(), offlineProgram, append([]string{"backfill", "-c", s.config(), "--job", "nightly", "--json"}, args...)...)
	r.cmd.Dir = s.dir
	r.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "TMPDIR=" + os.TempDir()}
	r.cmd.Stdout, r.cmd.Stderr = &r.stdout, &r.stderr
	r.cmd.WaitDelay = 10 * time.Second
	if err := r.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	return r
}

// end waits for the end, and wants it to be in order where it was not killed.
func (r *backfillRun) end() (rep report, killed bool) {
	r.t.Helper()
	err := r.cmd.Wait()
	if status, ok := r.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return rep, true
	}
	if err != nil {
		r.t.Errorf("backfill: %v\n%s%s", err, &r.stderr, &r.stdout)
	}
	if err := json.Unmarshal(r.stdout.Bytes(), &rep); err != nil {
		r.t.Errorf("the report is no JSON: %v\n%s", err, &r.stdout)
	}
	return rep, false
}

// registeredAll is how many datablocks there are.
func (s *backfilled) registeredAll() int { return len(s.catalogue.Datablocks("")) }

// wantOnce wants each file of the tree in the catalogue, exactly once.
func (s *backfilled) wantOnce() {
	s.t.Helper()
	datasets, blocks := map[string]int{}, map[string]int{}
	for _, d := range s.catalogue.Datasets() {
		datasets[d["pid"].(string)]++
	}
	for _, d := range s.catalogue.Datablocks("") {
		blocks[d["datasetId"].(string)]++
	}
	for _, f := range s.tree.Files {
		pid := "20.500.12269/" + f.Job
		if datasets[pid] != 1 || blocks[pid] != 1 {
			s.t.Errorf("%s has %d datasets and %d datablocks", f.Path, datasets[pid], blocks[pid])
		}
	}
	if len(datasets) != len(s.tree.Files) || len(blocks) != len(s.tree.Files) {
		s.t.Errorf("%d datasets and datablocks of %d, of %d files", len(datasets), len(blocks), len(s.tree.Files))
	}
}

// messages is how many there are in the topic.
func (s *backfilled) messages() (n int64) {
	s.t.Helper()
	ends, err := s.broker.admin.Ends(s.t.Context(), s.topic)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, end := range ends {
		n += end
	}
	return n
}

// A run and a daemon at the same time, on the same files.
func backfillBesideADaemon(t *testing.T, b *broker, files int, apart bool) {
	s := newBackfilled(t, b, 2, files)
	s.settings["backfill.jobs.nightly.concurrency"] = 3
	host := s
	if apart {
		host = s.elsewhere()
	}
	d := host.start()
	d.awaitReady()
	values := make([][]byte, len(s.tree.Files))
	for i, f := range s.tree.Files {
		values[i] = filewriter.WritingDone{ServiceID: "fw", JobID: f.Job, FileName: f.Path}.Encode()
	}
	// The daemon begins at the end, so that they meet in the middle; and what
	// they meet at, at the same time.
	for i, j := 0, len(values)-1; i < j; i, j = i+1, j-1 {
		values[i], values[j] = values[j], values[i]
	}
	s.send(2, values...)
	run := s.begin()
	rep, _ := run.end()
	awaitFor(t, 10*time.Minute, "all files", func() bool { return s.registeredAll() >= files || d.ended() }, d)
	s.finish(d)
	sums := d.sums()
	t.Logf("the daemon: registered %d, existed %d; the run: %v", sums["registered"], sums["existed"], rep.Counts)
	if sums["registered"] == 0 || rep.Counts["registered"] == 0 {
		t.Errorf("one of them had nothing to do: %v and %v", sums, rep.Counts)
	}
	s.wantOnce()
	rep, _ = s.begin().end()
	if rep.Counts["registered"] != 0 || rep.Counts["known"]+rep.Counts["existed"] != files {
		t.Errorf("the next run: %v", rep.Counts)
	}
	s.wantOnce()
}

// Files are announced to two daemons on two hosts, which register each once,
// also when the run is killed and repeated.
func backfillPublish(t *testing.T, b *broker, files, kills int) {
	s := newBackfilled(t, b, 4, files)
	here, there := s.start(), s.elsewhere().start()
	here.awaitReady()
	there.awaitReady()
	began := time.Now()
	seed := uint64(began.UnixNano())
	dice := rand.New(rand.NewPCG(seed, 5))
	before := s.messages()
	inTheMiddle := 0
	for i := range kills {
		now := s.messages()
		run := s.begin("--publish")
		wait := time.Duration(dice.Int64N(int64(400 * time.Millisecond)))
		if i%4 != 3 { // once so many are written, and a little later
			more := 1 + dice.Int64N(int64(1+2*files/kills))
			if i%4 == 0 {
				more = 1
			}
			for until := time.Now().Add(10 * time.Second); s.messages() < now+more && time.Now().Before(until); {
				time.Sleep(time.Millisecond)
			}
			wait = time.Duration(dice.Int64N(int64(20 * time.Millisecond)))
		}
		time.Sleep(wait)
		_ = run.cmd.Process.Kill()
		if _, killed := run.end(); killed && s.messages() > now {
			inTheMiddle++
		}
	}
	rep, _ := s.begin("--publish").end()
	published := s.messages() - before
	t.Logf("killed %d times, %d in the middle (seed %d); the last run: %v; %d messages for %d files, %s",
		kills, inTheMiddle, seed, rep.Counts, published, files, time.Since(began).Round(time.Millisecond))
	if published < int64(files) {
		t.Errorf("%d messages for %d files", published, files)
	}
	awaitFor(t, 20*time.Minute, "all files", func() bool { return s.registeredAll() >= files || here.ended() || there.ended() }, here, there)
	took := time.Since(began)
	awaitFor(t, 10*time.Minute, "commit of every message", func() bool { ok, _, _ := s.allCommitted(); return ok || here.ended() || there.ended() }, here, there)
	here.stop()
	there.stop()
	one, two := here.sums(), there.sums()
	t.Logf("registered %d and %d, existed %d and %d, within %s: %.0f files a second", one["registered"], two["registered"],
		one["existed"], two["existed"], took.Round(time.Millisecond), float64(files)/took.Seconds())
	if one["registered"] == 0 || two["registered"] == 0 {
		t.Error("one of the daemons had nothing to do")
	}
	s.wantOnce()

	now := s.messages()
	rep, _ = s.begin("--publish").end()
	if n := s.messages() - now; n != 0 || rep.Counts["published"] != 0 {
		t.Errorf("another run publishes %d messages: %v", n, rep.Counts)
	}
	// Without daemons: what this host does not know, the catalogue does.
	rep, _ = s.begin().end()
	t.Logf("a run without --publish: %v", rep.Counts)
	if rep.Counts["registered"] != 0 || rep.Counts["known"]+rep.Counts["existed"] != files {
		t.Errorf("a run without --publish: %v", rep.Counts)
	}
	s.wantOnce()
}

func TestBackfill(t *testing.T) {
	b := embeddedBroker(t, 0)
	t.Run("Publish", func(t *testing.T) {
		t.Parallel()
		backfillPublish(t, b, 500, 3)
	})
	t.Run("BesideADaemon", func(t *testing.T) {
		t.Parallel()
		backfillBesideADaemon(t, b, 150, false)
	})
	t.Run("BesideADaemonOfAnotherHost", func(t *testing.T) {
		t.Parallel()
		backfillBesideADaemon(t, b, 150, true)
	})
}

func TestBackfillReal(t *testing.T) {
	needsReal(t)
	files, kills := 1000, 5
	if text := os.Getenv(backfillVariable); strings.TrimSpace(text) != "" {
		if _, err := strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
		files, kills = 10000, 20
	}
	b := startReal(t)
	t.Run("Publish", func(t *testing.T) { backfillPublish(t, b, files, kills) })
	t.Run("BesideADaemon", func(t *testing.T) { backfillBesideADaemon(t, b, files/2, false) })
	t.Run("BesideADaemonOfAnotherHost", func(t *testing.T) { backfillBesideADaemon(t, b, files/2, true) })
}
