package main_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

// The catalogue goes away in the midst of the work and comes back: no file is
// given up, none is missing, none is double.
func catalogueAway(t *testing.T, b *broker, _ scale) {
	s := newSite(t, b, 2)
	s.catalogue.delay("POST", "/datasets$", 100*time.Millisecond) // so that the cut meets somebody
	before, meanwhile := s.measureAll(12), s.measureAll(4)
	for _, r := range before {
		s.announce(r)
	}
	d := s.start()
	await(t, "some files", func() bool { return s.catalogue.registered(before[:3]...) || d.ended() }, d)
	s.catalogue.stop()
	d.awaitSays("Intake held", "hold=catalogue-down")
	s.announce(meanwhile...)
	// Long enough for several tries.
	await(t, "three tries", func() bool { return d.times("File waits for the end of the outage") >= 6 }, d)
	if !d.says("File waits", "reason=", "exit 69 (unavailable)") {
		t.Errorf("children do not end with 69\n%s", d)
	}
	s.catalogue.start()
	began := time.Now()
	await(t, "all files", func() bool { return s.catalogue.registered(append(before, meanwhile...)...) }, d)
	t.Logf("all registered %s after the catalogue is back", time.Since(began).Truncate(time.Millisecond))
	s.finish(d)
	if sums := d.sums(); sums["registered"]+sums["existed"] != 16 || sums["dead_lettered"] != 0 || sums["returned"] != 0 {
		t.Errorf("sums %v\n%s", sums, d)
	}
	s.catalogue.checkOnce(append(before, meanwhile...)...)
}

// health asks the daemon's health check.
func (d *daemon) health(path string) (status int, parts map[string]bool) {
	d.t.Helper()
	line, ok := d.lineWith("Health check server started", "address=")
	if !ok {
		return 0, nil
	}
	address := regexp.MustCompile(`address=(\S+)`).FindStringSubmatch(line)[1]
	req, err := http.NewRequestWithContext(d.t.Context(), http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	if resp.StatusCode == http.StatusNotFound {
		return resp.StatusCode, nil
	}
	if got := resp.Header.Get("Content-Type"); got != "application/json" {
		d.t.Errorf("content type %q", got)
	}
	if err := json.Unmarshal(body, &parts); err != nil {
		d.t.Errorf("%s: %v", body, err)
	}
	return resp.StatusCode, parts
}

// The health check names what is wrong, and that it is right again.
func healthTellsWhatIsWrong(t *testing.T, b *broker, _ scale) {
	s := newSite(t, b, 1)
	d := s.start()
	d.awaitSays("Health check server started")
	becomes := func(status int, kafka, storage, scicat bool) {
		t.Helper()
		began := time.Now()
		var got int
		var parts map[string]bool
		await(t, "health", func() bool {
			got, parts = d.health("/health")
			return got == status && len(parts) == 3 && parts["kafka"] == kafka && parts["storage"] == storage && parts["scicat"] == scicat
		}, d)
		t.Logf("%d %v after %s", got, parts, time.Since(began).Truncate(time.Millisecond))
	}
	becomes(200, true, true, true)
	for _, other := range []string{"/", "/health/", "/healthz"} {
		if got, _ := d.health(other); got != 404 {
			t.Errorf("GET %s: %d", other, got)
		}
	}
	s.catalogue.stop()
	if err := os.Rename(filepath.Join(s.dir, "odin"), filepath.Join(s.dir, "gone")); err != nil {
		t.Fatal(err)
	}
	becomes(503, true, false, false)
	d.awaitSays("Intake held", "hold=storage-down")
	if b.real != nil {
		if err := b.real.Stop(); err != nil {
			t.Fatal(err)
		}
		becomes(503, false, false, false)
		if err := b.real.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Rename(filepath.Join(s.dir, "gone"), filepath.Join(s.dir, "odin")); err != nil {
		t.Fatal(err)
	}
	s.catalogue.start()
	becomes(200, true, true, true)
	r := s.measure()
	s.announce(r)
	await(t, "a file after all that", func() bool { return s.catalogue.registered(r) }, d)
	s.finish(d)
}
