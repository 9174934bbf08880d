package replay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"syscall"
	"time"

	"ingestor/internal/fault"
)

// poster posts each message to where its type belongs. While nobody listens it
// tries again.
type poster struct {
	base   *url.URL
	client *http.Client
	types  *unpacker
}

// askAgain is how long nobody listens before the next try.
const askAgain = 100 * time.Millisecond

func newPoster(base *url.URL) *poster {
	return &poster{
		base: base, types: newUnpacker(),
		client: &http.Client{Transport: &http.Transport{}, Timeout: time.Minute},
	}
}

func (p *poster) send(ctx context.Context, parts [][]byte) error {
	path := ""
	typ, err := p.types.field(parts[0], "type")
	switch string(typ) {
	case `"DataDescription"`:
		path = "v1/data_desc"
	case `"RecordData"`:
		path = "v1/record_data"
	case `"RecordEnd"`:
		path = "v1/record_end"
	default:
		if err == nil {
			err = fmt.Errorf("type %.40q is none that is posted", typ)
		}
		return fault.New(fault.BadInput, err)
	}
	body, err := p.types.sardana(parts[0])
	if err != nil {
		return fault.New(fault.BadInput, err)
	}
	for {
		err := p.post(ctx, p.base.JoinPath(path).String(), body)
		if err == nil || ctx.Err() != nil || !errors.Is(err, syscall.ECONNREFUSED) {
			return err
		}
		select {
		case <-time.After(askAgain):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (p *poster) post(ctx context.Context, to string, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := p.client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(answer.Body, 200)) // the status counts
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("POST %s is answered by %s: %.200q", to, answer.Status, said)
	}
	return nil
}

func (p *poster) finish(context.Context) error {
	p.client.CloseIdleConnections()
	return nil
}
