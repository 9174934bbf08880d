package scicat

import (
	"context"
	"errors"
	"net/http"
	"time"

	"ingestor/internal/fault"
)

// goodFor is how long one successful check of a token is relied on where many
// answers are empty. It may be revoked meanwhile.
const goodFor = 10 * time.Second

var (
	errTokenRejected = errors.New("the catalogue rejects the token")
	errNoTokenCheck  = errors.New("the catalogue offers no way to check a token")
)

// Token is what a login gives.
type Token struct {
	// Value is the secret itself.
	Value string
	// Expires is when it ends by the clock of this machine; zero when the
	// catalogue does not say.
	Expires time.Time
	// UserID identifies the account.
	UserID string
}

// String hides the token.
func (t Token) String() string { return "***" }

// GoString hides the token.
func (t Token) GoString() string { return "scicat.Token{***}" }

// CheckToken asks whether the token is good. Where it is rejected and the source
// gives another, that one counts. The error is of kind NotPermitted when it is
// rejected, Unavailable when the catalogue does not answer.
func (c *Client) CheckToken(ctx context.Context) error {
	_, err := c.goodToken(ctx)
	return err
}

// goodToken is CheckToken; it gives the token that is good.
func (c *Client) goodToken(ctx context.Context) (string, error) {
	r := request{method: http.MethodGet, url: c.addr.below("users/my/self"), check: true}
	rep, err := c.get(ctx, r, nil)
	if err != nil {
		return "", err
	}
	switch {
	case rep.ok():
		c.checked.Lock()
		c.good, c.goodUntil = rep.token, time.Now().Add(trust(rep))
		c.checked.Unlock()
		return rep.token, nil
	case rep.status == http.StatusUnauthorized || rep.status == http.StatusForbidden:
		return "", fault.Errorf(fault.NotPermitted, "%w (%s): %w", errTokenRejected, adviceOf(c.opt.Token), c.apiError(r, rep))
	}
	return "", fault.Errorf(fault.BadConfiguration, "%w: %w", errNoTokenCheck, c.apiError(r, rep))
}

// trust is how long the token of a successful check is relied on: not beyond its
// own end, by the catalogue's clock.
func trust(rep *reply) time.Duration {
	expires := spanOf(rep.token).expires
	if expires.IsZero() {
		return goodFor
	}
	now, err := http.ParseTime(rep.header.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	// The header leaves out what is less than a second.
	return min(goodFor, expires.Sub(now)-time.Second)
}

// believe says whether an answer that a stale token would get too may be believed
// (D14); sent is the token with which it was asked for. Again says that there is
// another token now, with which to ask once more. A successful check counts for
// some time, but not for what was refused. A catalogue without the endpoint is
// believed: what it refuses, it may refuse for the token; but nothing can be
// written with a stale one.
func (c *Client) believe(ctx context.Context, sent string, refused bool) (again bool, err error) {
	c.checked.Lock()
	known := sent == c.good && time.Now().Before(c.goodUntil)
	c.checked.Unlock()
	if known && !refused {
		return false, nil
	}
	good, err := c.goodToken(ctx)
	if errors.Is(err, errNoTokenCheck) {
		if refused {
			return c.renew(ctx, sent)
		}
		c.opt.Log.WithError(err).Warn("an empty answer of the catalogue is believed without a check of the token")
		return false, nil
	}
	return good != sent, err
}

// mostTokens is with how many tokens one question is asked. A renewal as planned
// may fall between a question and the check, and then one of them be rejected.
const mostTokens = 3

// asking calls ask, and again for as long as that says that there is another
// token now.
func asking(ask func() (again bool, err error)) error {
	for range mostTokens {
		if again, err := ask(); err != nil || !again {
			return err
		}
	}
	return fault.Errorf(fault.Unavailable, "the token for the catalogue ends sooner than a question is answered")
}
