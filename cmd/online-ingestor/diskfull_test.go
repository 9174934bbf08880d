package main_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// namespaceVariable says that the test runs in a namespace of its own, where an
// ordinary user may mount.
const namespaceVariable = "INGESTOR_TEST_NAMESPACE"

// smallDisk mounts a file system of a few megabytes. Where that is not allowed,
// the test runs once more in a user namespace; where that is not allowed
// either, it is skipped.
func smallDisk(t *testing.T) *disk {
	t.Helper()
	d := &disk{filepath.Join(t.TempDir(), "state")}
	if err := os.Mkdir(d.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	err := syscall.Mount("tmpfs", d.dir, "tmpfs", 0, "size=6m")
	if errors.Is(err, syscall.EPERM) && os.Getenv(namespaceVariable) == "" {
		inNamespace(t)
	}
	if err != nil {
		t.Skipf("needs a small file system, and mounting is not allowed here, also not with unshare: %v", err)
	}
	t.Cleanup(func() {
		// Processes that the test killed may still be letting go of it.
		if err := syscall.Unmount(d.dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", d.dir, err)
		}
	})
	return d
}

// inNamespace runs this test again where it may mount, and does not return.
func inNamespace(t *testing.T) {
	t.Helper()
	if err := exec.CommandContext(t.Context(), "unshare", "-Urm", "true").Run(); err != nil {
		t.Skipf("needs a small file system, and mounting is not allowed here, also not with unshare: %v", err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "unshare", "-Urm", self, "-test.v", "-test.run", "^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), namespaceVariable+"=1", binVariable+"="+filepath.Dir(onlineProgram))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("in a namespace of its own: %v\n%s", err, out)
	}
	t.Skipf("passed in a namespace of its own:\n%s", out)
}

// diskFaults are the seven of a chaos run and two more.
var diskFaults = slices.Concat(sevenFaults, []string{fillDisk, readOnly})

// The chaos run once more, and now and then the state directory of two of the
// daemons is full or read-only: nothing is lost, and all goes on.
func TestChaosDiskFull(t *testing.T) {
	length := chaosLength(t)
	c := newChaos(t, chaosPlan(t, length, diskFaults), smallDisk(t))
	c.run(nil)
	if !c.timeline.failed() && c.fleet.journal.said("Intake held", "hold=disk-full") == 0 {
		t.Errorf("the state directory was full and read-only, and no daemon said so\n%s", c.timeline)
	}
}

// A state directory that is full or read-only is held for and told, nothing is
// committed or lost meanwhile, and once it is mended all is done.
func TestDiskFull(t *testing.T) {
	needsReal(t)
	b := startReal(t)
	for name, breakIt := range map[string]func(*testing.T, *site, *disk) *daemon{
		"Full": func(t *testing.T, s *site, d *disk) *daemon {
			t.Helper()
			running := s.start()
			running.awaitReady()
			if err := d.fill(); err != nil {
				t.Fatal(err)
			}
			return running
		},
		"FullAtStart": func(t *testing.T, s *site, d *disk) *daemon {
			t.Helper()
			if err := d.fill(); err != nil {
				t.Fatal(err)
			}
			return s.start()
		},
		"ReadOnlyAtStart": func(t *testing.T, s *site, d *disk) *daemon {
			t.Helper()
			if err := d.writable(false); err != nil {
				t.Fatal(err)
			}
			return s.start()
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := smallDisk(t)
			s := newSite(t, b, 1)
			s.settings["ingestion.state_directory"] = d.dir
			metrics, _ := freeAddress(t)
			s.settings["health_check.metrics_address"] = metrics
			running := breakIt(t, s, d)
			runs := s.measureAll(6)
			s.announce(runs...)
			running.awaitSays("Intake held", "hold=disk-full")
			await(t, "metrics that tell the hold", func() bool {
				page, err := get(t.Context(), "http://"+metrics+"/metrics")
				return err == nil && strings.Contains(page, `ingestor_hold{hold="disk-full"} 1`)
			}, running)
			time.Sleep(2 * time.Second) // for whatever it should not do
			committed := int64(0)
			for _, n := range s.committed() {
				committed += n
			}
			done := 0
			for _, r := range runs {
				if s.catalogue.registered(r) {
					done++
				}
			}
			if committed > int64(done) || running.says("outcome=dead_lettered") {
				t.Errorf("%d messages are committed of %d files that are registered\n%s", committed, done, running)
			}
			t.Logf("held with %d of %d files registered and %d messages committed", done, len(runs), committed)
			var err error
			if strings.HasPrefix(name, "Full") {
				err = d.empty()
			} else {
				err = d.writable(true)
			}
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			awaitFor(t, time.Minute, "all files", func() bool { return s.catalogue.registered(runs...) || running.ended() }, running)
			t.Logf("all registered %s after it is mended", time.Since(began).Round(time.Millisecond))
			s.finish(running)
			if sums := running.sums(); sums["dead_lettered"] != 0 {
				t.Errorf("sums %v\n%s", sums, running)
			}
			if !running.says("Hold released", "hold=disk-full") {
				t.Errorf("the end of the hold is not told\n%s", running)
			}
			s.catalogue.checkOnce(runs...)
		})
	}
}
