package scicat

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"ingestor/internal/fault"
)

// Health asks once whether the catalogue is well. The token goes along only to
// the catalogue's own host, and only if there is one: whether there can be any is
// another question. The error is of kind Unavailable when the catalogue is away
// or says that a part of it is down, and of kind BadConfiguration when there is
// no such endpoint.
func (c *Client) Health(ctx context.Context) error {
	r := request{method: http.MethodGet, url: c.addr.health, anonymous: c.addr.health.Host != c.addr.base.Host}
	rep, err := c.once(ctx, r)
	var none *tokenError
	if errors.As(err, &none) && ctx.Err() == nil {
		r.anonymous = true
		rep, err = c.once(ctx, r)
	}
	var connect *connectError
	switch {
	case errors.As(err, &connect):
		return fault.New(fault.Unavailable, err)
	case err != nil:
		return err
	case rep.ok():
		return nil
	}
	e := c.apiError(r, rep)
	if down := partsDown(rep.body); down != "" {
		e.Message = clean(down)
	}
	if transient(e.Status) {
		return fault.New(fault.Unavailable, e)
	}
	return fault.Errorf(fault.BadConfiguration, "%w (is scicat.health_endpoint right?)", e)
}

// partsDown names what a health report says is not up.
func partsDown(body []byte) string {
	var report struct {
		Error map[string]struct {
			Status string `json:"status"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &report) != nil {
		return ""
	}
	var down []string
	for name, part := range report.Error {
		down = append(down, name+" is "+part.Status)
	}
	slices.Sort(down)
	return strings.Join(down, ", ")
}
