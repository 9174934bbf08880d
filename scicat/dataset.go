package scicat

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"ingestor/internal/fault"
)

// Presence is what the catalogue says about a pid.
type Presence int

// The presences.
const (
	// Absent: there is no such dataset.
	Absent Presence = iota
	// Present: there is one, and the account may read it.
	Present
	// PresentUnreadable: there is one that the account may not read.
	PresentUnreadable
)

func (p Presence) String() string {
	switch p {
	case Present:
		return "present"
	case PresentUnreadable:
		return "present, not readable"
	}
	return "absent"
}

// Dataset is the body of a new dataset (offline-ingestor.md, section 5). Fields
// of type any hold what a metadata schema made: text, a number or a list; nil
// is not sent.
type Dataset struct {
	PID                   string                     `json:"pid,omitempty"`
	Size                  int64                      `json:"size"` // bytes
	NumberOfFiles         int                        `json:"numberOfFiles"`
	IsPublished           bool                       `json:"isPublished"`
	DatasetName           any                        `json:"datasetName,omitempty"`
	Description           any                        `json:"description,omitempty"`
	PrincipalInvestigator any                        `json:"principalInvestigator,omitempty"`
	CreationLocation      any                        `json:"creationLocation,omitempty"`
	ScientificMetadata    map[string]ScientificValue `json:"scientificMetadata"`
	Owner                 any                        `json:"owner,omitempty"`
	OwnerEmail            any                        `json:"ownerEmail,omitempty"`
	SourceFolder          any                        `json:"sourceFolder,omitempty"`
	ContactEmail          any                        `json:"contactEmail,omitempty"`
	CreationTime          any                        `json:"creationTime,omitempty"`
	Type                  any                        `json:"type,omitempty"` // raw or derived
	SampleID              any                        `json:"sampleId,omitempty"`
	Techniques            any                        `json:"techniques"` // nil is sent as []
	InstrumentID          any                        `json:"instrumentId,omitempty"`
	ProposalID            any                        `json:"proposalId,omitempty"`
	OwnerGroup            any                        `json:"ownerGroup,omitempty"`
	AccessGroups          any                        `json:"accessGroups,omitempty"`
	StartTime             any                        `json:"startTime,omitempty"`
	EndTime               any                        `json:"endTime,omitempty"`
	RunNumber             any                        `json:"runNumber,omitempty"`
	Keywords              any                        `json:"keywords,omitempty"`
}

// ScientificValue is one entry of the scientific metadata. Unit is "" where
// there is none.
type ScientificValue struct {
	Value     any    `json:"value"`
	Type      string `json:"type"`
	HumanName string `json:"human_name"`
	Unit      string `json:"unit"`
}

// Encode is the body as it is sent: JSON, with the empty collections that the
// catalogue wants to see.
func (d Dataset) Encode() ([]byte, error) {
	if d.ScientificMetadata == nil {
		d.ScientificMetadata = map[string]ScientificValue{}
	}
	if d.Techniques == nil {
		d.Techniques = []any{}
	}
	return encode("dataset", d)
}

