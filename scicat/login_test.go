package scicat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
	logtest "github.com/sirupsen/logrus/hooks/test"

	"ingestor/internal/fault"
)

// counter is a catalogue that only logs people in, in virtual time. The zero
// value gives token-1, token-2, ... that end after an hour.
type counter struct {
	mu       sync.Mutex
	logins   int
	password string        // the right one; default secret-pw
	life     time.Duration // default 1 h
	takes    time.Duration // how long a login takes
	fails    func(n int) (*http.Response, error)
}

func (c *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodPost || r.URL.Path != "/api/v3/auth/login" || r.Header.Get("Authorization") != "" {
		return respond(404, fmt.Sprintf("%s %s", r.Method, r.URL))
	}
	var sent struct{ Username, Password string }
	if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.logins++
	n, takes, life, right := c.logins, c.takes, c.life, c.password
	c.mu.Unlock()
	if takes > 0 {
		select {
		case <-time.After(takes):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	if c.fails != nil {
		if resp, err := c.fails(n); resp != nil || err != nil {
			return resp, err
		}
	}
	if right == "" {
		right = "secret-pw"
	}
	if sent.Username != "robot" || sent.Password != right {
		return respond(401, `{"message":"Unauthorized: `+sent.Password+`","statusCode":401}`)
	}
	if life == 0 {
		life = time.Hour
	}
	return respond(201, fmt.Sprintf(`{"access_token":"token-%d","expires_in":%d}`, n, int(life.Seconds())))
}

func (c *counter) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.logins
}

func loginAt(t *testing.T, c *counter, o LoginOptions) (*Login, *logtest.Hook) {
	t.Helper()
	log, hook := logtest.NewNullLogger()
	log.SetLevel(logrus.DebugLevel)
	o.Catalogue.BaseURL, o.Catalogue.Log = "http://catalogue.example/api/v3", log
	if o.Username == "" {
		o.Username = "robot"
	}
	if o.Password == nil {
		o.Password = func() string { return "secret-pw" }
	}
	l, err := NewLogin(o)
	if err != nil {
		t.Fatal(err)
	}
	l.client.http.Transport = c
	t.Cleanup(func() {
		for _, e := range hook.AllEntries() {
			if text, err := e.String(); err != nil || strings.Contains(text, "secret-pw") || strings.Contains(text, "token-1") {
				t.Errorf("the log tells a secret: %s %v", text, err)
			}
		}
	})
	return l, hook
}

func mustGive(t *testing.T, l *Login, want string) {
	t.Helper()
	if got, err := l.Token(t.Context()); err != nil || got != want {
		t.Errorf("%q %v, want %q", got, err, want)
	}
}

func TestLogin_CallersAtTheSameTimeShareOne(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fails func(int) (*http.Response, error)
		kind  fault.Kind
	}{
		{"that succeeds", nil, 0},
		{"that is refused", func(int) (*http.Response, error) { return respond(401, "") }, fault.NotPermitted},
		{"that nobody answers", func(int) (*http.Response, error) { return nil, refusedConnection() }, fault.Unavailable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				at := &counter{takes: 3 * time.Second, fails: tt.fails}
				l, _ := loginAt(t, at, LoginOptions{Catalogue: Options{MaxRetries: -1}})
				var work sync.WaitGroup
				for range 100 {
					work.Go(func() {
						token, err := l.Token(t.Context())
						if tt.fails == nil && (err != nil || token != "token-1") || tt.fails != nil && (err == nil || fault.KindOf(err) != tt.kind) {
							t.Errorf("%q %v", token, err)
						}
					})
				}
				work.Wait()
				if n := at.count(); n != 1 {
					t.Errorf("%d logins", n)
				}
			})
		})
	}
}

func TestLogin_OneWhoGoesAwayDoesNotFailTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := &counter{takes: 3 * time.Second}
		l, _ := loginAt(t, at, LoginOptions{})
		gone, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		var work sync.WaitGroup
		work.Go(func() {
			if _, err := l.Token(gone); !errors.Is(err, context.Canceled) {
				t.Errorf("%v", err)
			}
		})
		synctest.Wait()
		work.Go(func() { mustGive(t, l, "token-2") })
		work.Wait()
	})
}

