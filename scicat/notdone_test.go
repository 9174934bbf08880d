package scicat

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"ingestor/internal/fault"
)

// refusedConnection is the error of a port where nobody listens.
func refusedConnection() error {
	return &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 80},
		Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
}

// TestNotDone_OnlyOfWhatWasRefused: an account that may not look relies on it.
func TestNotDone_OnlyOfWhatWasRefused(t *testing.T) {
	status := func(code int) transport {
		return func(int, *http.Request) (*http.Response, error) { return respond(code, `{"message":"no"}`) }
	}
	for _, c := range []struct {
		name  string
		post  transport // n counts the POSTs
		done  bool
		posts int
	}{
		{"400", status(400), true, 1},
		{"409", status(409), true, 1},
		{"429 for good", status(429), true, 3},
		{"503 for good", status(503), true, 3},
		{"nobody listens", func(int, *http.Request) (*http.Response, error) { return nil, refusedConnection() }, true, 3},
		{"500", status(500), false, 1},
		{"502", status(502), false, 1},
		{"504", status(504), false, 1},
		{"connection cut", func(int, *http.Request) (*http.Response, error) { return nil, io.EOF }, false, 1},
		{"503, then connection cut", func(n int, _ *http.Request) (*http.Response, error) {
			if n == 1 {
				return respond(503, "")
			}
			return nil, io.ErrUnexpectedEOF
		}, false, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				posts := 0
				client, _ := clientOn(t, Options{MaxRetries: 2}, func(_ int, r *http.Request) (*http.Response, error) {
					switch {
					case r.Method == http.MethodPost:
						posts++
						return c.post(posts, r)
					case strings.HasSuffix(r.URL.Path, "/origdatablocks"):
						return respond(403, `{"message":"Forbidden resource"}`)
					}
					return respond(200, `{}`) // the token is good
				})
				_, err := client.CreateDatablock(t.Context(), Datablock{DatasetID: "p/1"}, nil)
				if err == nil || NotDone(err) != c.done || posts != c.posts {
					t.Errorf("not done %v after %d POSTs, want %v after %d: %v", NotDone(err), posts, c.done, c.posts, err)
				}
			})
		})
	}
	t.Run("interrupted", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		client, _ := clientOn(t, Options{}, func(_ int, r *http.Request) (*http.Response, error) {
			cancel()
			return nil, r.Context().Err()
		})
		if _, err := client.CreateDatablock(ctx, Datablock{DatasetID: "p/1"}, nil); err == nil || NotDone(err) {
			t.Errorf("%v", err)
		}
	})
	if NotDone(nil) {
		t.Error("a success is not done")
	}
}

// TestCreateDataset_LooksForThePIDThatAnAnswerLost before it gives up.
func TestCreateDataset_LooksForThePIDThatAnAnswerLost(t *testing.T) {
	for _, c := range []struct {
		name  string
		there bool
		err   error
		want  error
		kind  fault.Kind
	}{
		{"found", true, nil, nil, fault.Bug},
		{"not found", false, nil, ErrNoPID, fault.Unavailable},
		{"no answer", false, fault.Errorf(fault.NotPermitted, "rejected"), ErrNoPID, fault.NotPermitted},
	} {
		client, _ := clientOn(t, Options{}, func(int, *http.Request) (*http.Response, error) {
			return respond(201, `{"pid":"20.500`)
		})
		asked := 0
		pid, err := client.CreateDataset(t.Context(), Dataset{}, func(context.Context) (bool, error) {
			asked++
			return c.there, c.err
		})
		if asked != 1 || pid != "" || !errors.Is(err, c.want) || err != nil && fault.KindOf(err) != c.kind {
			t.Errorf("%s: asked %d times, %q, kind %v: %v", c.name, asked, pid, fault.KindOf(err), err)
		}
	}
}

// TestErrors_SayWhoAnswersAndWhy in as few words as it takes.
func TestErrors_SayWhoAnswersAndWhy(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer transport
		want   string
	}{
		{"a message that repeats the status is left out",
			func(int, *http.Request) (*http.Response, error) { return respond(404, `{"message":"Not Found"}`) },
			"catalogue: GET /api/v3/users/my/self: 404 Not Found"},
		{"a server's error names the server, which may be a gateway",
			func(int, *http.Request) (*http.Response, error) { return respond(503, "service unavailable.") },
			"catalogue: GET http://catalogue.example/api/v3/users/my/self: 503 Service Unavailable"},
		{"no connection",
			func(int, *http.Request) (*http.Response, error) { return nil, refusedConnection() },
			"catalogue: GET /api/v3/users/my/self: can not connect to catalogue.example (10.0.0.1:80): connection refused"},
		{"no such host",
			func(int, *http.Request) (*http.Response, error) {
				return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "catalogue.example", IsNotFound: true}}
			},
			"catalogue: GET /api/v3/users/my/self: can not connect to catalogue.example: no such host"},
		{"a connection that was there",
			func(int, *http.Request) (*http.Response, error) { return nil, io.EOF },
			"catalogue: GET http://catalogue.example/api/v3/users/my/self: connection closed before the answer"},
	} {
		client, _ := clientOn(t, Options{MaxRetries: -1}, c.answer)
		if err := client.CheckToken(t.Context()); err == nil || !strings.HasSuffix(err.Error(), c.want) {
			t.Errorf("%s:\n%v, want\n%s", c.name, err, c.want)
		}
	}
}
