package program

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	logtest "github.com/sirupsen/logrus/hooks/test"

	"ingestor/configs"
	"ingestor/internal/fault"
	"ingestor/scicat/scicattest"
)

// site is a catalogue with an account, and a folder for files of secrets.
type site struct {
	t      *testing.T
	server *scicattest.Server
	dir    string
	config configs.SciCat
	hook   *logtest.Hook
	log    *logrus.Logger
}

func newSite(t *testing.T) *site {
	t.Helper()
	server, err := scicattest.New(scicattest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	s := &site{t: t, server: server, dir: t.TempDir()}
	s.log, s.hook = logtest.NewNullLogger()
	s.log.SetLevel(logrus.DebugLevel)
	s.config = configs.SciCat{Host: server.BaseURL(), Timeout: 20 * time.Second, Username: "ingestor", PasswordFile: s.put("password", "ingestor"), Password: "ingestor",
		APIEndpoints: configs.APIEndpoints{Datasets: "datasets", Proposals: "proposals", OrigDatablocks: "origdatablocks", Instruments: "instruments", Samples: "samples"}}
	return s
}

func (s *site) put(name, secret string) string {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path+".new", []byte(secret+"\n"), 0o600); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		s.t.Fatal(err)
	}
	return path
}

func (s *site) credentials() *Credentials {
	s.t.Helper()
	k, err := NewCredentials("test", s.config, s.log)
	if err != nil {
		s.t.Fatal(err)
	}
	return k
}

// keep runs Run until the test ends.
func (s *site) keep(k *Credentials) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	done := make(chan error, 1)
	go func() { done <- k.Run(ctx) }()
	s.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Error(err)
		}
	})
}

func (s *site) logins() (n int) {
	for _, r := range s.server.Requests() {
		if strings.HasSuffix(r.Target, "/auth/login") {
			n++
		}
	}
	return n
}

func await(t *testing.T, what string, come func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !come(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for: %s", what)
		}
	}
}

// asChild puts what a child is given into our environment.
func asChild(t *testing.T, env []string) {
	t.Helper()
	for _, entry := range env {
		name, value, _ := strings.Cut(entry, "=")
		t.Setenv(name, value)
	}
}

func variable(env []string, name string) string {
	i := slices.IndexFunc(env, func(e string) bool { return strings.HasPrefix(e, name+"=") })
	if i < 0 {
		return ""
	}
	return env[i][len(name)+1:]
}

func TestCredentials_ChildUsesTheTokenOfItsDaemon(t *testing.T) {
	s := newSite(t)
	k := s.credentials()
	if env := k.Environment(); env != nil {
		t.Errorf("before the login a child gets %d variables", len(env))
	}
	k.Prepare(t.Context())
	env := k.Environment()
	asChild(t, env)
	child, err := Catalogue("child", s.config, s.log)
	if err != nil {
		t.Fatal(err)
	}
	defer child.Close()
	if err := child.CheckToken(t.Context()); err != nil || s.logins() != 1 {
		t.Errorf("%d logins, %v", s.logins(), err)
	}
	ends, err := time.Parse(time.RFC3339Nano, variable(env, sharedTokenExpires))
	if left := time.Until(ends); err != nil || left < 59*time.Minute || left > time.Hour {
		t.Errorf("it ends in %v, %v", left, err)
	}
	for _, name := range []string{sharedToken, sharedTokenExpires, loginRefused} {
		if os.Getenv(name) != "" {
			t.Errorf("%s is handed down", name)
		}
	}
	token := variable(env, sharedToken)
	for _, e := range s.hook.AllEntries() {
		if text, err := e.String(); err != nil || strings.Contains(text, token) {
			t.Errorf("the log tells the token: %v", err)
		}
	}
}

func TestCredentials_ChildLogsInByItself(t *testing.T) {
	for _, tt := range []struct {
		name string
		env  []string
	}{
		{"without a daemon", nil},
		{"where the token is rejected", []string{sharedToken + "=stale"}},
		{"where the token has ended", []string{sharedToken + "=stale", sharedTokenExpires + "=2001-01-01T00:00:00Z"}},
		{"where its end is no time", []string{sharedToken + "=stale", sharedTokenExpires + "=soon"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t)
			asChild(t, tt.env)
			child, err := Catalogue("child", s.config, s.log)
			if err != nil {
				t.Fatal(err)
			}
			defer child.Close()
			if err := child.CheckToken(t.Context()); err != nil || s.logins() != 1 {
				t.Errorf("%d logins, %v", s.logins(), err)
			}
		})
	}
}

