package main_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ingestor/scicat/scicattest"
)

// TestCredentials is what the daemon promises about tokens and logins. Which
// broker it has does not matter for that.
func TestCredentials(t *testing.T) {
	b := embeddedBroker(t, 0)
	for _, s := range []struct {
		name string
		run  func(*testing.T, *broker)
	}{
		{"OneLoginForManyChildren", oneLoginForManyChildren},
		{"TokenExpiresWhileChildrenRun", tokenExpiresWhileChildrenRun},
		{"TokenRevoked", tokenRevoked},
		{"WrongPassword", wrongPassword},
		{"PasswordRotated", passwordRotated},
		{"CatalogueAwayAtTheStart", loginAfterTheCatalogueIsBack},
		{"TokenFileRotatedInTime", tokenFileRotatedInTime},
		{"TokenFileRotatedTooLate", tokenFileRotatedTooLate},
	} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			s.run(t, b)
		})
	}
}

// accountPassword is that of the ingestor's account.
const accountPassword = "password-of-the-ingestor-77e1"

// newLoginSite is a site whose daemon logs in.
func newLoginSite(t *testing.T, b *broker) *site {
	t.Helper()
	s := newSite(t, b, 1)
	s.catalogue.SetPassword("ingestor", accountPassword)
	s.catalogue.SetTokens("ingestor")
	delete(s.settings, "scicat.token")
	s.settings["scicat.username"] = "ingestor"
	s.settings["scicat.password_file"] = s.write("password", []byte(accountPassword+"\n"))
	return s
}

// rotate puts another secret in the place of the one in a file.
func (s *site) rotate(name, secret string) {
	s.t.Helper()
	if err := os.Rename(s.write(name+".new", []byte(secret+"\n")), filepath.Join(s.dir, name)); err != nil {
		s.t.Fatal(err)
	}
}

func (c *catalogue) logins() int { return c.count("POST", "/auth/login") }

// tokens are those that requests came with.
func (c *catalogue) tokens() map[string]bool {
	all := map[string]bool{}
	for _, r := range c.Requests() {
		if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
			all[token] = true
		}
	}
	return all
}

