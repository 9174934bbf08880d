package scicat_test

import (
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	logtest "github.com/sirupsen/logrus/hooks/test"

	"ingestor/internal/fault"
	"ingestor/scicat"
	"ingestor/scicat/scicattest"
)

func TestTransport_ConnectionIsReused(t *testing.T) {
	s, err := scicattest.New(scicattest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var connections atomic.Int32
	server := httptest.NewUnstartedServer(s)
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	b := backend{url: server.URL + "/api/v3", token: s.Token("ingestor"), group: "ingestor", server: s}
	c := newClient(t, b, nil)
	pid := newPID()
	if err := register(t.Context(), c, sampleDataset(pid, b.group, "j"), sampleDatablock(pid)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateDataset(t.Context(), scicat.Dataset{PID: "bad"}, nil); err == nil {
		t.Error("an incomplete dataset is taken")
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

func TestTransport_Headers(t *testing.T) {
	b := inMemory(t)
	token := b.token
	c := newClient(t, b, func(o *scicat.Options) {
		o.Headers = map[string]string{"X-Foo": "bar", "Authorization": "mine", "User-Agent": "me/1"}
		o.Token = tokenFunc(func() string { return token })
	})
	if err := c.CheckToken(t.Context()); err != nil {
		t.Error(err)
	}
	token = "renewed"
	if err := c.CheckToken(t.Context()); err == nil {
		t.Error("the token is not asked for again")
	}
	if err := c.Health(t.Context()); err != nil {
		t.Error(err)
	}
	got := b.server.Requests()
	for i, want := range []string{"Bearer " + b.token, "Bearer renewed", "Bearer renewed"} {
		h := got[i].Header
		if h.Get("Authorization") != want || h.Get("X-Foo") != "bar" || h.Get("User-Agent") != "me/1" {
			t.Errorf("request %d: %v", i, h)
		}
	}
}

func TestTransport_TokenStaysWithItsHost(t *testing.T) {
	var foreign atomic.Value
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		foreign.Store(fmt.Sprint(r.Header))
		if _, err := w.Write([]byte(`{"a":1}`)); err != nil {
			t.Error(err)
		}
	}))
	defer other.Close()
	b := inMemory(t)
	if err := b.server.AddFault(scicattest.Fault{PathPattern: "proposals/away", Status: 302, Headers: map[string]string{"Location": other.URL + "/x"}}); err != nil {
		t.Fatal(err)
	}
	if err := b.server.AddFault(scicattest.Fault{PathPattern: "proposals/nowhere", Status: 302}); err != nil {
		t.Fatal(err)
	}
	if err := b.server.AddFault(scicattest.Fault{PathPattern: "proposals/loop", Status: 302, Headers: map[string]string{"Location": "loop"}}); err != nil {
		t.Fatal(err)
	}
	c := newClient(t, b, func(o *scicat.Options) { o.Headers = map[string]string{"X-Key": "secret-key"} })
	l := c.Lookups()
	for _, text := range []string{"proposals/away", other.URL + "/y"} {
		if body, err := l.Lookup(t.Context(), text); err != nil || string(body) != `{"a":1}` {
			t.Errorf("%s: %s %v", text, body, err)
		}
		if h, _ := foreign.Load().(string); strings.Contains(h, b.token) || strings.Contains(h, "secret-key") {
			t.Errorf("%s: the other host gets %s", text, h)
		}
	}
	for _, text := range []string{"proposals/nowhere", "proposals/loop"} {
		if _, err := l.Lookup(t.Context(), text); err == nil || !strings.Contains(err.Error(), "302") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestTransport_TLS(t *testing.T) {
	s, err := scicattest.New(scicattest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(s)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(ca, text, 0o600); err != nil {
		t.Fatal(err)
	}
	b := backend{url: server.URL + "/api/v3", token: s.Token("ingestor")}
	err = newClient(t, b, nil).CheckToken(t.Context())
	if fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "scicat.ca_file") {
		t.Errorf("unknown authority: %v", err)
	}
	if err := newClient(t, b, func(o *scicat.Options) { o.CAFile = ca }).CheckToken(t.Context()); err != nil {
		t.Errorf("with its authority: %v", err)
	}
	if err := newClient(t, b, func(o *scicat.Options) { o.InsecureSkipVerify = true }).CheckToken(t.Context()); err != nil {
		t.Errorf("unverified: %v", err)
	}
}

func TestNew_ListsAllFaults(t *testing.T) {
	_, err := scicat.New(scicat.Options{
		BaseURL: "scicat", CAFile: "/nonexistent/ca.pem", Timeout: -1, Headers: map[string]string{"X-Bad": "secret\nvalue"},
	})
	if fault.KindOf(err) != fault.BadConfiguration {
		t.Fatalf("%v", err)
	}
	for _, text := range []string{"host", "ca.pem", "time-out", "X-Bad"} {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%q does not name %s", err, text)
		}
	}
	if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "\n") {
		t.Errorf("%q", err)
	}
}

// TestSecrets_AreInNoErrorAndNoLog lets a gateway repeat the whole request.
func TestSecrets_AreInNoErrorAndNoLog(t *testing.T) {
	status := http.StatusTeapot
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.WriteHeader(status)
		text := strconv.Quote("must not be " + r.Header.Get("Authorization") + r.Header.Get("X-Key") + string(body))
		if _, err := fmt.Fprintf(w, `{"message":[%s]}`, text); err != nil {
			t.Error(err)
		}
	}))
	defer echo.Close()
	logger, hook := logtest.NewNullLogger()
	logger.SetLevel(logrus.TraceLevel)
	c := newClient(t, backend{url: echo.URL, token: "the-token"}, func(o *scicat.Options) {
		o.Headers = map[string]string{"X-Key": "the-key-of-the-gateway"}
		o.Log = logger
	})
	_, dataset := c.Dataset(t.Context(), "x")
	_, create := c.CreateDataset(t.Context(), scicat.Dataset{PID: "x"}, nil)
	_, login := c.Login(t.Context(), "me", "the-password")
	_, lookup := c.Lookups().Lookup(t.Context(), "proposals/1")
	status = http.StatusServiceUnavailable
	_, again := c.Login(t.Context(), "me", "the-password")
	texts := []string{fmt.Sprint(scicat.Token{Value: "the-token"}), fmt.Sprintf("%#v", scicat.Token{Value: "the-token"})}
	for _, err := range []error{dataset, create, login, again, lookup, c.CheckToken(t.Context())} {
		if err == nil {
			t.Error("no error")
			continue
		}
		texts = append(texts, fmt.Sprintf("%v %+v", err, err))
	}
	for _, entry := range hook.AllEntries() {
		line, err := entry.String()
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, line)
	}
	for _, text := range texts {
		for _, secret := range []string{"the-token", "the-key", "the-password"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s shows %s", text, secret)
			}
		}
	}
}