func TestCredentials_ChildDoesNotTryWhatItsDaemonWasRefused(t *testing.T) {
	s := newSite(t)
	s.config.PasswordFile = s.put("password", "wrong\x00one")
	k := s.credentials()
	k.Prepare(t.Context())
	env := k.Environment()
	if text := variable(env, loginRefused); !strings.Contains(text, "password is wrong") || strings.Contains(text, "\n") || len(env) != 1 {
		t.Fatalf("%q", env)
	}
	asChild(t, env)
	child, err := Catalogue("child", s.config, s.log)
	if err != nil {
		t.Fatal(err)
	}
	defer child.Close()
	if err := child.CheckToken(t.Context()); fault.KindOf(err) != fault.NotPermitted || !strings.Contains(err.Error(), "the daemon could not log in: log in as ingestor") {
		t.Error(err)
	}
	if n := s.logins(); n != 1 {
		t.Errorf("%d logins", n)
	}
}

func TestCredentials_RunReplacesWhatIsRevoked(t *testing.T) {
	s := newSite(t)
	k := s.credentials()
	k.Prepare(t.Context())
	s.keep(k)
	first := variable(k.Environment(), sharedToken)
	if err := s.server.RevokeTokens(); err != nil {
		t.Fatal(err)
	}
	_ = k.Environment() // a child more, or nobody would look
	await(t, "another token", func() bool {
		now := variable(k.Environment(), sharedToken)
		return now != "" && now != first
	})
	await(t, "a word about it", func() bool {
		select {
		case <-k.Changed():
			return true
		default:
			return false
		}
	})
}

func TestCredentials_RunAsksTheCatalogueNothingAtRest(t *testing.T) {
	s := newSite(t)
	k := s.credentials()
	k.Prepare(t.Context())
	s.keep(k)
	time.Sleep(2500 * time.Millisecond)
	if n := len(s.server.Requests()); n != 1 {
		t.Errorf("%d requests", n)
	}
}

func TestCredentials_RunTakesTheNewPassword(t *testing.T) {
	s := newSite(t)
	s.put("password", "wrong")
	k := s.credentials()
	k.Prepare(t.Context())
	s.keep(k)
	await(t, "the refusal", func() bool { return variable(k.Environment(), loginRefused) != "" })
	s.put("password", "ingestor")
	await(t, "the token", func() bool { return variable(k.Environment(), sharedToken) != "" })
	if n := s.logins(); n > 3 {
		t.Errorf("%d logins", n)
	}
	warnings := 0
	for _, e := range s.hook.AllEntries() {
		if e.Level == logrus.WarnLevel && strings.Contains(e.Message, "No login") {
			warnings++
		}
	}
	if warnings != 1 {
		t.Errorf("%d warnings", warnings)
	}
}

func TestCredentials_RunTellsOfAnotherTokenInItsFile(t *testing.T) {
	s := newSite(t)
	s.config.Username, s.config.PasswordFile = "", ""
	s.config.TokenFile, s.config.Token = s.put("token", "one"), "one"
	k := s.credentials()
	s.keep(k)
	if env := k.Environment(); env != nil {
		t.Errorf("a child gets %d variables: it can read the file", len(env))
	}
	select {
	case <-k.Changed():
		t.Error("something has changed")
	case <-time.After(1500 * time.Millisecond):
	}
	if err := os.Remove(s.config.TokenFile); err != nil {
		t.Fatal(err)
	}
	await(t, "a warning", func() bool {
		return slices.ContainsFunc(s.hook.AllEntries(), func(e *logrus.Entry) bool { return e.Level == logrus.WarnLevel })
	})
	s.put("token", s.server.Token("ingestor"))
	<-k.Changed()
	client, err := k.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.CheckToken(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestCredentials_FaultsNameTheirKey(t *testing.T) {
	s := newSite(t)
	s.config.CAFile = filepath.Join(s.dir, "none.pem")
	for _, make := range []func() error{
		func() error { _, err := NewCredentials("test", s.config, s.log); return err },
		func() error { _, err := Catalogue("test", s.config, s.log); return err },
	} {
		if err := make(); fault.KindOf(err) != fault.BadConfiguration || !strings.Contains(err.Error(), "scicat.ca_file") {
			t.Error(err)
		}
	}
}