// noSecretIsTold looks for tokens and passwords where others may read.
func (s *site) noSecretIsTold(d *daemon, lines []string) {
	s.t.Helper()
	secrets := append(keys(s.catalogue.tokens()), accountPassword, token)
	for _, secret := range secrets {
		if d.says(secret) {
			s.t.Errorf("the log tells a secret\n%s", d)
		}
		for _, line := range lines {
			if strings.Contains(line, secret) {
				s.t.Errorf("a command line tells a secret:\n%s", line)
			}
		}
	}
	err := filepath.WalkDir(s.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		for _, secret := range secrets {
			if strings.Contains(string(text), secret) && info.Mode().Perm()&0o077 != 0 {
				s.t.Errorf("%s, which others may read (%v), holds a secret", path, info.Mode())
			}
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

func keys(m map[string]bool) (list []string) {
	for k := range m {
		list = append(list, k)
	}
	return list
}

// A login is for all: children get its token, by their environment alone, also
// where something stands between daemon and child.
func oneLoginForManyChildren(t *testing.T, b *broker) {
	s := newLoginSite(t, b)
	s.settings["ingestion.offline_ingestor_executable"] = []string{"/usr/bin/env", "BETWEEN=1", offlineProgram}
	s.settings["logging.file_log"] = true
	s.settings["logging.file_log_base_name"] = filepath.Join(s.dir, "log")
	s.settings["ingestion.state_directory"] = filepath.Join(s.dir, "state")
	runs := s.measureAll(40)
	s.announce(runs...)
	d := s.start()
	var lines []string
	given := 0
	await(t, "all files", func() bool {
		for _, p := range append(d.children(), process{pid: d.cmd.Process.Pid}) {
			lines = append(lines, p.commandLine())
			if env := p.environment(); strings.Contains(env, "BETWEEN=1\n") && strings.Contains(env, "INGESTOR_SHARED_TOKEN=ey") && strings.Contains(env, "INGESTOR_SHARED_TOKEN_EXPIRES=2") {
				given++
			}
		}
		return s.catalogue.registered(runs...) || d.ended()
	}, d)
	s.finish(d)
	s.catalogue.checkOnce(runs...)
	if n := s.catalogue.logins(); n != 1 {
		t.Errorf("%d logins for 40 files", n)
	}
	if given == 0 {
		t.Error("no child was seen with the token in its environment")
	}
	if line, troubled := d.lineWith("WARNING", "atalogue"); troubled || d.says("Intake held", "catalogue-down") {
		t.Errorf("there was no trouble: %s", line)
	}
	s.noSecretIsTold(d, lines)
}

// A child that takes longer than its token lasts goes on with another one.
func tokenExpiresWhileChildrenRun(t *testing.T, b *broker) {
	s := newLoginSite(t, b)
	s.catalogue.SetTokenLife(3 * time.Second)
	s.catalogue.delay("GET", "/datasets/", 4*time.Second) // asked for before anything is made
	runs := s.measureAll(8)
	s.announce(runs...)
	d := s.start()
	await(t, "all files", func() bool { return s.catalogue.registered(runs...) || d.ended() }, d)
	s.finish(d)
	s.catalogue.checkOnce(runs...)
	if sums := d.sums(); sums["registered"] != 8 || sums["dead_lettered"] != 0 {
		t.Errorf("sums %v\n%s", sums, d)
	}
	if d.says("Intake held", "catalogue-down") || d.says("exit 77") {
		t.Errorf("the end of a token is an event\n%s", d)
	}
	if n := len(s.catalogue.tokens()); n < 3 {
		t.Errorf("%d tokens: none expired", n)
	}
	s.noSecretIsTold(d, nil)
}

// A catalogue that takes no token any more from one moment to the next: nothing
// is given up, and few log in again.
func tokenRevoked(t *testing.T, b *broker) {
	s := newLoginSite(t, b)
	s.catalogue.delay("POST", "/datasets$", 50*time.Millisecond)
	before, after := s.measureAll(6), s.measureAll(30)
	s.announce(before...)
	d := s.start()
	await(t, "some files", func() bool { return s.catalogue.registered(before...) || d.ended() }, d)
	if n := s.catalogue.logins(); n != 1 {
		t.Errorf("%d logins before", n)
	}
	s.announce(after[:15]...)
	if err := s.catalogue.RevokeTokens(); err != nil {
		t.Fatal(err)
	}
	await(t, "the daemon's own login", func() bool {
		return d.times(fmt.Sprintf("online-ingestor[%d] - INFO - Logged in", d.cmd.Process.Pid)) >= 2 || d.ended()
	}, d)
	s.announce(after[15:]...)
	runs := append(before, after...)
	await(t, "all files", func() bool { return s.catalogue.registered(runs...) || d.ended() }, d)
	s.finish(d)
	s.catalogue.checkOnce(runs...)
	if sums := d.sums(); sums["registered"] != 36 || sums["dead_lettered"] != 0 {
		t.Errorf("sums %v\n%s", sums, d)
	}
	// The daemon's, and those of the children that started before it.
	if n := s.catalogue.logins(); n > 2+15 {
		t.Errorf("%d logins", n)
	}
	s.noSecretIsTold(d, nil)
}

// A wrong password holds the intake and is said in one line; it is not tried on
// and on; the right one in the file mends it within seconds.
func wrongPassword(t *testing.T, b *broker) {
	s := newLoginSite(t, b)
	s.rotate("password", "password-of-yesterday")
	runs := s.measureAll(6)
	s.announce(runs...)
	d := s.start()
	d.awaitSays("Intake held", "hold=catalogue-down", "exit 77 (not permitted)", "log in as ingestor: user name or password is wrong")
	began := time.Now()
	await(t, "a repetition", func() bool { return d.times("Login at the catalogue refused") >= 3 || d.ended() }, d)
	if n, lines := s.catalogue.logins(), d.times("Login at the catalogue refused"); n > 4 || n != lines {
		t.Errorf("%d logins, %d of the daemon, within %v\n%s", n, lines, time.Since(began), d)
	}
	if n := s.catalogue.count("POST", "/datasets"); n != 0 {
		t.Errorf("%d datasets posted", n)
	}
	s.rotate("password", accountPassword)
	mended := time.Now()
	await(t, "all files", func() bool { return s.catalogue.registered(runs...) || d.ended() }, d)
	t.Logf("all registered %v after the password is right", time.Since(mended).Round(time.Millisecond))
	s.finish(d)
	s.catalogue.checkOnce(runs...)
	if sums := d.sums(); sums["dead_lettered"] != 0 {
		t.Errorf("sums %v", sums)
	}
	s.noSecretIsTold(d, nil)
	if d.says("password-of-yesterday") {
		t.Errorf("the log tells a password\n%s", d)
	}
}

// A password that is changed, first there and then in the file, is no event as
// long as a token is good.
func passwordRotated(t *testing.T, b *broker) {
	s := newLoginSite(t, b)
	s.catalogue.SetTokenLife(8 * time.Second)
	first, second := s.measureAll(3), s.measureAll(3)
	s.announce(first...)
	d := s.start()
	await(t, "the first files", func() bool { return s.catalogue.registered(first...) || d.ended() }, d)
	s.catalogue.SetPassword("ingestor", "password-of-tomorrow")
	s.rotate("password", "password-of-tomorrow")
	await(t, "the next login", func() bool { return s.catalogue.logins() >= 2 || d.ended() }, d)
	s.announce(second...)
	await(t, "the other files", func() bool { return s.catalogue.registered(second...) || d.ended() }, d)
	s.finish(d)
	s.catalogue.checkOnce(append(first, second...)...)
	if d.says("refused") || d.says("Intake held", "catalogue-down") {
		t.Errorf("there was no trouble\n%s", d)
	}
	if d.says("password-of-tomorrow") {
		t.Errorf("the log tells a password\n%s", d)
	}
}

// The catalogue is away when the daemon starts: it starts all the same, and logs
// in as soon as it can.
func loginAfterTheCatalogueIsBack(t *testing.T, b *broker) {
	s := newLoginSite(t, b)
	s.catalogue.stop()
	runs := s.measureAll(12)
	s.announce(runs...)
	d := s.start()
	d.awaitSays("Intake held", "hold=catalogue-down", "exit 69 (unavailable)")
	s.catalogue.start()
	await(t, "all files", func() bool { return s.catalogue.registered(runs...) || d.ended() }, d)
	s.finish(d)
	s.catalogue.checkOnce(runs...)
	// The daemon's, and at most those of the children that were there first.
	if n := s.catalogue.logins(); n > 1+5 {
		t.Errorf("%d logins", n)
	}
	s.noSecretIsTold(d, nil)
}

// newTokenFileSite is a site whose token is in a file.
func newTokenFileSite(t *testing.T, b *broker) *site {
	t.Helper()
	s := newSite(t, b, 1)
	delete(s.settings, "scicat.token")
	s.settings["scicat.token_file"] = s.write("token", []byte(token+"\n"))
	return s
}

const secondToken = "second-token-of-the-ingestor-b0"

// A token that is replaced before it ends is no event, not even for a child that
// has begun with the old one.
func tokenFileRotatedInTime(t *testing.T, b *broker) {
	s := newTokenFileSite(t, b)
	if err := s.catalogue.AddFault(scicattest.Fault{Method: "GET", PathPattern: "/datasets/", Delay: 3 * time.Second}); err != nil {
		t.Fatal(err)
	}
	runs := s.measureAll(4)
	s.announce(runs...)
	d := s.start()
	await(t, "children at work", func() bool { return len(d.children()) > 0 && s.catalogue.tokens()[token] || d.ended() }, d)
	s.catalogue.SetTokens("ingestor", token, secondToken)
	s.rotate("token", secondToken)
	s.catalogue.SetTokens("ingestor", secondToken)
	await(t, "all files", func() bool { return s.catalogue.registered(runs...) || d.ended() }, d)
	s.finish(d)
	s.catalogue.checkOnce(runs...)
	if d.says("Intake held", "catalogue-down") || d.says("exit 77") {
		t.Errorf("there was no trouble\n%s", d)
	}
	if d.says(secondToken) || d.says(token) {
		t.Errorf("the log tells a token\n%s", d)
	}
}

// A token that has ended holds the intake; once another one is in the file all
// goes on within seconds.
func tokenFileRotatedTooLate(t *testing.T, b *broker) {
	s := newTokenFileSite(t, b)
	first, second := s.measureAll(3), s.measureAll(6)
	s.announce(first...)
	d := s.start()
	await(t, "the first files", func() bool { return s.catalogue.registered(first...) || d.ended() }, d)
	s.catalogue.SetTokens("ingestor", secondToken)
	s.announce(second...)
	d.awaitSays("Intake held", "hold=catalogue-down", "exit 77 (not permitted)")
	await(t, "some tries", func() bool { return d.times("File waits for the end of the outage") >= 5 || d.ended() }, d)
	s.rotate("token", secondToken)
	mended := time.Now()
	await(t, "all files", func() bool { return s.catalogue.registered(second...) || d.ended() }, d)
	t.Logf("all registered %v after the token is there", time.Since(mended).Round(time.Millisecond))
	s.finish(d)
	s.catalogue.checkOnce(append(first, second...)...)
	if sums := d.sums(); sums["dead_lettered"] != 0 {
		t.Errorf("sums %v", sums)
	}
	if d.says(secondToken) || d.says(token) {
		t.Errorf("the log tells a token\n%s", d)
	}
}
