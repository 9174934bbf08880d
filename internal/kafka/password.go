package kafka

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
)

// passwordEvery is how often a password file is looked at.
const passwordEvery = time.Second

// errNoPassword is a file without content, as in the midst of being replaced.
var errNoPassword = errors.New("it is empty")

// password is the SASL password of a source or producer, from a file that may
// change. It is safe for several goroutines.
type password struct {
	path string // "" when the password stays as it is

	mu     sync.Mutex
	text   string
	state  fs.FileInfo
	looked time.Time
}

// newPassword reads the file. Without one the password is the given one.
func newPassword(path, given string) (*password, error) {
	p := &password{path: path, text: given}
	return p, p.look(time.Now())
}

// current is the password that was read last.
func (p *password) current() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text
}

// look reads the file if it may have changed, at most once in passwordEvery.
// After an error the password is what it was.
func (p *password) look(now time.Time) error {
	if p.path == "" {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Sub(p.looked) < passwordEvery {
		return nil
	}
	p.looked = now
	state, err := os.Stat(p.path)
	if err != nil {
		return fmt.Errorf("password file: %w", err)
	}
	if p.state != nil && os.SameFile(state, p.state) && state.Size() == p.state.Size() &&
		state.ModTime().Equal(p.state.ModTime()) {
		return nil
	}
	content, err := os.ReadFile(p.path)
	if err != nil {
		return fmt.Errorf("password file: %w", err)
	}
	text := strings.TrimRight(string(content), "\r\n")
	if text == "" {
		return fmt.Errorf("password file %s: %w", p.path, errNoPassword)
	}
	p.text, p.state = text, nil
	// Time stamps are coarse: what was written just now is read once more.
	if now.Sub(state.ModTime()) > passwordEvery {
		p.state = state
	}
	return nil
}

// properties are the given ones with the password of now.
func (p *password) properties(given map[string]string) map[string]string {
	if p.path == "" {
		return given
	}
	all := maps.Clone(given)
	all[saslPassword] = p.current()
	return all
}

const (
	saslUsername = "sasl.username"
	saslPassword = "sasl.password"
)

// credentials are those of one client of the library.
type credentials struct {
	password *password
	user     string
	told     string // the password that the client has
	secrets  *secrets
	reports  *reports
}

// renew tells the client the password when the file has another one. What is
// connected stays so; the next connections log in with it.
func (c *credentials) renew(client interface {
	SetSaslCredentials(user, password string) error
}, now time.Time) {
	if err := c.password.look(now); err != nil {
		c.reports.write(logrus.WarnLevel, "kafka: "+err.Error()+"; the password stays what it was")
	}
	text := c.password.current()
	if text == c.told {
		return
	}
	c.told = text
	c.secrets.learn(text)
	if err := client.SetSaslCredentials(c.user, text); err != nil {
		c.reports.write(logrus.ErrorLevel, "kafka: the new password is not taken: "+err.Error())
		return
	}
	// Should this one be refused too, then that is news.
	c.reports.forget()
	c.reports.write(logrus.InfoLevel, "kafka: the password file has changed; from now on logins are done with its new password")
}
