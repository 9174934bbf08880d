package scicat

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"sync"

	"ingestor/internal/fault"
)

// Lookups answers the look-ups of one file. Each distinct URL is asked for once,
// whether it succeeds or not (D19), and different ones at the same time. It is
// safe for concurrent use.
type Lookups struct {
	client  *Client
	mu      sync.Mutex
	answers map[string]*answer
}

// answer is a look-up that is made or being made; done is closed in between.
type answer struct {
	done chan struct{}
	body []byte
	err  error
}

// Lookups starts a fresh set of look-ups, for one file.
func (c *Client) Lookups() *Lookups {
	return &Lookups{client: c, answers: map[string]*answer{}}
}

// mostShared is how much of what was found is known to the next file, in bytes.
const mostShared = 8 << 20

// Next starts the look-ups of the next file of a batch. What was found for the
// files before is known to it; what failed or was not there is asked for again.
func (l *Lookups) Next() *Lookups {
	next := l.client.Lookups()
	l.mu.Lock()
	defer l.mu.Unlock()
	size := 0
	for key, a := range l.answers {
		select {
		case <-a.done:
		default:
			continue // nobody waits for it any more
		}
		if a.err != nil || isNothing(a.body) || size+len(a.body) > mostShared {
			continue
		}
		size += len(a.body)
		next.answers[key] = a
	}
	return next
}

// isNothing says that a successful answer tells of nothing found.
func isNothing(body []byte) bool {
	rep := reply{body: body}
	return rep.empty() || bytes.Equal(bytes.TrimSpace(body), []byte("[]"))
}

// Lookup gives the body of a successful answer, which the caller must not change
// (D20). text is the rendered text of a schema's variable: an absolute URL, or
// one that begins with datasets, proposals, origdatablocks, instruments or
// samples. Errors of kind Unavailable and NotPermitted concern every look-up;
// others, such as a 404, only this one.
func (l *Lookups) Lookup(ctx context.Context, text string) ([]byte, error) {
	u, err := l.client.addr.lookup(text)
	if err != nil {
		return nil, fault.New(fault.BadInput, err)
	}
	key := u.String()
	for {
		l.mu.Lock()
		a, asked := l.answers[key]
		if !asked {
			a = &answer{done: make(chan struct{})}
			l.answers[key] = a
		}
		l.mu.Unlock()
		if !asked {
			l.ask(ctx, key, u, a)
			return a.body, a.err
		}
		select {
		case <-ctx.Done():
			return nil, ended(ctx, ctx.Err())
		case <-a.done:
		}
		// What ended with the context of another caller says nothing to us.
		if a.err == nil || !errors.Is(a.err, context.Canceled) || ctx.Err() != nil {
			return a.body, a.err
		}
	}
}

func (l *Lookups) ask(ctx context.Context, key string, u *url.URL, a *answer) {
	a.body, a.err = l.client.lookup(ctx, u)
	if ctx.Err() != nil && a.err != nil {
		l.mu.Lock()
		delete(l.answers, key)
		l.mu.Unlock()
	}
	close(a.done)
}

func (c *Client) lookup(ctx context.Context, u *url.URL) (body []byte, err error) {
	err = asking(func() (again bool, err error) {
		body, again, err = c.lookupOnce(ctx, request{method: http.MethodGet, url: u})
		return again, err
	})
	return body, err
}

func (c *Client) lookupOnce(ctx context.Context, r request) (body []byte, again bool, err error) {
	rep, err := c.get(ctx, r, nil)
	if err != nil {
		return nil, false, err
	}
	// A list is empty for a stale token too (D14), and what that is refused is no
	// fault of this file.
	refused := rep.status == http.StatusUnauthorized || rep.status == http.StatusForbidden
	empty := rep.ok() && bytes.Equal(bytes.TrimSpace(rep.body), []byte("[]"))
	if c.addr.own(r.url) && (refused || empty) {
		if again, err := c.believe(ctx, rep.token, refused); again || err != nil {
			return nil, again, err
		}
	}
	if rep.ok() {
		return rep.body, false, nil
	}
	return nil, false, fault.New(fault.BadInput, c.apiError(r, rep))
}
