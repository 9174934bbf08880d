package scicat

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// get sends a GET until an answer is final in the eyes of its caller, or the
// retries are used up. The error is then of kind Unavailable. Whatever is not
// transient counts as final when final is nil.
func (c *Client) get(ctx context.Context, r request, final func(*reply) bool) (*reply, error) {
	if final == nil {
		final = func(rep *reply) bool { return !transient(rep.status) }
	}
	for try := 1; ; try++ {
		rep, err := c.once(ctx, r)
		if err == nil && final(rep) {
			return rep, nil
		}
		var failure error
		var pause time.Duration
		var connect *connectError
		switch {
		case err == nil:
			e := c.apiError(r, rep)
			if rep.ok() {
				e.Message = strings.TrimSuffix("not the JSON that was asked for: "+e.Message, ": ")
			}
			failure, pause = e, e.RetryAfter
		case errors.As(err, &connect):
			failure = err
		default:
			return nil, err
		}
		if try > c.opt.MaxRetries || r.hasty || connect != nil && connect.hopeless {
			return nil, unavailable(failure, try)
		}
		if err := c.pause(ctx, try, pause, failure); err != nil {
			return nil, err
		}
	}
}

// pause waits before attempt try+1; asked is what the catalogue wants. The
// error is the end of ctx.
func (c *Client) pause(ctx context.Context, try int, asked time.Duration, failure error) error {
	wait := c.backoff(try, asked)
	c.opt.Log.WithError(failure).WithFields(map[string]any{
		"attempt": try, "pause": wait.Round(time.Millisecond).String(),
	}).Info("catalogue is tried again")
	return c.sleep(ctx, wait, failure)
}

func (c *Client) sleep(ctx context.Context, wait time.Duration, failure error) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ended(ctx, fmt.Errorf("%w, after %w", ctx.Err(), failure))
	case <-timer.C:
		return nil
	}
}

// backoff doubles from RetryDelay to RetryMaxDelay, shortened at random by up
// to a half so that many clients do not come back together. The catalogue's own
// wish is a lower bound, but a gateway that asks for an hour is not obeyed: the
// caller knows better what to do with an hour.
func (c *Client) backoff(try int, asked time.Duration) time.Duration {
	limit := c.opt.RetryMaxDelay
	d := limit
	if shift := try - 1; shift < 32 && c.opt.RetryDelay<<shift > 0 {
		d = min(c.opt.RetryDelay<<shift, limit)
	}
	if half := int64(d / 2); half > 0 {
		d -= time.Duration(rand.Int64N(half))
	}
	return max(d, min(asked, max(limit, DefaultRetryMaxDelay)))
}

// retryAfter reads Retry-After, in seconds or as a date. A date is compared
// with the Date of the same answer, so that clocks need not agree.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if text == "" {
		return 0
	}
	if seconds, err := strconv.ParseInt(text, 10, 32); err == nil {
		return max(0, time.Duration(seconds)*time.Second)
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	if sent, err := http.ParseTime(h.Get("Date")); err == nil {
		now = sent
	}
	return max(0, at.Sub(now))
}
