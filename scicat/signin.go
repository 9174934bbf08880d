package scicat

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"ingestor/internal/fault"
)

// Login exchanges a name and a password for a token. The error is of kind
// NotPermitted when they are wrong.
func (c *Client) Login(ctx context.Context, user, password string) (Token, error) {
	return c.login(ctx, user, password, false)
}

// login is Login; a hasty one is not repeated when the catalogue does not answer.
func (c *Client) login(ctx context.Context, user, password string, hasty bool) (Token, error) {
	body, err := encode("login", map[string]string{"username": user, "password": password})
	if err != nil {
		return Token{}, err
	}
	r := request{method: http.MethodPost, url: c.addr.below("auth/login"), body: body, anonymous: true, secret: password, hasty: hasty}
	// Logging in twice harms nothing, so it is retried like a GET.
	rep, err := c.get(ctx, r, nil)
	if err != nil {
		return Token{}, fmt.Errorf("log in as %s: %w", user, err)
	}
	if !rep.ok() {
		return Token{}, refusedLogin(user, c.apiError(r, rep))
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
	t := Token{Value: strings.TrimSpace(answer.AccessToken), UserID: answer.UserID}
	if t.Value == "" {
		t.Value = strings.TrimSpace(answer.ID)
	}
	if !validHeaderValue(t.Value) {
		return Token{}, fault.Errorf(fault.Unavailable, "log in as %s: the token holds control characters", user)
	}
	life := time.Duration(min(answer.ExpiresIn, longestLife)) * time.Second
	if life <= 0 {
		life = spanOf(t.Value).life()
	}
	if life > 0 {
		t.Expires = time.Now().Add(life)
	}
	return t, nil
}

// longestLife of a token in seconds; the backend's "never" is a hundred years.
const longestLife = 100 * 366 * 24 * 3600

// refusedLogin is the error of a login that will be answered the same next time.
// Whatever it is, no file is at fault and nothing is permitted.
func refusedLogin(user string, e *APIError) error {
	if e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden {
		return fault.Errorf(fault.NotPermitted,
			"log in as %s: user name or password is wrong (scicat.username, scicat.password_file): %w", user, e)
	}
	return fault.Errorf(fault.NotPermitted, "log in as %s: %w", user, classify(e))
}