func TestLogin(t *testing.T) {
	b := inMemory(t)
	c := newClient(t, b, nil)
	token, err := c.Login(t.Context(), "ingestor", "ingestor")
	if err != nil || time.Until(token.Expires) < 50*time.Minute || token.UserID == "" {
		t.Fatalf("%#v %v", token, err)
	}
	if err := newClient(t, backend{url: b.url, token: token.Value}, nil).CheckToken(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := c.Login(t.Context(), "ingestor", "wrong"); fault.KindOf(err) != fault.NotPermitted {
		t.Errorf("wrong password: %v", err)
	}
	for _, r := range b.server.Requests() {
		if strings.HasSuffix(r.Target, "login") && r.Header.Get("Authorization") != "" {
			t.Error("a token is sent with a login")
		}
	}
}

func TestHealth(t *testing.T) {
	b := inMemory(t)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer elsewhere.Close()
	if err := newClient(t, b, func(o *scicat.Options) { o.HealthEndpoint = elsewhere.URL + "/live" }).Health(t.Context()); err != nil {
		t.Errorf("absolute: %v", err)
	}
	if err := newClient(t, b, func(o *scicat.Options) { o.HealthEndpoint = "/nothing/here" }).Health(t.Context()); fault.KindOf(err) != fault.BadConfiguration {
		t.Errorf("missing: %v", err)
	}
	down := `{"status":"error","info":{},"error":{"mongodb":{"status":"down"}},"details":{}}`
	if err := b.server.AddFault(scicattest.Fault{PathPattern: "/health", Status: 503, Body: down}); err != nil {
		t.Fatal(err)
	}
	err := newClient(t, b, nil).Health(t.Context())
	if fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "mongodb is down") {
		t.Errorf("down: %v", err)
	}
	if n := len(b.server.Requests()); n != 2 {
		t.Errorf("%d requests: health is not retried", n)
	}
}

