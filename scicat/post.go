package scicat

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"ingestor/internal/fault"
)

// Landed asks the catalogue whether what a POST was to make is there now.
type Landed func(ctx context.Context) (bool, error)

// errOutcome is wrapped by errors after which nobody knows whether the POST was
// carried out.
var errOutcome = errors.New("it is not known whether the catalogue carried it out")

// verdict is what one attempt of a POST means.
type verdict struct {
	done bool
	// final is an error that ends the call.
	final error
	// failure is an error after which the call goes on.
	failure error
	// unknown says that the attempt may have been carried out.
	unknown bool
	// refused says that it probably was not all the same: it is looked for where
	// that can be done.
	refused bool
	// late is for how long it may still be carried out.
	late  time.Duration
	pause time.Duration
	// renewed says that it was refused for its token, and there is another now.
	renewed bool
}

// The longest times for which a POST that nobody waits for any more is expected
// to be carried out: after our own time-out, and after a gateway's, which is
// long already.
const (
	maxLate        = 60 * time.Second
	maxLateGateway = 5 * time.Second
)

// post sends r until it succeeds, fails for good, or the retries are used up
// (D13). While an earlier attempt may have been carried out, landed is asked
// after the pause and right before the next attempt, and after the last one too.
// Where the catalogue itself refuses a second copy (unique) that is all; else it
// is asked for as long as the attempt may still be under way. The reply is nil
// when landed says yes. NotDone tells the errors after which nothing can be there.
//
// What is refused for its token has changed nothing, and is sent again at once
// when there is another one, however few retries are left. Where the catalogue
// takes a second copy landed is asked before: what was looked for earlier may
// have been looked for with the token that was refused.
func (c *Client) post(ctx context.Context, r request, unique bool, landed Landed) (*reply, error) {
	doubt := false
	rep, err := c.attempts(ctx, r, unique, landed, &doubt)
	if err != nil && !doubt {
		err = notDone{err}
	}
	return rep, err
}

// attempts is post; doubt is true while an attempt may have been carried out.
func (c *Client) attempts(ctx context.Context, r request, unique bool, landed Landed, doubt *bool) (*reply, error) {
	unknown, renewals := false, 0
	for try := 1; ; try++ {
		before := *doubt
		*doubt = true
		rep, err := c.once(ctx, r)
		v := c.judge(ctx, r, rep, err)
		switch {
		case v.done:
			return rep, nil
		case v.final != nil:
			*doubt = before || v.unknown
			return nil, v.final
		}
		unknown = unknown || v.unknown
		*doubt = before || v.unknown && !v.refused
		if v.renewed && renewals < mostTokens {
			renewals, try = renewals+1, try-1
			if unique || landed == nil {
				continue
			}
			if there, err := landed(ctx); there || err != nil && !errors.Is(err, ErrUnreadable) {
				return nil, err
			}
			continue
		}
		last := try > c.opt.MaxRetries
		if unknown && landed == nil {
			return nil, fault.Errorf(fault.Unavailable, "%w; %w", v.failure, errOutcome)
		}
		if last && !unknown {
			return nil, unavailable(v.failure, try)
		}
		step, until := try, time.Now()
		if last {
			step = 1
		}
		if !unique {
			until = until.Add(v.late)
		}
		if err := c.pause(ctx, step, v.pause, v.failure); err != nil {
			return nil, err
		}
		if unknown {
			there, err := c.look(ctx, landed, until, v.failure)
			switch {
			case errors.Is(err, ErrUnreadable) && !*doubt:
				// Refused each time: there is nothing to be seen.
			case errors.Is(err, ErrUnreadable):
				// The account may post what it may not see: only time, or the
				// catalogue's own word, can tell.
				return nil, fault.Errorf(fault.Unavailable, "%w; %w, and %w", v.failure, errOutcome, err)
			case err != nil:
				return nil, fmt.Errorf("%w (%w: %w)", err, errOutcome, v.failure)
			case there:
				return nil, nil
			}
		}
		if last {
			return nil, unavailable(v.failure, try)
		}
	}
}

// look asks landed at least once, and then again until the time is over.
func (c *Client) look(ctx context.Context, landed Landed, until time.Time, failure error) (bool, error) {
	for try := 1; ; try++ {
		there, err := landed(ctx)
		left := time.Until(until)
		if err != nil || there || left <= 0 {
			return there, err
		}
		if err := c.sleep(ctx, min(c.backoff(try, 0), left), failure); err != nil {
			return false, err
		}
	}
}

// judge decides what an attempt means.
func (c *Client) judge(ctx context.Context, r request, rep *reply, err error) verdict {
	var connect *connectError
	var unsent *tokenError
	switch {
	case errors.As(err, &unsent):
		return verdict{final: err}
	case errors.As(err, &connect) && connect.hopeless:
		return verdict{final: fault.New(fault.Unavailable, err)}
	case connect != nil:
		v := verdict{failure: err, unknown: !connect.unsent}
		if errors.Is(err, context.DeadlineExceeded) {
			v.late = min(2*c.opt.Timeout, maxLate)
		}
		return v
	case err != nil:
		// Whatever ended it, some of it may have been sent.
		return verdict{final: err, unknown: true}
	case rep.ok():
		return verdict{done: true}
	}
	e := c.apiError(r, rep)
	switch {
	case e.Status == http.StatusUnauthorized, e.Status == http.StatusForbidden:
		return c.judgeRefusal(ctx, e, rep.token)
	case transient(e.Status) && !failedValidation(e):
		// A 429 is answered before anything is done; a 5xx may come from a
		// gateway that lost the answer. 503 is what one says that did not try.
		v := verdict{failure: e, unknown: e.Status >= 500, refused: e.Status == http.StatusServiceUnavailable, pause: e.RetryAfter}
		if e.Status == http.StatusGatewayTimeout {
			v.late = min(2*c.opt.Timeout, maxLateGateway)
		}
		return v
	case failedValidation(e):
		return verdict{final: fault.New(fault.BadInput, e)}
	}
	return verdict{final: classify(e)}
}

// failedValidation says that a 500 lists fields: the database's own validation
// refused the document, and will do so for ever.
func failedValidation(e *APIError) bool {
	return e.Status == http.StatusInternalServerError && len(e.Fields) > 0
}

// judgeRefusal looks behind a 401 or 403 of a write. The backend also answers
// 403 when its database is away (scicat-api.md fact 6), so health and token are
// asked before the refusal is believed. Nothing was carried out in any case.
func (c *Client) judgeRefusal(ctx context.Context, e *APIError, sent string) verdict {
	if token, err := c.token(ctx); err != nil {
		return verdict{final: err}
	} else if token != "" && token != sent {
		return verdict{failure: e, renewed: true} // meanwhile
	}
	if err := c.Health(ctx); fault.KindOf(err) == fault.Unavailable && err != nil {
		if ctx.Err() != nil {
			return verdict{final: err}
		}
		return verdict{failure: fmt.Errorf("%w (%w)", e, err)}
	}
	good, err := c.goodToken(ctx)
	renewed := err == nil && good != sent
	if errors.Is(err, errNoTokenCheck) {
		if renewed, err = c.renew(ctx, sent); err != nil {
			return verdict{final: err}
		}
	}
	switch {
	case renewed:
		return verdict{failure: e, renewed: true}
	case err == nil:
		return verdict{final: fault.Errorf(fault.NotPermitted, "%w (the token is good, the account lacks the right)", e)}
	case fault.KindOf(err) == fault.NotPermitted:
		return verdict{final: fault.Errorf(fault.NotPermitted, "%w (%w)", e, err)}
	default:
		return verdict{final: err}
	}
}
