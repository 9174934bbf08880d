package main_test

import (
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"ingestor/scicat/scicattest"
)

// token is what the ingestor's account is let in with.
const token = "token-of-the-ingestor-5f3a9c"

// catalogue is a SciCat whose server can be stopped and started again: what it
// holds stays.
type catalogue struct {
	*scicattest.Server
	t       *testing.T
	address string
	server  *http.Server
}

func newCatalogue(t *testing.T) *catalogue {
	t.Helper()
	s, err := scicattest.New(scicattest.Options{
		Users: []scicattest.User{{Name: "ingestor", Groups: []string{"ingestor"}, Tokens: []string{token}}},
		Roles: scicattest.DefaultRoles(),
	})
	if err != nil {
		t.Fatal(err)
	}
	c := &catalogue{Server: s, t: t, address: "127.0.0.1:0"}
	c.start()
	t.Cleanup(func() {
		c.stop()
		if err := s.Close(); err != nil { // what a fault delays ends
			t.Error(err)
		}
	})
	return c
}

// start listens on the address that it had before, if any.
func (c *catalogue) start() {
	c.t.Helper()
	var listen net.ListenConfig
	l, err := listen.Listen(c.t.Context(), "tcp", c.address)
	if err != nil {
		c.t.Fatal(err)
	}
	c.address = l.Addr().String()
	c.server = &http.Server{Handler: c.Server, IdleTimeout: 5 * time.Second, ReadHeaderTimeout: 10 * time.Second}
	go func(s *http.Server) { _ = s.Serve(l) }(c.server) // ends with stop
}

// stop cuts every connection; further ones are refused.
func (c *catalogue) stop() {
	if c.server != nil {
		_ = c.server.Close() // an error of a connection that is cut anyway
		c.server = nil
	}
}

func (c *catalogue) base() string { return "http://" + c.address + "/api/v3" }

// delay makes requests wait before they are carried out, as a real server also
// when the client has gone meanwhile.
func (c *catalogue) delay(method, pattern string, d time.Duration) {
	c.t.Helper()
	if err := c.AddFault(scicattest.Fault{Method: method, PathPattern: pattern, Delay: d}); err != nil {
		c.t.Fatal(err)
	}
}

// count is how many requests begin so.
func (c *catalogue) count(method, pathEnd string) int {
	n := 0
	for _, r := range c.Requests() {
		if r.Method == method && strings.HasSuffix(r.Target, pathEnd) {
			n++
		}
	}
	return n
}

// datasetOf is the dataset of a run, and how many there are.
func (c *catalogue) datasetsOf(r run) (found []scicattest.Document) {
	for _, d := range c.Datasets() {
		if d["pid"] == r.pid {
			found = append(found, d)
		}
	}
	return found
}

// registered says whether dataset and datablock of each run are there.
func (c *catalogue) registered(runs ...run) bool {
	for _, r := range runs {
		if len(c.Datablocks(r.pid)) == 0 {
			return false
		}
	}
	return true
}

// checkOnce says what of each run is not there exactly once.
func (c *catalogue) checkOnce(runs ...run) {
	c.t.Helper()
	for _, r := range runs {
		if n := len(c.datasetsOf(r)); n != 1 {
			c.t.Errorf("%s has %d datasets", r.path, n)
		}
		if n := len(c.Datablocks(r.pid)); n != 1 {
			c.t.Errorf("%s has %d datablocks", r.path, n)
		}
	}
	if all, blocks := len(c.Datasets()), len(c.Datablocks("")); all != len(runs) || blocks != len(runs) {
		c.t.Errorf("%d datasets and %d datablocks, of %d runs", all, blocks, len(runs))
	}
}