// TestRefusal_IsOnlyBelievedOfAHealthyCatalogue: the backend answers 403 while
// its database is away.
func TestRefusal_IsOnlyBelievedOfAHealthyCatalogue(t *testing.T) {
	refuse := scicattest.Fault{Method: "POST", Status: 403, Body: `{"message":"Forbidden resource","statusCode":403}`}
	b := inMemory(t)
	add := func(f scicattest.Fault) {
		t.Helper()
		if err := b.server.AddFault(f); err != nil {
			t.Fatal(err)
		}
	}
	posts := func() (n int) {
		for _, r := range b.server.Requests() {
			if r.Method == "POST" {
				n++
			}
		}
		return n
	}
	add(refuse)
	_, err := newClient(t, b, nil).CreateDataset(t.Context(), sampleDataset(newPID(), b.group, "j"), nil)
	if fault.KindOf(err) != fault.NotPermitted || posts() != 1 || !strings.Contains(err.Error(), "lacks the right") {
		t.Errorf("healthy: %d posts, %v", posts(), err)
	}
	b.server.ClearFaults()
	b.server.ClearRequests()
	once := refuse
	once.Times = 1
	add(once)
	add(scicattest.Fault{PathPattern: "/health", Status: 503, Times: 1})
	if _, err := newClient(t, b, nil).CreateDataset(t.Context(), sampleDataset(newPID(), b.group, "j"), nil); err != nil || posts() != 2 {
		t.Errorf("database away for a moment: %d posts, %v", posts(), err)
	}
	b.server.ClearFaults()
	add(refuse)
	add(scicattest.Fault{PathPattern: "/health", Status: 503})
	if _, err := newClient(t, b, nil).CreateDataset(t.Context(), sampleDataset(newPID(), b.group, "j"), nil); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("database away: %v", err)
	}
}

