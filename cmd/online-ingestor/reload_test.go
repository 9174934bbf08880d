package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	logtest "github.com/sirupsen/logrus/hooks/test"

	"ingestor/configs"
	"ingestor/internal/telemetry"
	"ingestor/internal/telemetry/telemetrytest"
)

// reloading is a reloader whose configuration is what text says, with the text that
// it had at its start, and an offline ingestor that is a script.
func reloading(t *testing.T, script, before string, after *string) (*reloader, *logtest.Hook) {
	t.Helper()
	dir := t.TempDir()
	ingestor := filepath.Join(dir, "ingestor.sh")
	if err := os.WriteFile(ingestor, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "ingestor.yml")
	load := func(text string) (*configs.Loaded, error) {
		text = "kafka: {topics: [t], group_id: g, bootstrap_servers: 'h:1'}\nscicat: {host: 'http://h', token: x}\n" + text
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return nil, err
		}
		return configs.Load(configs.Online, nil, []string{"INGESTOR_CONFIG_FILE=" + path,
			`INGESTOR_INGESTION_OFFLINE_INGESTOR_EXECUTABLE=/bin/sh ` + ingestor})
	}
	loaded, err := load(before)
	if err != nil {
		t.Fatal(err)
	}
	notifier, err := telemetry.NewNotifier()
	if err != nil {
		t.Fatal(err)
	}
	log, hook := logtest.NewNullLogger()
	return newReloader(loaded, func() (*configs.Loaded, error) { return load(*after) }, notifier, log), hook
}

const schemasFine = `echo "$3: ok"`

func said(hook *logtest.Hook) string {
	var all strings.Builder
	for _, e := range hook.AllEntries() {
		line, err := e.String()
		if err != nil {
			line = err.Error()
		}
		all.WriteString(line)
	}
	return all.String()
}

func TestReload(t *testing.T) {
	for _, c := range []struct {
		name, script, before, after string
		level                       logrus.Level
		says, saysNot               []string
	}{
		{"the level changes at once", schemasFine, "", "logging: {logging_level: debug}", logrus.DebugLevel,
			[]string{"Configuration reloaded", "level=DEBUG", "Schemas checked", "schemas: ok"}, []string{"restart"}},
		{"that it becomes quiet is still said", schemasFine, "", "logging: {logging_level: error}", logrus.ErrorLevel,
			[]string{"Configuration reloaded"}, nil},
		{"what needs a restart is named", schemasFine, "", "health_check: {port: 1234}\ningestion: {max_attempts: 9, schemas_directory: other}", logrus.InfoLevel,
			[]string{`keys="ingestion.max_attempts health_check.port"`, "from_the_next_file=ingestion.schemas_directory", "other: ok"}, nil},
		{"nothing changed", schemasFine, "health_check: {port: 1234}", "health_check: {port: 1234}", logrus.InfoLevel,
			[]string{"Configuration reloaded"}, []string{"restart", "next_file"}},
		{"sections of other programs are theirs", schemasFine, "", "forwarder: {redis_dsn: 'redis://h:1'}", logrus.InfoLevel,
			[]string{"Configuration reloaded"}, []string{"restart"}},
		{"a broken file changes nothing", schemasFine, "", "logging: {logging_level: loud}", logrus.InfoLevel,
			[]string{"Configuration not reloaded", "logging.logging_level", "loud"}, []string{"Schemas", "reloaded level"}},
		{"faults of schemas are listed", `echo "s/a.imsc.yml:3: error: bad"; echo "$3: 1 error"; exit 65`, "", "", logrus.InfoLevel,
			[]string{"Schema fault", "s/a.imsc.yml:3: error: bad", "Schemas have faults", "1 error"}, nil},
		{"another program can not check them", `exit 2`, "", "", logrus.InfoLevel,
			[]string{"can not check schemas", "exit status 2"}, []string{"level=warning", "level=error"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, hook := reloading(t, c.script, c.before, &c.after)
			r.log.SetLevel(logrus.InfoLevel)
			r.reload(t.Context())
			got := said(hook)
			for _, want := range c.says {
				if !strings.Contains(got, want) {
					t.Errorf("no %s", want)
				}
			}
			for _, not := range c.saysNot {
				if strings.Contains(got, not) {
					t.Errorf("says %s", not)
				}
			}
			if r.log.GetLevel() != c.level {
				t.Errorf("the level is %v", r.log.GetLevel())
			}
			if t.Failed() {
				t.Log(got)
			}
		})
	}
}

func TestReload_WhatChildrenTakeIsSaidOnce(t *testing.T) {
	after := "dataset: {default_owner_group: x}"
	r, hook := reloading(t, schemasFine, "", &after)
	r.reload(t.Context())
	if got := said(hook); !strings.Contains(got, "from_the_next_file=dataset.default_owner_group") {
		t.Error(got)
	}
	hook.Reset()
	r.reload(t.Context())
	if got := said(hook); strings.Contains(got, "from_the_next_file") {
		t.Error(got)
	}
}

// The service manager hears when a reload begins and ends; before the daemon is
// ready it hears neither, for the second would be taken for ready.
func TestReload_BySignalIsToldToTheServiceManager(t *testing.T) {
	m := telemetrytest.NewManager(t)
	name, value, _ := strings.Cut(m.Environment(), "=")
	t.Setenv(name, value)
	after := ""
	r, hook := reloading(t, schemasFine, "", &after)
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	reloads := func(n int) {
		t.Helper()
		if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(time.Minute); strings.Count(said(hook), "Schemas checked") < n; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal(said(hook))
			}
		}
	}
	reloads(1)
	if m.Times("") > 0 {
		t.Error(m)
	}
	if err := r.notifier.Ready(); err != nil {
		t.Fatal(err)
	}
	reloads(2)
	end()
	if err := errors.Join(<-ended); err != nil {
		t.Error(err)
	}
	for deadline := time.Now().Add(time.Minute); m.Times("READY=1") < 2 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	if m.Times("RELOADING=1\nMONOTONIC_USEC=") != 1 || m.Times("READY=1") != 2 {
		t.Error(m)
	}
}

// Keys that only children read exist, else this list is out of date.
func TestReload_KeysOfChildrenExist(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "configs", "ingestor.example.yml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range childKeys() {
		last := k[strings.LastIndex(strings.TrimSuffix(k, "."), ".")+1:]
		if !slices.ContainsFunc(strings.Fields(string(text)), func(w string) bool { return strings.HasPrefix(w, strings.TrimSuffix(last, ".")) }) {
			t.Errorf("no key begins with %s", k)
		}
	}
}
