package main

import (
	"os"
	"path/filepath"
	"testing"

	logtest "github.com/sirupsen/logrus/hooks/test"
)

func TestBuildMeta_IsWhatThePeersTakeOrNothing(t *testing.T) {
	const whole = `{"commit_hash":"c0ffee","branch_name":"main","timestamp":"2026-11-21T22:06:00+01:00","repository_url":"https://git.example.org/x"}`
	for _, c := range []struct {
		name, text, want string
		warnings         int
	}{
		{"whole", whole, whole, 0},
		{"others are left out", `{"x":1,` + whole[1:], whole, 0},
		{"one is missing", `{"commit_hash":"c0ffee"}`, "", 1},
		{"not JSON", "commit", "", 1},
		{"no time", `{"commit_hash":"","branch_name":"","timestamp":"today","repository_url":""}`, "", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "meta.json")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			log, hook := logtest.NewNullLogger()
			if got := string(buildMeta(path, log)); got != c.want || len(hook.Entries) != c.warnings {
				t.Errorf("got %s, %d warnings", got, len(hook.Entries))
			}
		})
	}
	log, hook := logtest.NewNullLogger()
	if got := buildMeta("/no/such/file", log); got != nil || len(hook.Entries) != 0 {
		t.Errorf("a missing file is said: %s", got)
	}
}
