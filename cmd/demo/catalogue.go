package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"ingestor/scicat/scicattest"
)

// token is what the demo's ingestor sends.
const token = "demo-token"

// catalogue is the in-memory catalogue with what a look-up of a schema wants to
// find: a proposal for every number that is asked for, and some instruments.
type catalogue struct {
	server   *scicattest.Server
	http     *http.Server
	listener net.Listener
	served   chan struct{}
}

func startCatalogue(ctx context.Context) (*catalogue, error) {
	users := scicattest.DefaultUsers()
	for i := range users {
		if users[i].Name == "admin" {
			users[i].Tokens = []string{token}
		}
	}
	server, err := scicattest.New(scicattest.Options{Users: users, Roles: scicattest.DefaultRoles()})
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"CODA", "DREAM", "ODIN", "YMIR"} {
		if err := server.AddInstrument(scicattest.Document{"name": name, "uniqueName": strings.ToLower(name)}); err != nil {
			return nil, err
		}
	}
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the catalogue: %w", err)
	}
	c := &catalogue{server: server, listener: l, served: make(chan struct{})}
	c.http = &http.Server{Handler: http.HandlerFunc(c.serve), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 5 * time.Second}
	go func() {
		defer close(c.served)
		_ = c.http.Serve(l) // ends with close
	}()
	return c, nil
}

// serve invents a proposal that is asked for for the first time: a user's own
// file names one that the demo can not know.
func (c *catalogue) serve(w http.ResponseWriter, r *http.Request) {
	if id, ok := strings.CutPrefix(r.URL.EscapedPath(), "/api/v3/proposals/"); ok && r.Method == http.MethodGet && !strings.Contains(id, "/") {
		probe := httptest.NewRecorder()
		c.server.ServeHTTP(probe, r.Clone(r.Context()))
		if name, err := url.PathUnescape(id); err == nil && probe.Code == http.StatusNotFound {
			_ = c.server.AddProposal(scicattest.Document{ // fails for an empty number only
				"proposalId": name, "title": "Made up for the demo", "ownerGroup": "demo",
				"firstname": "Ada", "lastname": "Sjöberg", "email": "ada.sjoberg@example.org",
				"pi_firstname": "Ada", "pi_lastname": "Sjöberg", "pi_email": "ada.sjoberg@example.org",
			})
		}
	}
	c.server.ServeHTTP(w, r)
}

func (c *catalogue) url() string { return "http://" + c.listener.Addr().String() + "/" }

// save writes the page of the newest dataset and its JSON into a folder.
func (c *catalogue) save(ctx context.Context, dir string) error {
	all := c.server.Datasets()
	if len(all) == 0 {
		return errors.New("the catalogue is empty")
	}
	newest := all[len(all)-1]
	pid, _ := newest["pid"].(string)
	text, err := json.MarshalIndent(map[string]any{"dataset": newest, "origdatablocks": c.server.Datablocks(pid)}, "", "  ")
	if err != nil {
		return err
	}
	page := httptest.NewRecorder()
	c.server.ServeHTTP(page, httptest.NewRequestWithContext(ctx, http.MethodGet, "/view?pid="+url.QueryEscape(pid), nil))
	for name, content := range map[string][]byte{"dataset.json": text, "dataset.html": page.Body.Bytes()} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			return fmt.Errorf("keep the result: %w", err)
		}
	}
	return nil
}

func (c *catalogue) close() error {
	err := c.http.Close()
	<-c.served
	return err
}
