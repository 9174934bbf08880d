package scicat

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"ingestor/internal/fault"
)

// LoginOptions are the settings of a Login.
type LoginOptions struct {
	// Catalogue says how the catalogue is reached; its Token is not used.
	Catalogue Options
	// Username of the account.
	Username string
	// Password gives its password. It is asked before every login, so that a new
	// password counts at once.
	Password func() string
	// Shared is a token that somebody else has logged in for. It is used to its
	// end, or until it is rejected.
	Shared Token
	// Refused, if set, is why somebody else who logs in for us could not: nothing
	// is tried then.
	Refused string
}

// Login is a TokenSource that logs in with a name and a password: when the first
// token is needed, again at three quarters of a token's life, and when the
// catalogue rejects a token. Callers at the same time share one login. After a
// login that was refused the catalogue is left alone for a while, because it may
// lock the account, unless the password has changed since.
type Login struct {
	client   *Client
	user     string
	password func() string
	refused  string
	log      logrus.FieldLogger

	// flight holds one element while somebody logs in.
	flight chan struct{}

	mu sync.Mutex
	// token is the present one, renew when to replace it (zero: not planned), made
	// when we logged in for it (zero: somebody else has).
	token       Token
	renew, made time.Time
	// tries counts the logins, refusals those in a row that were refused.
	tries, refusals int
	// failure is how the last login ended, wrong the password with which it was
	// refused; it is not used before again.
	failure error
	wrong   string
	again   time.Time
	// rejected says that the token before was rejected when it was young.
	rejected bool
}

// The pauses after a login that was refused double from the first to the longest.
// A planned renewal that fails otherwise is tried again after pauseUnavailable.
const (
	firstRefusal     = 5 * time.Second
	longestRefusal   = 5 * time.Minute
	pauseUnavailable = 5 * time.Second
	// youngest is the age below which a token should not be rejected. The second
	// such one counts as a refused login: a third would get the same.
	youngest = 10 * time.Second
)

// NewLogin makes a Login; nothing is sent yet. All faults of the options are
// listed in one error of kind BadConfiguration.
func NewLogin(o LoginOptions) (*Login, error) {
	o.Catalogue.Token = nil
	client, err := New(o.Catalogue)
	if o.Username == "" || o.Password == nil && o.Refused == "" {
		err = errors.Join(err, errors.New("a login needs a user name and a password"))
	}
	if err != nil {
		return nil, fault.New(fault.BadConfiguration, err)
	}
	return &Login{
		client: client, user: o.Username, password: o.Password, refused: o.Refused, token: o.Shared,
		log: client.opt.Log.WithField("user", o.Username), flight: make(chan struct{}, 1),
	}, nil
}

func (l *Login) advice() string { return "although it comes from a login as " + l.user }

// Token gives the present token, or logs in for one.
func (l *Login) Token(ctx context.Context) (string, error) {
	token, due := l.present(time.Now())
	if token == "" {
		return l.demand(ctx)
	}
	if !due {
		return token, nil
	}
	// One renews, the others go on with what they have. So does that one when it
	// fails: there is time left.
	select {
	case l.flight <- struct{}{}:
		defer func() { <-l.flight }()
	default:
		return token, nil
	}
	if err := l.logIn(ctx, true); err != nil {
		return token, ctx.Err()
	}
	newer, _ := l.present(time.Now())
	return newer, nil
}

// present is the token that may be used now, if any, and whether to replace it.
func (l *Login) present(now time.Time) (token string, due bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.token.Expires.IsZero() && !now.Before(l.token.Expires) {
		return "", true
	}
	return l.token.Value, !l.renew.IsZero() && !now.Before(l.renew) && !l.holdsBack(now)
}

// holdsBack says that a refused login is not to be repeated yet. The caller holds mu.
func (l *Login) holdsBack(now time.Time) bool {
	return l.refusals > 0 && now.Before(l.again) && l.password() == l.wrong
}

