package scicat

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"ingestor/internal/fault"
)

// ErrNoBulk is wrapped by the error of a question about many that the catalogue
// answered, but not so that it helps: ask about each.
var ErrNoBulk = errors.New("the catalogue does not answer for many at once")

// One list of a question about many. Gateways take 8 KiB of address as a rule
// (the backend 16 KiB, with all headers), and a backend that ignores the limit
// that is asked for lists 100.
const (
	mostListed = 50
	listLength = 5 << 10 // bytes in the address
	listLimit  = 100
)

// Datasets says which of the pids are those of datasets that the account may
// read. A pid that is not among them is that of no dataset, or of one that the
// account may not read; the token was good then (D14).
func (c *Client) Datasets(ctx context.Context, pids []string) (map[string]bool, error) {
	found := map[string]bool{}
	err := c.askMany(ctx, pids, question{
		endpoint: "datasets", field: "pid", operator: "inq", fields: []string{"pid"},
		keysOf: func(o map[string]any) []string { return []string{firstText(o, "pid", "_id")} },
	}, func(pid string, _ map[string]any) { found[pid] = true })
	if err != nil {
		return nil, err
	}
	return found, nil
}

// DatablocksOf lists the ids of the datablocks of datasets that the account may
// see, by the pid of the dataset; one that comes without an id is listed as "".
// The backend leaves out what the account may not see: Datablocks decides about
// a dataset that has none here.
func (c *Client) DatablocksOf(ctx context.Context, pids []string) (map[string][]string, error) {
	found := map[string][]string{}
	err := c.askMany(ctx, pids, question{
		// This endpoint hands its filter to the database as it is, which has
		// other names for the operators.
		endpoint: "origdatablocks", field: "datasetId", operator: "$in", fields: []string{"datasetId"},
		keysOf: func(o map[string]any) []string { return []string{firstText(o, "datasetId")} },
	}, func(pid string, o map[string]any) { found[pid] = append(found[pid], firstText(o, "_id", "id")) })
	if err != nil {
		return nil, err
	}
	return found, nil
}

// DatasetsByMetadataValues is DatasetsByMetadata for many texts: the pids by
// value, a hundred of those that very many have; a value without any is left out.
func (c *Client) DatasetsByMetadataValues(ctx context.Context, key string, values []string) (map[string][]string, error) {
	found := map[string][]string{}
	field := "scientificMetadata." + storedKey(key) + ".value"
	err := c.askMany(ctx, values, question{
		endpoint: "datasets", field: field, operator: "inq", fields: []string{"pid", field},
		keysOf: func(o map[string]any) []string { return metadataTexts(o, key) },
	}, func(value string, o map[string]any) { found[value] = append(found[value], firstText(o, "pid", "_id")) })
	if err != nil {
		return nil, err
	}
	return found, nil
}

// metadataTexts are the texts under a metadata key of a dataset. The backend
// matches a list by each of its elements.
func metadataTexts(o map[string]any, key string) []string {
	metadata, _ := o["scientificMetadata"].(map[string]any)
	entry, _ := metadata[key].(map[string]any)
	if entry == nil {
		entry, _ = metadata[storedKey(key)].(map[string]any)
	}
	switch v := entry["value"].(type) {
	case string:
		return []string{v}
	case []any:
		var texts []string
		for _, item := range v {
			if s, ok := item.(string); ok {
				texts = append(texts, s)
			}
		}
		return texts
	}
	return nil
}

// question asks which documents have one of many texts in a field.
type question struct {
	endpoint, field, operator string
	fields                    []string // that are to be told
	// keysOf are the texts that the field of a document holds.
	keysOf func(o map[string]any) []string
}

// askMany tells each of every document and the text for which it was found.
func (c *Client) askMany(ctx context.Context, texts []string, q question, each func(text string, o map[string]any)) error {
	for list := range lists(texts) {
		if err := c.askList(ctx, list, q, each); err != nil {
			return noBulk(err)
		}
	}
	return nil
}

// lists cuts texts into lists that one address can hold, each text once.
func lists(texts []string) func(yield func([]string) bool) {
	texts = slices.Compact(slices.Sorted(slices.Values(texts)))
	return func(yield func([]string) bool) {
		for len(texts) > 0 {
			n, size := 0, 0
			for n < min(len(texts), mostListed) && (n == 0 || size+escapedLength(texts[n]) <= listLength) {
				size += escapedLength(texts[n])
				n++
			}
			if !yield(texts[:n]) {
				return
			}
			texts = texts[n:]
		}
	}
}

// escapedLength is how much of an address a text of a list takes, in bytes.
func escapedLength(s string) int {
	text, err := json.Marshal(s)
	if err != nil {
		return len(s) // a text can always be written
	}
	return len(url.QueryEscape(string(text))) + len("%2C")
}

// askList asks for one list. A full answer may be cut, so the list is halved; one
// text that fills an answer is surely found.
func (c *Client) askList(ctx context.Context, list []string, q question, each func(string, map[string]any)) error {
	items, err := c.listItems(ctx, list, q)
	if err != nil {
		return err
	}
	if len(items) >= listLimit && len(list) > 1 {
		half := len(list) / 2
		if err := c.askList(ctx, list[:half], q, each); err != nil {
			return err
		}
		return c.askList(ctx, list[half:], q, each)
	}
	for _, o := range items {
		known := false
		for _, text := range q.keysOf(o) {
			if slices.Contains(list, text) {
				known = true
				each(text, o)
			}
		}
		if !known {
			// Masked, or left out: for which text it was found nobody can tell.
			return fault.Errorf(fault.Unavailable, "%w: a document of GET %s does not show %s", ErrNoBulk, q.endpoint, q.field)
		}
	}
	return nil
}

func (c *Client) listItems(ctx context.Context, list []string, q question) (items []map[string]any, err error) {
	fields := map[string]bool{}
	for _, name := range q.fields {
		fields[name] = true
	}
	query, err := filterQuery(map[string]any{
		"where":  map[string]any{q.field: map[string]any{q.operator: list}},
		"fields": fields, "limits": map[string]int{"limit": listLimit},
	})
	if err != nil {
		return nil, fault.New(fault.BadInput, err)
	}
	r := request{method: http.MethodGet, url: c.addr.endpoint(q.endpoint)}
	r.url.RawQuery = query
	whole := func(items []map[string]any) bool {
		missing := map[string]bool{}
		for _, text := range list {
			missing[text] = true
		}
		for _, o := range items {
			for _, text := range q.keysOf(o) {
				delete(missing, text)
			}
		}
		return len(missing) == 0
	}
	err = asking(func() (again bool, err error) {
		items, again, err = c.itemsOnce(ctx, r, false, whole)
		return again, err
	})
	return items, err
}

// noBulk marks an answer that does not help. No answer, or a token that is
// rejected, is the same for every question.
func noBulk(err error) error {
	var e *APIError
	if !errors.As(err, &e) || errors.Is(err, errTokenRejected) {
		return err
	}
	return fault.Errorf(fault.KindOf(err), "%w: %w", ErrNoBulk, err)
}
