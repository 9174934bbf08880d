package scicat_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"ingestor/internal/fault"
	"ingestor/scicat"
	"ingestor/scicat/scicattest"
)

// loggedIn is a client that logs in as the ingestor, and its source.
func loggedIn(t *testing.T, b backend, change func(*scicat.Options)) (*scicat.Client, *scicat.Login) {
	t.Helper()
	o := scicat.Options{BaseURL: b.url, MaxRetries: -1, Timeout: 20 * time.Second}
	if change != nil {
		change(&o)
	}
	l, err := scicat.NewLogin(scicat.LoginOptions{Catalogue: o, Username: "ingestor", Password: func() string { return "ingestor" }})
	if err != nil {
		t.Fatal(err)
	}
	o.Token = l
	c, err := scicat.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, l
}

func logins(b backend) (n int) {
	for _, r := range b.server.Requests() {
		if strings.HasSuffix(r.Target, "/auth/login") {
			n++
		}
	}
	return n
}

// TestRenew_EveryCallGoesOnWithAnotherToken when the one that it uses is revoked
// right before, without a retry to spare.
func TestRenew_EveryCallGoesOnWithAnotherToken(t *testing.T) {
	job := uuid.NewString()
	pid := newPID()
	for _, tt := range []struct {
		name string
		call func(context.Context, *scicat.Client) error
	}{
		{"check", func(ctx context.Context, c *scicat.Client) error { return c.CheckToken(ctx) }},
		{"list", func(ctx context.Context, c *scicat.Client) error {
			pids, err := c.DatasetsByMetadata(ctx, "job_id", job)
			if err == nil && !slices.Equal(pids, []string{pid}) {
				err = fmt.Errorf("%v: an answer to nobody is believed", pids)
			}
			return err
		}},
		{"empty list", func(ctx context.Context, c *scicat.Client) error {
			pids, err := c.DatasetsByMetadata(ctx, "job_id", "another")
			if err == nil && len(pids) != 0 {
				err = fmt.Errorf("%v", pids)
			}
			return err
		}},
		{"datablocks", func(ctx context.Context, c *scicat.Client) error {
			_, err := c.Datablocks(ctx, pid)
			return err
		}},
		{"look-up", func(ctx context.Context, c *scicat.Client) error {
			body, err := c.Lookups().Lookup(ctx, `datasets?filter={"where":{"datasetName":"suite é"}}`)
			if err == nil && string(body) == "[]" {
				err = fmt.Errorf("%s: an answer to nobody is believed", body)
			}
			return err
		}},
		{"dataset with pid", func(ctx context.Context, c *scicat.Client) error {
			_, err := c.CreateDataset(ctx, sampleDataset(newPID(), "ingestor", "j"), nil)
			return err
		}},
		{"dataset without pid", func(ctx context.Context, c *scicat.Client) error {
			_, err := c.CreateDataset(ctx, sampleDataset("", "ingestor", "j"), nil)
			return err
		}},
		{"datablock", func(ctx context.Context, c *scicat.Client) error {
			_, err := c.CreateDatablock(ctx, sampleDatablock(pid), nil)
			return err
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := inMemory(t)
			if _, err := newClient(t, b, nil).CreateDataset(t.Context(), sampleDataset(pid, "ingestor", job), nil); err != nil {
				t.Fatal(err)
			}
			c, _ := loggedIn(t, b, nil)
			if err := c.CheckToken(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(20 * time.Millisecond)
			if err := b.server.RevokeTokens(); err != nil {
				t.Fatal(err)
			}
			if tt.name == "list" || tt.name == "empty list" || tt.name == "look-up" {
				// The check of a moment ago is relied on; a new client has none.
				old := b.server.TokenUntil("ingestor", time.Now().Add(-time.Hour))
				c = newClient(t, b, func(o *scicat.Options) { o.Token, o.MaxRetries = handing(old, b.server.Token("ingestor")), -1 })
			}
			before := logins(b)
			if err := tt.call(t.Context(), c); err != nil {
				t.Error(err)
			}
			if n := logins(b) - before; n > 1 {
				t.Errorf("%d logins", n)
			}
		})
	}
}

// handing is a source that gives the first token until it is rejected.
func handing(tokens ...string) scicat.TokenSource { return &handed{tokens: tokens} }

type handed struct {
	tokens  []string
	at      atomic.Int32
	renewed atomic.Int32
}

func (h *handed) Token(context.Context) (string, error) { return h.tokens[h.at.Load()], nil }

func (h *handed) Renew(_ context.Context, rejected string) (bool, error) {
	h.renewed.Add(1)
	if at := h.at.Load(); h.tokens[at] == rejected && int(at) < len(h.tokens)-1 {
		h.at.Store(at + 1)
		return true, nil
	}
	return h.tokens[h.at.Load()] != rejected, nil
}

// TestRenew_WhatWasLookedForWithAStaleTokenIsLookedForAgain before a POST that
// the catalogue would take twice.
func TestRenew_WhatWasLookedForWithAStaleTokenIsLookedForAgain(t *testing.T) {
	b := inMemory(t)
	c := newClient(t, b, func(o *scicat.Options) { o.Token, o.MaxRetries = handing("stale", b.token), -1 })
	asked := 0
	pid, err := c.CreateDataset(t.Context(), sampleDataset("", "ingestor", "j"), func(context.Context) (bool, error) {
		asked++
		return true, nil
	})
	if err != nil || pid != "" || asked != 1 || len(b.server.Datasets()) != 0 {
		t.Errorf("asked %d times, %q %v, %d datasets", asked, pid, err, len(b.server.Datasets()))
	}
}

// TestRenew_NeverForWhatAnotherTokenDoesNotChange: a right that is missing.
func TestRenew_NeverForWhatAnotherTokenDoesNotChange(t *testing.T) {
	for status, body := range map[int]string{401: `{"message":"Unauthenticated"}`, 403: `{"message":"Forbidden resource"}`} {
		b := inMemory(t)
		source := &handed{tokens: []string{b.token, "another"}}
		c := newClient(t, b, func(o *scicat.Options) { o.Token, o.MaxRetries = source, -1 })
		if err := b.server.AddFault(scicattest.Fault{PathPattern: "datasets|proposals|origdatablocks", Status: status, Body: body}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.CreateDataset(t.Context(), sampleDataset(newPID(), "ingestor", "j"), nil); fault.KindOf(err) != fault.NotPermitted || !scicat.NotDone(err) {
			t.Errorf("%d: %v", status, err)
		}
		if _, err := c.Lookups().Lookup(t.Context(), "proposals/p"); fault.KindOf(err) != fault.BadInput {
			t.Errorf("%d: %v", status, err)
		}
		if _, err := c.Datablocks(t.Context(), "p/1"); err == nil {
			t.Errorf("%d: no error", status)
		}
		if n := source.renewed.Load(); n != 0 {
			t.Errorf("%d: the source is told %d times that a good token is rejected", status, n)
		}
	}
}

// TestRenew_WithoutACheckOfTokens a refusal is all there is.
func TestRenew_WithoutACheckOfTokens(t *testing.T) {
	b := inMemory(t)
	if err := b.server.AddFault(scicattest.Fault{PathPattern: "users/my/self", Status: 404, Body: `{"message":"Cannot GET /users/my/self"}`}); err != nil {
		t.Fatal(err)
	}
	c, l := loggedIn(t, b, nil)
	if _, err := l.Token(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.server.RevokeTokens(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateDataset(t.Context(), sampleDataset(newPID(), "ingestor", "j"), nil); err != nil || logins(b) != 2 {
		t.Errorf("%d logins, %v", logins(b), err)
	}
}

// TestRenew_ThatFailsSaysWhy: nothing was done, and no file is at fault.
func TestRenew_ThatFailsSaysWhy(t *testing.T) {
	for _, tt := range []struct {
		name string
		make func(*scicattest.Server) error
		kind fault.Kind
		text string
	}{
		{"password changed", func(s *scicattest.Server) error { s.SetPassword("ingestor", "another"); return nil }, fault.NotPermitted, "user name or password is wrong"},
		{"login away", func(s *scicattest.Server) error {
			return s.AddFault(scicattest.Fault{PathPattern: "auth/login", Cut: scicattest.Before})
		}, fault.Unavailable, "connection closed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := inMemory(t)
			c, l := loggedIn(t, b, nil)
			if _, err := l.Token(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := b.server.RevokeTokens(); err != nil {
				t.Fatal(err)
			}
			if err := tt.make(b.server); err != nil {
				t.Fatal(err)
			}
			for _, call := range []func() error{
				func() error {
					_, err := c.CreateDataset(t.Context(), sampleDataset("", "ingestor", "j"), nil)
					if !scicat.NotDone(err) {
						t.Error("it may have been done")
					}
					return err
				},
				func() error { _, err := c.DatasetsByMetadata(t.Context(), "job_id", "x"); return err },
				func() error { return c.CheckToken(t.Context()) },
			} {
				err := call()
				if err == nil || fault.KindOf(err) != tt.kind || !strings.Contains(err.Error(), tt.text) || !strings.Contains(err.Error(), "log in as ingestor") {
					t.Errorf("%v: %v", fault.KindOf(err), err)
				}
			}
			if err := c.Health(t.Context()); err != nil {
				t.Errorf("the catalogue is well: %v", err)
			}
		})
	}
}

// TestRenew_ExpiryIsNoEvent: tokens of three to four seconds (an expiry has whole
// ones), calls for six. They are replaced 0.75 s or more before they expire.
func TestRenew_ExpiryIsNoEvent(t *testing.T) {
	b := inMemory(t)
	b.server.SetTokenLife(4 * time.Second)
	c, _ := loggedIn(t, b, nil)
	var longest time.Duration
	for began := time.Now(); time.Since(began) < 6*time.Second; {
		turn := time.Now()
		pid := newPID()
		if err := register(t.Context(), c, sampleDataset(pid, "ingestor", uuid.NewString()), sampleDatablock(pid)); err != nil {
			t.Fatal(err)
		}
		if pids, err := c.DatasetsByMetadata(t.Context(), "job_id", uuid.NewString()); err != nil || len(pids) != 0 {
			t.Fatal(pids, err)
		}
		longest = max(longest, time.Since(turn))
	}
	if n := logins(b); n < 2 || n > 6 {
		t.Errorf("%d logins", n)
	}
	for _, r := range b.server.Requests() {
		if r.Status != http.StatusForbidden {
			continue
		}
		if longest < 500*time.Millisecond {
			t.Errorf("%s %s was refused", r.Method, r.Target)
		} else { // a machine that stood still has carried a token over its end
			t.Logf("%s %s was refused; a turn took %s", r.Method, r.Target, longest)
		}
	}
}