// demand logs in because there is no token, or waits for who does.
func (l *Login) demand(ctx context.Context) (string, error) {
	if l.refused != "" {
		return "", fault.Errorf(fault.NotPermitted, "%s", l.refused)
	}
	l.mu.Lock()
	before := l.tries
	l.mu.Unlock()
	select {
	case l.flight <- struct{}{}:
		defer func() { <-l.flight }()
	case <-ctx.Done():
		return "", ended(ctx, ctx.Err())
	}
	if token, _ := l.present(time.Now()); token != "" {
		return token, nil
	}
	l.mu.Lock()
	failure := l.failure
	if failure != nil && l.tries == before && !l.holdsBack(time.Now()) {
		failure = nil // an old one
	}
	l.mu.Unlock()
	if failure != nil {
		return "", failure
	}
	if err := l.logIn(ctx, false); err != nil {
		return "", err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.token.Value, nil
}

// Renew hears that the catalogue rejects a token, and logs in for another one
// unless there is one already.
func (l *Login) Renew(ctx context.Context, rejected string) (bool, error) {
	now := time.Now()
	l.mu.Lock()
	if l.token.Value == rejected {
		young := !l.made.IsZero() && now.Sub(l.made) < youngest
		if young && l.rejected {
			l.refuse(now, l.password(), fault.Errorf(fault.NotPermitted, "%w that it has just given to %s, again and again", errTokenRejected, l.user))
		}
		l.token, l.rejected = Token{}, young
	}
	l.mu.Unlock()
	token, err := l.Token(ctx)
	return err == nil && token != rejected, err
}

// logIn makes one login; the caller holds the flight. A hasty one is not repeated
// when the catalogue does not answer. What ended with ctx counts as not tried.
func (l *Login) logIn(ctx context.Context, hasty bool) error {
	password := l.password()
	var token Token
	err := fault.Errorf(fault.NotPermitted, "log in as %s: there is no password: set scicat.password_file", l.user)
	if password != "" {
		token, err = l.client.login(ctx, l.user, password, hasty)
	}
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil:
		l.tries++
		l.rejected = l.rejected && l.token.Value == ""
		if !l.rejected { // else it has yet to be seen whether this one is better
			l.refusals = 0
		}
		l.failure, l.wrong, l.again = nil, "", time.Time{}
		l.token, l.made, l.renew = token, now, time.Time{}
		if life := token.Expires.Sub(now); !token.Expires.IsZero() {
			l.renew = now.Add(max(life*3/4, min(life, time.Second)))
		}
		l.log.WithField("expires", shownTime(token.Expires)).Info("Logged in at the catalogue")
		return nil
	case ctx.Err() != nil:
		return err
	case fault.KindOf(err) == fault.Unavailable:
		l.tries++
		l.log.WithError(err).Debug("Login at the catalogue failed")
		l.failure, l.renew = err, now.Add(pauseUnavailable)
		return err
	}
	l.tries++
	l.refuse(now, password, err)
	return err
}

// refuse notes a refused login. The caller holds mu.
func (l *Login) refuse(now time.Time, password string, err error) {
	pause := longestRefusal
	if l.refusals < 10 {
		pause = min(firstRefusal<<l.refusals, longestRefusal)
	}
	l.refusals++
	l.failure, l.wrong, l.again, l.renew = err, password, now.Add(pause), now
	l.log.WithError(err).WithField("pause", pause.String()).Debug("Login at the catalogue refused")
}

// Current is the present token, without any login; empty when there is none.
func (l *Login) Current() Token {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.token.Expires.IsZero() && !time.Now().Before(l.token.Expires) {
		return Token{}
	}
	return l.token
}

// Failure is why the last login was refused; nil when it was not, or when it is
// not known because the catalogue did not answer.
func (l *Login) Failure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if fault.KindOf(l.failure) == fault.Unavailable {
		return nil
	}
	return l.failure
}

func shownTime(t time.Time) string {
	if t.IsZero() {
		return "unknown"
	}
	return t.UTC().Format(time.RFC3339)
}
