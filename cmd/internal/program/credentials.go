package program

import (
	"context"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"ingestor/configs"
	"ingestor/internal/buildinfo"
	"ingestor/internal/fault"
	"ingestor/scicat"
)

// How the daemon tells a child, in its environment, what it has from its login:
// the token with its end (RFC 3339), or why there is none. A child uses the token
// first and logs in by itself only when that is rejected or at its end.
const (
	sharedToken        = "INGESTOR_SHARED_TOKEN"
	sharedTokenExpires = "INGESTOR_SHARED_TOKEN_EXPIRES"
	loginRefused       = "INGESTOR_LOGIN_REFUSED"
)

// Credentials is what lets a program into the catalogue, as configured: a token,
// a file with one, or a login.
type Credentials struct {
	options scicat.Options
	source  scicat.TokenSource
	login   *scicat.Login        // nil without one
	files   []*scicat.SecretFile // that may be replaced at any time
	log     logrus.FieldLogger
	changed chan struct{}
	given   atomic.Bool // the token went to a child since it was checked
	wanted  chan struct{}
}

// NewCredentials makes those of a daemon, which logs in for its children too.
// Nothing is sent yet.
func NewCredentials(name string, c configs.SciCat, log logrus.FieldLogger) (*Credentials, error) {
	_ = takeShared() // it was meant for somebody else
	o := catalogueOptions(name, c, log)
	o.MaxRetries = -1 // Run tries again
	return newCredentials(o, c, shared{}, log)
}

func newCredentials(o scicat.Options, c configs.SciCat, from shared, log logrus.FieldLogger) (*Credentials, error) {
	k := &Credentials{options: o, log: log, changed: make(chan struct{}, 1), wanted: make(chan struct{}, 1)}
	switch {
	case c.Username != "":
		password := func() string { return string(c.Password) }
		if c.PasswordFile != "" {
			file := scicat.NewSecretFile(c.PasswordFile, string(c.Password))
			k.files, password = append(k.files, file), file.Value
		}
		login, err := scicat.NewLogin(scicat.LoginOptions{
			Catalogue: o, Username: c.Username, Password: password, Shared: from.token, Refused: from.refused,
		})
		if err != nil {
			return nil, fault.New(fault.BadConfiguration, err)
		}
		k.login, k.source = login, login
	case c.TokenFile != "":
		file := scicat.NewSecretFile(c.TokenFile, string(c.Token))
		k.files, k.source = append(k.files, file), scicat.TokenFile(file)
	default:
		k.source = scicat.StaticToken(string(c.Token))
	}
	return k, nil
}

// Catalogue makes a client that uses them.
func (k *Credentials) Catalogue() (*scicat.Client, error) {
	o := k.options
	o.Token = k.source
	client, err := scicat.New(o)
	if err != nil {
		return nil, fault.New(fault.BadConfiguration, err)
	}
	return client, nil
}

// Prepare makes the first login, so that the first children get its token. One
// that fails is no reason not to start: Run tries again.
func (k *Credentials) Prepare(ctx context.Context) {
	const patience = 10 * time.Second
	if k.login == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if _, err := k.source.Token(ctx); err != nil && ctx.Err() != nil {
		k.log.WithError(err).Warn("Login at the catalogue takes long; starting without it")
	}
}

// Environment is what a child gets besides its environment: NAME=value, secrets
// among them. It does not wait for a login. Without a login it is empty.
func (k *Credentials) Environment() []string {
	if k.login == nil {
		return nil
	}
	token := k.login.Current()
	if token.Value == "" {
		if err := k.login.Failure(); err != nil {
			return []string{loginRefused + "=" + oneLine(err.Error())}
		}
		// This child has to log in by itself; the next ones need not.
		notify(k.wanted)
		return nil
	}
	k.given.Store(true)
	env := []string{sharedToken + "=" + token.Value}
	if !token.Expires.IsZero() {
		env = append(env, sharedTokenExpires+"="+token.Expires.UTC().Format(time.RFC3339Nano))
	}
	return env
}

// Changed gets an element when there is another token or password than before:
// what was refused may be tried again at once.
func (k *Credentials) Changed() <-chan struct{} { return k.changed }

// shared is what a child got from its daemon.
type shared struct {
	token   scicat.Token
	refused string
}

// takeShared takes it out of our environment, so that nobody inherits it.
func takeShared() shared {
	s := shared{token: scicat.Token{Value: strings.TrimSpace(os.Getenv(sharedToken))}, refused: os.Getenv(loginRefused)}
	if s.token.Value != "" {
		// Without an end it is used until it is rejected.
		s.token.Expires, _ = time.Parse(time.RFC3339Nano, os.Getenv(sharedTokenExpires))
		s.refused = ""
	}
	if s.refused != "" {
		s.refused = "the daemon could not log in: " + s.refused
	}
	for _, name := range []string{sharedToken, sharedTokenExpires, loginRefused} {
		// It only fails for names that can not be.
		_ = os.Unsetenv(name)
	}
	return s
}

// oneLine is a text that fits into a variable, cut where it is long.
func oneLine(s string) string {
	const most = 500
	s = strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, s)
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

func catalogueOptions(name string, c configs.SciCat, log logrus.FieldLogger) scicat.Options {
	retries := c.MaxRetries
	if retries == 0 {
		retries = -1 // the client's zero value is its default
	}
	return scicat.Options{
		BaseURL: c.Host, Headers: c.AdditionalHeaders,
		Endpoints: c.APIEndpoints.Map(), HealthEndpoint: c.HealthEndpoint,
		Timeout: c.Timeout, CAFile: c.CAFile, InsecureSkipVerify: c.InsecureSkipVerify,
		MaxRetries: retries, RetryDelay: c.RetryDelay, RetryMaxDelay: c.RetryMaxDelay,
		UserAgent: buildinfo.UserAgent(name), Log: log,
	}
}

// Catalogue makes the client of the catalogue for a program that ingests by
// itself, perhaps as a child.
func Catalogue(name string, c configs.SciCat, log logrus.FieldLogger) (*scicat.Client, error) {
	k, err := newCredentials(catalogueOptions(name, c, log), c, takeShared(), log)
	if err != nil {
		return nil, err
	}
	return k.Catalogue()
}
