package scicat

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"ingestor/internal/fault"
)

// maxReply bounds what is read of one answer. The backend takes 16 MiB and
// gives back somewhat more than it took.
const maxReply = 64 << 20

const bearer = "Bearer "

// request is one call, which may be sent several times.
type request struct {
	method    string
	url       *url.URL
	body      []byte
	anonymous bool   // without the token
	secret    string // kept out of errors
	hasty     bool   // is not tried again
	check     bool   // a 401 means that the token is rejected, nothing else
}

// reply is an answer of the catalogue, whatever its status.
type reply struct {
	status int
	header http.Header
	body   []byte
	// cut says that the body ended early, or was longer than maxReply.
	cut error
	// token is the source's that was sent; "" when none was.
	token string
}

func (r *reply) ok() bool { return r.status >= 200 && r.status < 300 }

// empty says that there is nothing in the body: no text, or null.
func (r *reply) empty() bool {
	text := strings.TrimSpace(string(r.body[:min(len(r.body), 64)]))
	return len(r.body) <= 64 && (text == "" || text == "null" || text == `""`)
}

// connectError is a request that got no answer.
type connectError struct {
	method, where string
	err           error
	// unsent says that the request can not have reached the catalogue.
	unsent bool
	// hopeless says that trying again soon changes nothing.
	hopeless bool
}

func (e *connectError) Error() string {
	return fmt.Sprintf("catalogue: %s %s: %v", e.method, e.where, e.err)
}
func (e *connectError) Unwrap() error { return e.err }

// tokenError is a request that was not sent for want of a token. It concerns every
// request: its kind is Unavailable or NotPermitted, but for the end of a context.
type tokenError struct{ err error }

func (e *tokenError) Error() string { return "token for the catalogue: " + e.err.Error() }
func (e *tokenError) Unwrap() error { return e.err }

// once sends r once, a check of the token once more where that is rejected and
// there is another one. The error is a *connectError, the end of ctx, or a
// *tokenError; any status is a reply.
func (c *Client) once(ctx context.Context, r request) (*reply, error) {
	rep, err := c.send(ctx, r)
	if err != nil || !r.check || rep.status != http.StatusUnauthorized {
		return rep, err
	}
	if another, err := c.renew(ctx, rep.token); err != nil || !another {
		return rep, err
	}
	return c.send(ctx, r)
}

// renew tells the source that a token is rejected, and whether there is another.
func (c *Client) renew(ctx context.Context, rejected string) (another bool, err error) {
	if rejected == "" {
		return false, nil
	}
	if another, err = c.opt.Token.Renew(ctx, rejected); err != nil {
		return false, &tokenError{err}
	}
	return another, nil
}

func (c *Client) send(ctx context.Context, r request) (*reply, error) {
	// Getting a token is not part of the attempt: it has its own limits.
	token, err := c.tokenFor(ctx, r)
	if err != nil {
		return nil, err
	}
	attempt, cancel := context.WithTimeout(ctx, c.opt.Timeout)
	defer cancel()
	req, err := c.newRequest(attempt, r, token)
	if err != nil {
		return nil, err
	}
	started := time.Now()
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.noAnswer(ctx, r, err)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxReply+1))
	if closeErr := resp.Body.Close(); err == nil {
		err = closeErr
	}
	rep := &reply{
		status: resp.StatusCode, header: resp.Header, body: body, cut: err, token: token,
	}
	if len(body) > maxReply {
		rep.cut = fmt.Errorf("more than %d MiB", maxReply>>20)
	}
	c.opt.Log.WithFields(map[string]any{
		"method": r.method, "path": c.addr.shown(r.url), "status": rep.status, "dur": time.Since(started).Round(time.Microsecond).String(),
	}).Debug("catalogue answers")
	if rep.cut != nil && (r.method == http.MethodGet || !rep.ok()) {
		return nil, c.noAnswer(ctx, r, fmt.Errorf("answer cut off: %w", rep.cut))
	}
	return rep, nil
}

func (c *Client) newRequest(ctx context.Context, r request, token string) (*http.Request, error) {
	var body io.Reader
	if r.body != nil {
		body = bytes.NewReader(r.body)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, r.url.String(), body)
	if err != nil {
		return nil, fault.Errorf(fault.Bug, "catalogue: %s %s: %w", r.method, c.addr.shown(r.url), err)
	}
	req.Header.Set("User-Agent", c.opt.UserAgent)
	req.Header.Set("Accept", "application/json")
	if c.addr.own(r.url) {
		for name, value := range c.opt.Headers {
			req.Header.Set(name, value)
		}
	}
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.anonymous {
		req.Header.Del("Authorization")
	}
	if token != "" {
		req.Header.Set("Authorization", bearer+token)
	}
	return req, nil
}

// tokenFor is what goes with r: nobody else gets the token.
func (c *Client) tokenFor(ctx context.Context, r request) (string, error) {
	if r.anonymous || !c.addr.own(r.url) {
		return "", nil
	}
	return c.token(ctx)
}

// token asks the source. Its errors keep their kind.
func (c *Client) token(ctx context.Context) (string, error) {
	token, err := c.opt.Token.Token(ctx)
	switch {
	case err != nil && ctx.Err() != nil:
		return "", &tokenError{ended(ctx, err)}
	case err != nil:
		return "", &tokenError{err}
	}
	token = strings.TrimSpace(token)
	if !validHeaderValue(token) {
		return "", &tokenError{fault.Errorf(fault.NotPermitted, "it holds control characters")}
	}
	return token, nil
}

// noAnswer describes why a request got no answer.
func (c *Client) noAnswer(ctx context.Context, r request, err error) error {
	where := c.addr.shown(r.url)
	if cause := ctx.Err(); cause != nil {
		return ended(ctx, fmt.Errorf("catalogue: %s %s: %w", r.method, where, cause))
	}
	// The text of url.Error repeats method and URL.
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	if refused := noConnection(r.url.Host, err); refused != nil && !errors.Is(err, context.DeadlineExceeded) {
		return &connectError{method: r.method, where: where, err: refused, unsent: true}
	}
	e := &connectError{method: r.method, where: c.addr.whole(r.url), err: err, unsent: neverSent(err)}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		e.err = fmt.Errorf("no answer within %v: %w", c.opt.Timeout, context.DeadlineExceeded)
	case badCertificate(err):
		e.err = fmt.Errorf("%w (to trust a site's own authority name its file in scicat.ca_file)", err)
		e.hopeless, e.unsent = true, true
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		e.err = errors.New("connection closed before the answer")
	}
	return e
}

// ended marks an error about the end of ctx: running out of a time that the
// caller set is the catalogue's slowness, a cancellation is the caller's wish.
func ended(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fault.New(fault.Unavailable, err)
	}
	return err
}
