package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"ingestor/configs"
)

func unit(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "systemd", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The service manager waits for longer than the daemon takes to drain.
func TestUnit_StopsNoDrain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ingestor.yml")
	if err := os.WriteFile(path, []byte("kafka: {topics: [t], group_id: g, bootstrap_servers: 'h:1'}\nscicat: {host: 'http://h', token: x}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	loaded, err := configs.Load(configs.Online, nil, []string{"INGESTOR_CONFIG_FILE=" + path})
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^TimeoutStopSec=(\d+)$`).FindStringSubmatch(unit(t, "online-ingestor.service"))
	if found == nil {
		t.Fatal("no TimeoutStopSec")
	}
	seconds, err := strconv.Atoi(found[1])
	if err != nil {
		t.Fatal(err)
	}
	i := &loaded.Config.Ingestion
	if limit, needed := time.Duration(seconds)*time.Second, i.DrainTimeout+i.KillDelay+5*time.Second; limit <= needed {
		t.Errorf("systemd waits %s, the daemon may need %s", limit, needed)
	}
}

// systemd understands every line of the units.
func TestUnit_IsUnderstood(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("no systemd here")
	}
	dir := t.TempDir() // a timer looks for its service beside it
	for _, name := range []string{"online-ingestor.service", "frame-forwarder@.service", "ingestor-backfill@.service", "ingestor-backfill@.timer"} {
		// The programs need not be installed here.
		text := regexp.MustCompile(`(?m)^ExecStart=\S+`).ReplaceAllString(unit(t, name), "ExecStart=/bin/true")
		path := filepath.Join(dir, strings.Replace(name, "@", "@x", 1))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), analyze, "verify", "--man=no", "--recursive-errors=no", path).CombinedOutput()
		for line := range strings.Lines(string(out)) {
			if strings.Contains(line, filepath.Base(path)) {
				t.Error(line)
			}
		}
		if err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	}
}