// encode makes JSON without the escapes that only HTML needs.
func encode(what string, v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fault.Errorf(fault.BadInput, "%s can not be written as JSON: %w", what, err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Dataset says whether there is a dataset with this pid (D9): 404 is absent,
// as is a success without content; an object is present, and so is the 403 that
// the backend only gives for what exists. Any other answer is retried, and the
// error is of kind Unavailable then; a token that is found rejected on the way
// is of kind NotPermitted.
func (c *Client) Dataset(ctx context.Context, pid string) (Presence, error) {
	if pid == "" {
		return Absent, fault.Errorf(fault.BadInput, "catalogue: there is no dataset with an empty pid")
	}
	r := request{method: http.MethodGet, url: c.addr.endpoint("datasets", pid)}
	presence := Absent
	final := func(rep *reply) bool {
		switch {
		case rep.status == http.StatusNotFound:
			presence = Absent
		case rep.status == http.StatusForbidden && isUnauthorizedAccess(rep.body):
			presence = PresentUnreadable
		case rep.ok() && rep.empty():
			presence = Absent
		case rep.ok() && isObject(rep.body):
			presence = Present
		default:
			return false
		}
		return true
	}
	err := asking(func() (bool, error) {
		_, err := c.get(ctx, r, final)
		return c.orRejected(ctx, err)
	})
	if err != nil {
		return Absent, err
	}
	return presence, nil
}

// orRejected replaces the error of a GET that was answered 401 or 403 by that of
// the token, where it is the token that is rejected. Again says that there is
// another one now.
func (c *Client) orRejected(ctx context.Context, err error) (again bool, _ error) {
	var e *APIError
	if !errors.As(err, &e) || e.Status != http.StatusUnauthorized && e.Status != http.StatusForbidden {
		return false, err
	}
	again, check := c.believe(ctx, *e.token, true)
	switch {
	case check != nil:
		return false, check
	case again:
		return true, nil
	}
	return false, err
}

func isUnauthorizedAccess(body []byte) bool {
	message, _ := decodeErrorBody(body)
	return strings.EqualFold(strings.TrimRight(message, "."), "Unauthorized access")
}

func isObject(body []byte) bool {
	body = bytes.TrimSpace(body)
	return len(body) > 0 && body[0] == '{' && json.Valid(body)
}

// DatasetsByMetadata lists the pids of the datasets whose scientific metadata
// has value under key (D10). An empty list is only believed when the token is
// good, because a stale one would get the same (D14). A dataset that comes
// without a pid is listed as "".
func (c *Client) DatasetsByMetadata(ctx context.Context, key string, value any) ([]string, error) {
	query, err := metadataFilter(key, value)
	if err != nil {
		return nil, fault.New(fault.BadInput, err)
	}
	u := c.addr.endpoint("datasets")
	u.RawQuery = query
	return c.list(ctx, request{method: http.MethodGet, url: u}, true, "pid", "_id")
}

// list asks for a JSON list and gives, of each element, the first of keys that
// is a text. Nothing and null are empty lists, and so is a 404 where noneIs404.
// What is no list at all does not come from the catalogue, and is retried.
func (c *Client) list(ctx context.Context, r request, noneIs404 bool, keys ...string) (ids []string, err error) {
	err = asking(func() (again bool, err error) {
		ids, again, err = c.listOnce(ctx, r, noneIs404, keys...)
		return again, err
	})
	return ids, err
}

func (c *Client) listOnce(ctx context.Context, r request, noneIs404 bool, keys ...string) (ids []string, again bool, err error) {
	items, again, err := c.itemsOnce(ctx, r, noneIs404, func(items []map[string]any) bool { return len(items) > 0 })
	if err != nil || again || len(items) == 0 {
		return nil, again, err
	}
	ids = make([]string, len(items))
	for i, item := range items {
		ids[i] = firstText(item, keys...)
	}
	return ids, false, nil
}

// itemsOnce asks once. What is not whole, a stale token may have been answered too.
func (c *Client) itemsOnce(ctx context.Context, r request, noneIs404 bool, whole func([]map[string]any) bool) (items []map[string]any, again bool, err error) {
	rep, err := c.get(ctx, r, func(rep *reply) bool {
		if !rep.ok() {
			return !transient(rep.status)
		}
		items = nil
		return rep.empty() || json.Unmarshal(rep.body, &items) == nil
	})
	if err != nil {
		return nil, false, err
	}
	if !rep.ok() {
		err := classify(c.apiError(r, rep))
		if !noneIs404 || rep.status != http.StatusNotFound || fault.KindOf(err) != fault.BadInput {
			again, err = c.orRejected(ctx, err)
			return nil, again, err
		}
	}
	if whole(items) {
		return items, false, nil
	}
	again, err = c.believe(ctx, rep.token, false)
	return items, again, err
}

func firstText(o map[string]any, keys ...string) string {
	for _, key := range keys {
		if s, ok := o[key].(string); ok && s != "" {
			return s
		}
	}
	return ""
}

// CreateDataset registers a dataset and gives its pid. errors.Is(err, ErrExists)
// when there is one with this pid already. After an attempt with an unknown
// outcome landed is asked before another one is made; nil stands for asking for
// the pid, or, without a pid, for giving up. It is asked too when an answer names
// no pid although the catalogue was to make one; errors.Is(err, ErrNoPID) when
// that does not help. When landed says yes the pid is the one that was sent:
// without any it is "" and the asker knows better.
func (c *Client) CreateDataset(ctx context.Context, d Dataset, landed Landed) (string, error) {
	body, err := d.Encode()
	if err != nil {
		return "", err
	}
	if err := checkSize("dataset", body); err != nil {
		return "", err
	}
	if landed == nil && d.PID != "" {
		landed = func(ctx context.Context) (bool, error) {
			presence, err := c.Dataset(ctx, d.PID)
			return presence != Absent, err
		}
	}
	r := request{method: http.MethodPost, url: c.addr.endpoint("datasets"), body: body}
	rep, err := c.post(ctx, r, d.PID != "", landed)
	switch {
	case err != nil:
		return "", err
	case rep == nil:
		return d.PID, nil
	}
	if pid := idOf(rep, "pid", "_id"); pid != "" {
		return pid, nil
	}
	if d.PID != "" {
		return d.PID, nil
	}
	lost := fault.Errorf(fault.Unavailable, "catalogue: POST %s: %d, but %w, so its files can not be attached",
		c.addr.shown(r.url), rep.status, ErrNoPID)
	if landed == nil {
		return "", lost
	}
	switch there, err := landed(ctx); {
	case err != nil:
		return "", fault.Errorf(fault.KindOf(err), "%w; looking for it: %w", lost, err)
	case !there:
		return "", lost
	}
	return "", nil
}

// idOf reads an identifier from a successful answer; "" when there is none,
// which is no failure (D15).
func idOf(rep *reply, keys ...string) string {
	var o map[string]any
	if err := json.Unmarshal(rep.body, &o); err != nil {
		return ""
	}
	return firstText(o, keys...)
}
