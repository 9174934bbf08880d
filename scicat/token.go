package scicat

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"ingestor/internal/fault"
)

// goodFor is how long one successful check of a token is relied on.
const goodFor = time.Minute

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

// CheckToken asks whether the token is good. The error is of kind NotPermitted
// when it is rejected, Unavailable when the catalogue does not answer.
func (c *Client) CheckToken(ctx context.Context) error {
	token, err := c.token(ctx)
	if err != nil {
		return err
	}
	r := request{method: http.MethodGet, url: c.addr.below("users/my/self")}
	rep, err := c.get(ctx, r, nil)
	if err != nil {
		return err
	}
	switch {
	case rep.ok():
		c.checked.Lock()
		c.goodToken, c.goodUntil = token, time.Now().Add(goodFor)
		c.checked.Unlock()
		return nil
	case rep.status == http.StatusUnauthorized || rep.status == http.StatusForbidden:
		hint := "expired or wrong: renew scicat.token"
		if token == "" {
			hint = "none is configured: set scicat.token_file"
		}
		return fault.Errorf(fault.NotPermitted, "%w (%s): %w", errTokenRejected, hint, c.apiError(ctx, r, rep))
	}
	return fault.Errorf(fault.BadConfiguration, "%w: %w", errNoTokenCheck, c.apiError(ctx, r, rep))
}

// believe says whether the token is good, so that an answer which a stale token
// would get too may be believed (D14). A successful check counts for a minute. A
// catalogue without the endpoint is believed: nothing can be written with a
// stale token either.
func (c *Client) believe(ctx context.Context) error {
	token, err := c.token(ctx)
	if err != nil {
		return err
	}
	c.checked.Lock()
	good := token == c.goodToken && time.Now().Before(c.goodUntil)
	c.checked.Unlock()
	if good {
		return nil
	}
	err = c.CheckToken(ctx)
	if errors.Is(err, errNoTokenCheck) {
		c.opt.Log.WithError(err).Warn("an empty answer of the catalogue is believed without a check of the token")
		return nil
	}
	return err
}

// Login exchanges a name and a password for a token. The error is of kind
// NotPermitted when they are wrong.
func (c *Client) Login(ctx context.Context, user, password string) (Token, error) {
	body, err := encode("login", map[string]string{"username": user, "password": password})
	if err != nil {
		return Token{}, err
	}
	r := request{method: http.MethodPost, url: c.addr.below("auth/login"), body: body, anonymous: true, secret: password}
	// Logging in twice harms nothing, so it is retried like a GET.
	rep, err := c.get(ctx, r, nil)
	if err != nil {
		return Token{}, err
	}
	if !rep.ok() {
		e := c.apiError(ctx, r, rep)
		if rep.status == http.StatusUnauthorized || rep.status == http.StatusForbidden {
			return Token{}, fault.Errorf(fault.NotPermitted, "log in as %s: user name or password is wrong: %w", user, e)
		}
		return Token{}, classify(e)
	}
	var answer struct {
		AccessToken string `json:"access_token"`
		ID          string `json:"id"`
		ExpiresIn   int64  `json:"expires_in"` // seconds
		UserID      string `json:"userId"`
	}
	if err := json.Unmarshal(rep.body, &answer); err != nil || answer.AccessToken+answer.ID == "" {
		// The legacy endpoint answers 201 with nothing in it.
		return Token{}, fault.Errorf(fault.Unavailable, "log in as %s: %d, but the answer holds no token", user, rep.status)
	}
	t := Token{Value: answer.AccessToken, UserID: answer.UserID}
	if t.Value == "" {
		t.Value = answer.ID
	}
	if answer.ExpiresIn > 0 {
		t.Expires = time.Now().Add(time.Duration(answer.ExpiresIn) * time.Second)
	}
	return t, nil
}