func TestLogin_IsRenewedAtThreeQuartersOfItsLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := &counter{}
		l, _ := loginAt(t, at, LoginOptions{})
		mustGive(t, l, "token-1")
		time.Sleep(45*time.Minute - time.Second)
		mustGive(t, l, "token-1")
		time.Sleep(time.Second)
		at.takes = time.Minute
		done := make(chan struct{})
		go func() { defer close(done); mustGive(t, l, "token-2") }()
		synctest.Wait()
		began := time.Now()
		if mustGive(t, l, "token-1"); time.Since(began) != 0 {
			t.Error("who comes meanwhile waits for the renewal")
		}
		<-done
		mustGive(t, l, "token-2")
		if n := at.count(); n != 2 {
			t.Errorf("%d logins", n)
		}
	})
}

func TestLogin_ThatCanNotBeRenewedIsUsedToItsEnd(t *testing.T) {
	for _, tt := range []struct {
		name string
		fail func(int) (*http.Response, error)
		kind fault.Kind
		most int // logins of the last quarter of an hour
	}{
		{"catalogue away", func(int) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }, fault.Unavailable, 200},
		{"password changed", func(int) (*http.Response, error) { return respond(401, "") }, fault.NotPermitted, 12},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				at := &counter{fails: func(n int) (*http.Response, error) {
					if n == 1 {
						return nil, nil
					}
					return tt.fail(n)
				}}
				l, _ := loginAt(t, at, LoginOptions{Catalogue: Options{MaxRetries: -1}})
				mustGive(t, l, "token-1")
				time.Sleep(45 * time.Minute)
				for range 15*60 - 1 {
					mustGive(t, l, "token-1")
					time.Sleep(time.Second)
				}
				if n := at.count() - 1; n < 4 || n > tt.most {
					t.Errorf("%d logins within 15 min", n)
				}
				if l.Current().Value != "token-1" {
					t.Error("it ends too early")
				}
				time.Sleep(time.Second)
				if token, err := l.Token(t.Context()); err == nil || fault.KindOf(err) != tt.kind || l.Current().Value != "" {
					t.Errorf("beyond its end: %q %v", token, err)
				}
			})
		})
	}
}

func TestLogin_ThatIsRefusedDoesNotHammer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := &counter{password: "another"}
		password := "secret-pw"
		l, hook := loginAt(t, at, LoginOptions{Password: func() string { return password }})
		began := time.Now()
		for time.Since(began) < time.Hour {
			_, err := l.Token(t.Context())
			if fault.KindOf(err) != fault.NotPermitted || l.Failure() == nil {
				t.Fatalf("%v: %v", time.Since(began), err)
			}
			for _, text := range []string{"log in as robot", "password is wrong", "scicat.password_file", "401"} {
				if !strings.Contains(err.Error(), text) || strings.Contains(err.Error(), "secret-pw") {
					t.Fatalf("%v", err)
				}
			}
			time.Sleep(time.Second)
		}
		// 0, 5, 15, 35, 75, 155 and 315 s, then every 5 min.
		if n := at.count(); n != 7+10 {
			t.Errorf("%d logins in an hour", n)
		}
		if n := len(hook.AllEntries()) - at.count(); n != at.count() { // the answer, and what it means
			t.Errorf("%d lines of the log", n)
		}
		password = "another"
		mustGive(t, l, fmt.Sprintf("token-%d", 7+10+1))
		if l.Failure() != nil {
			t.Error(l.Failure())
		}
	})
}

func TestLogin_HealsWhenTheCatalogueChangesItsMind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := &counter{fails: func(n int) (*http.Response, error) {
			if n < 4 {
				return respond(401, "")
			}
			return nil, nil
		}}
		l, _ := loginAt(t, at, LoginOptions{})
		began := time.Now()
		for l.Current().Value == "" {
			_, _ = l.Token(t.Context())
			time.Sleep(time.Second)
		}
		if d := time.Since(began); d < 35*time.Second || d > 37*time.Second {
			t.Errorf("after %v", d)
		}
	})
}

func TestLogin_RejectedTokenIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := &counter{}
		l, _ := loginAt(t, at, LoginOptions{})
		mustGive(t, l, "token-1")
		var work sync.WaitGroup
		for range 50 {
			work.Go(func() {
				if another, err := l.Renew(t.Context(), "token-1"); err != nil || !another {
					t.Errorf("%v %v", another, err)
				}
			})
		}
		work.Wait()
		mustGive(t, l, "token-2")
		if n := at.count(); n != 2 {
			t.Errorf("%d logins", n)
		}
	})
}