func TestSize_TooLongIsRefusedBeforeSending(t *testing.T) {
	b := inMemory(t)
	c := newClient(t, b, nil)
	d := sampleDataset(newPID(), b.group, "j")
	d.ScientificMetadata["image"] = scicat.ScientificValue{Value: strings.Repeat("x", 15<<20), Type: "string"}
	d.Description = strings.Repeat("y", 2<<20)
	_, err := c.CreateDataset(t.Context(), d, nil)
	if fault.KindOf(err) != fault.BadInput || !strings.Contains(err.Error(), "scientificMetadata.image (15.00 MiB), description (2.00 MiB)") {
		t.Errorf("%v", err)
	}
	block := sampleDatablock("x")
	for len(block.DataFileList) < 70000 {
		block.DataFileList = append(block.DataFileList, block.DataFileList[0])
	}
	if _, err := c.CreateDatablock(t.Context(), block, nil); fault.KindOf(err) != fault.BadInput || !strings.Contains(err.Error(), "dataFileList (70000 elements") {
		t.Errorf("%v", err)
	}
	if n := len(b.server.Requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
	d.Description = nil
	if _, err := c.CreateDataset(t.Context(), d, nil); err != nil {
		t.Errorf("just below the limit: %v", err)
	}
}

func TestLookups_EachURLOnce(t *testing.T) {
	b := inMemory(t)
	if err := b.server.AddProposal(scicattest.Document{"proposalId": "7", "title": "t", "ownerGroup": "ingestor"}); err != nil {
		t.Fatal(err)
	}
	if err := b.server.AddFault(scicattest.Fault{PathPattern: "proposals/", Delay: 10 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	c := newClient(t, b, nil)
	l := c.Lookups()
	var wg sync.WaitGroup
	for i := range 24 {
		wg.Go(func() {
			text := []string{"proposals/7", b.url + "/proposals/7", "proposals/8"}[i%3]
			_, err := l.Lookup(t.Context(), text)
			if (err != nil) != (i%3 == 2) {
				t.Errorf("%s: %v", text, err)
			}
		})
	}
	wg.Wait()
	if n := len(b.server.Requests()); n != 2 {
		t.Errorf("%d requests for two URLs", n)
	}
	if _, err := c.Lookups().Lookup(t.Context(), "proposals/7"); err != nil || len(b.server.Requests()) != 3 {
		t.Errorf("another file asks anew: %v", err)
	}
}

func TestLookups_AnotherCallersEndIsNotOurs(t *testing.T) {
	b := inMemory(t)
	if err := b.server.AddProposal(scicattest.Document{"proposalId": "7", "title": "t", "ownerGroup": "ingestor"}); err != nil {
		t.Fatal(err)
	}
	if err := b.server.AddFault(scicattest.Fault{PathPattern: "proposals/", Delay: 50 * time.Millisecond, Times: 1}); err != nil {
		t.Fatal(err)
	}
	l := newClient(t, b, nil).Lookups()
	short, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := l.Lookup(short, "proposals/7"); err == nil {
			t.Error("the cancelled look-up succeeds")
		}
	})
	for len(b.server.Requests()) == 0 {
		time.Sleep(time.Millisecond)
	}
	wg.Go(func() {
		if _, err := l.Lookup(t.Context(), "proposals/7"); err != nil {
			t.Error(err)
		}
	})
	time.Sleep(5 * time.Millisecond)
	cancel()
	wg.Wait()
}

func TestLookups_KindsOfFailure(t *testing.T) {
	b := inMemory(t)
	for pattern, status := range map[string]int{"proposals/503": 503, "proposals/400": 400, "proposals/403": 403, "proposals/401": 401} {
		if err := b.server.AddFault(scicattest.Fault{PathPattern: pattern, Status: status, Body: `{"title":"not yours"}`}); err != nil {
			t.Fatal(err)
		}
	}
	good := newClient(t, b, nil).Lookups()
	stale := newClient(t, backend{url: b.url, token: "stale"}, nil).Lookups()
	tests := []struct {
		lookups *scicat.Lookups
		text    string
		kind    fault.Kind
	}{
		{good, "proposals/503", fault.Unavailable},
		{good, "proposals/400", fault.BadInput},
		{good, "proposals/401", fault.BadInput},
		{good, "proposals/403", fault.BadInput},
		{good, "users/1", fault.BadInput},
		{stale, "proposals/401", fault.NotPermitted},
		{stale, "proposals/403", fault.NotPermitted},
		{stale, `samples?filter={}`, fault.NotPermitted},
	}
	for _, tt := range tests {
		if body, err := tt.lookups.Lookup(t.Context(), tt.text); err == nil || fault.KindOf(err) != tt.kind {
			t.Errorf("%s: %s, %v: %v, want %v", tt.text, body, fault.KindOf(err), err, tt.kind)
		}
	}
}