func TestLogin_TokensThatAreRejectedAtOnceAreNoWayOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := &counter{}
		l, _ := loginAt(t, at, LoginOptions{})
		began := time.Now()
		for time.Since(began) < time.Minute {
			if token, err := l.Token(t.Context()); err == nil {
				_, _ = l.Renew(t.Context(), token)
			} else if fault.KindOf(err) != fault.NotPermitted || !strings.Contains(err.Error(), "again and again") {
				t.Fatal(err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if n := at.count(); n > 12 {
			t.Errorf("%d logins in a minute", n)
		}
		if l.Failure() == nil {
			t.Error("it is no failure")
		}
	})
}

func TestLogin_OfSomebodyElseIsUsedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := &counter{}
		l, _ := loginAt(t, at, LoginOptions{Shared: Token{Value: "shared", Expires: time.Now().Add(time.Minute)}})
		mustGive(t, l, "shared")
		time.Sleep(time.Minute - time.Millisecond)
		mustGive(t, l, "shared")
		if at.count() != 0 {
			t.Error("it logs in before the end of what it has")
		}
		time.Sleep(time.Millisecond)
		mustGive(t, l, "token-1")
	})
	synctest.Test(t, func(t *testing.T) {
		at := &counter{}
		l, _ := loginAt(t, at, LoginOptions{Shared: Token{Value: "shared"}})
		time.Sleep(100 * time.Hour) // nobody knows its end
		mustGive(t, l, "shared")
		if another, err := l.Renew(t.Context(), "shared"); err != nil || !another {
			t.Errorf("%v %v", another, err)
		}
		mustGive(t, l, "token-1")
	})
	synctest.Test(t, func(t *testing.T) {
		at := &counter{}
		l, _ := loginAt(t, at, LoginOptions{Refused: "the daemon could not"})
		if _, err := l.Token(t.Context()); fault.KindOf(err) != fault.NotPermitted || err.Error() != "the daemon could not" {
			t.Error(err)
		}
		if at.count() != 0 {
			t.Error("it tries what the daemon has tried")
		}
	})
}

func TestLogin_FailuresAreNoFilesFault(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer func(int) (*http.Response, error)
		kind   fault.Kind
		logins int
	}{
		{"400", func(int) (*http.Response, error) { return respond(400, `{"message":["username must be longer"]}`) }, fault.NotPermitted, 1},
		{"403", func(int) (*http.Response, error) { return respond(403, "") }, fault.NotPermitted, 1},
		{"423", func(int) (*http.Response, error) { return respond(423, `{"message":"account locked"}`) }, fault.NotPermitted, 1},
		{"404", func(int) (*http.Response, error) {
			return respond(404, `{"message":"Cannot POST /api/v3/auth/login"}`)
		}, fault.NotPermitted, 1},
		{"302", func(int) (*http.Response, error) { return respond(302, "", "Location", "/login") }, fault.NotPermitted, 1},
		{"201 without a token", func(int) (*http.Response, error) { return respond(201, "") }, fault.Unavailable, 1},
		{"201 with a strange token", func(int) (*http.Response, error) { return respond(201, `{"id":"a\u0000b"}`) }, fault.Unavailable, 1},
		{"429", func(int) (*http.Response, error) { return respond(429, "") }, fault.Unavailable, 3},
		{"500", func(int) (*http.Response, error) { return respond(500, "") }, fault.Unavailable, 3},
		{"cut", func(int) (*http.Response, error) { return nil, io.EOF }, fault.Unavailable, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				at := &counter{fails: tt.answer}
				l, _ := loginAt(t, at, LoginOptions{Catalogue: Options{MaxRetries: 2}})
				_, err := l.Token(t.Context())
				if err == nil || fault.KindOf(err) != tt.kind || !strings.HasPrefix(err.Error(), "log in as robot: ") || strings.Contains(err.Error(), "\n") {
					t.Errorf("%v: %v", fault.KindOf(err), err)
				}
				if n := at.count(); n != tt.logins {
					t.Errorf("%d logins", n)
				}
			})
		})
	}
	t.Run("no password", func(t *testing.T) {
		at := &counter{}
		l, _ := loginAt(t, at, LoginOptions{Password: func() string { return "" }})
		if _, err := l.Token(t.Context()); fault.KindOf(err) != fault.NotPermitted || at.count() != 0 {
			t.Errorf("%d logins, %v", at.count(), err)
		}
	})
}

func TestNewLogin_ListsAllFaults(t *testing.T) {
	_, err := NewLogin(LoginOptions{Catalogue: Options{BaseURL: "ftp://x"}})
	if fault.KindOf(err) != fault.BadConfiguration {
		t.Fatal(err)
	}
	for _, text := range []string{"ftp://x", "user name"} {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%v does not say %q", err, text)
		}
	}
}
