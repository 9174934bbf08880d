package scicat

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ingestor/internal/fault"
)

// transport answers by a function, in virtual time.
type transport func(n int, r *http.Request) (*http.Response, error)

type counted struct {
	n      int
	answer transport
}

func (c *counted) RoundTrip(r *http.Request) (*http.Response, error) {
	c.n++
	return c.answer(c.n, r)
}

func respond(status int, body string, headers ...string) (*http.Response, error) {
	h := http.Header{}
	for i := 0; i+1 < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}, nil
}

func clientOn(t *testing.T, o Options, answer transport) (*Client, *counted) {
	t.Helper()
	o.BaseURL = "http://catalogue.example/api/v3"
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	fake := &counted{answer: answer}
	c.http.Transport = fake
	return c, fake
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		name, value, date string
		want              time.Duration
	}{
		{"absent", "", "", 0},
		{"seconds", "2", "", 2 * time.Second},
		{"zero", "0", "", 0},
		{"negative", "-5", "", 0},
		{"nonsense", "soon", "", 0},
		{"too many digits", "99999999999999999999", "", 0},
		{"date by this clock", "Sun, 22 Nov 2026 12:00:07 GMT", "", 7 * time.Second},
		{"date by the server's clock", "Sun, 22 Nov 2026 11:00:07 GMT", "Sun, 22 Nov 2026 11:00:00 GMT", 7 * time.Second},
		{"date that is over", "Sun, 22 Nov 2026 11:00:00 GMT", "", 0},
	}
	for _, tt := range tests {
		h := http.Header{}
		h.Set("Retry-After", tt.value)
		h.Set("Date", tt.date)
		if got := retryAfter(h, now); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestBackoff_DoublesWithinItsBounds(t *testing.T) {
	c, _ := clientOn(t, Options{RetryDelay: 100 * time.Millisecond, RetryMaxDelay: time.Second}, nil)
	for try, want := range map[int]time.Duration{1: 100 * time.Millisecond, 2: 200 * time.Millisecond, 4: 800 * time.Millisecond, 5: time.Second, 200: time.Second} {
		for range 50 {
			if d := c.backoff(try, 0); d > want || d < want/2 {
				t.Fatalf("attempt %d: %v, want between %v and %v", try, d, want/2, want)
			}
		}
	}
	if d := c.backoff(1, 3*time.Second); d != 3*time.Second {
		t.Errorf("asked for 3 s: %v", d)
	}
	if d := c.backoff(1, time.Hour); d != DefaultRetryMaxDelay {
		t.Errorf("asked for an hour: %v", d)
	}
}

func TestGet_GivesUpAfterTheRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, fake := clientOn(t, Options{MaxRetries: 3}, func(int, *http.Request) (*http.Response, error) {
			return respond(503, `{"message":"busy"}`)
		})
		started := time.Now()
		_, err := c.Dataset(t.Context(), "x/1")
		if fault.KindOf(err) != fault.Unavailable || fake.n != 4 {
			t.Errorf("%d attempts, %v", fake.n, err)
		}
		// 0.5 + 1 + 2 s, each shortened by up to a half.
		if d := time.Since(started); d < 1750*time.Millisecond || d > 3500*time.Millisecond {
			t.Errorf("took %v", d)
		}
		for _, text := range []string{"503", "busy", "x%2F1", "tried 4 times"} {
			if !strings.Contains(err.Error(), text) {
				t.Errorf("%v does not say %q", err, text)
			}
		}
	})
}

func TestGet_WaitsAsLongAsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := clientOn(t, Options{}, func(n int, _ *http.Request) (*http.Response, error) {
			if n == 1 {
				return respond(429, `{}`, "Retry-After", "20")
			}
			return respond(404, `{}`)
		})
		started := time.Now()
		if presence, err := c.Dataset(t.Context(), "x"); err != nil || presence != Absent {
			t.Errorf("%v %v", presence, err)
		}
		if d := time.Since(started); d != 20*time.Second {
			t.Errorf("took %v", d)
		}
	})
}

func TestGet_WaitingEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, fake := clientOn(t, Options{RetryDelay: time.Hour, RetryMaxDelay: time.Hour}, func(int, *http.Request) (*http.Response, error) {
			return nil, errors.New("refused")
		})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err := c.Dataset(ctx, "x")
		if !errors.Is(err, context.Canceled) || fault.KindOf(err) != fault.Interrupted || fake.n != 1 {
			t.Errorf("%d attempts, %v: %v", fake.n, fault.KindOf(err), err)
		}
		slow, cancelSlow := context.WithTimeout(t.Context(), time.Second)
		defer cancelSlow()
		if _, err := c.Dataset(slow, "x"); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("deadline: %v: %v", fault.KindOf(err), err)
		}
	})
}

func TestOnce_TimesOutOnItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, fake := clientOn(t, Options{Timeout: time.Second, MaxRetries: 1}, func(_ int, r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		_, err := c.Dataset(t.Context(), "x")
		if fault.KindOf(err) != fault.Unavailable || fake.n != 2 || !strings.Contains(err.Error(), "no answer within 1s") {
			t.Errorf("%d attempts: %v", fake.n, err)
		}
	})
}

func TestPost_LooksRightBeforeItPostsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var events []string
		var mark time.Time
		c, _ := clientOn(t, Options{}, func(n int, r *http.Request) (*http.Response, error) {
			events = append(events, r.Method)
			if !mark.IsZero() && time.Since(mark) != 0 {
				t.Errorf("%v passed between look and POST", time.Since(mark))
			}
			if n == 1 {
				return nil, io.ErrUnexpectedEOF
			}
			return respond(201, `{"pid":"x"}`)
		})
		pid, err := c.CreateDataset(t.Context(), Dataset{PID: "x"}, func(context.Context) (bool, error) {
			events = append(events, "look")
			mark = time.Now()
			return false, nil
		})
		if err != nil || pid != "x" || fmt.Sprint(events) != "[POST look POST]" {
			t.Errorf("%v %q %v", events, pid, err)
		}
	})
}

func TestPost_NeverBlindly(t *testing.T) {
	cut := func(int, *http.Request) (*http.Response, error) { return nil, io.EOF }
	yes := func(context.Context) (bool, error) { return true, nil }
	no := func(context.Context) (bool, error) { return false, nil }
	away := func(context.Context) (bool, error) { return false, fault.Errorf(fault.Unavailable, "away") }
	tests := []struct {
		name   string
		pid    string
		answer transport
		landed Landed
		posts  int
		kind   fault.Kind
		ok     bool
	}{
		{"carried out", "x", cut, yes, 1, 0, true},
		{"nobody can look", "", cut, nil, 1, fault.Unavailable, false},
		{"the look fails", "x", cut, away, 1, fault.Unavailable, false},
		{"never carried out", "x", cut, no, 3, fault.Unavailable, false},
		{"refused before anything", "", func(int, *http.Request) (*http.Response, error) { return respond(429, "") }, nil, 3, fault.Unavailable, false},
		{"permanent", "x", func(int, *http.Request) (*http.Response, error) { return respond(422, `{"message":["a must be b"]}`) }, no, 1, fault.BadInput, false},
		{"refused by the database for ever", "x", func(int, *http.Request) (*http.Response, error) {
			return respond(500, `{"errors":{"owner":{"message":"Path owner is required."}}}`)
		}, no, 1, fault.BadInput, false},
		{"no such endpoint", "x", func(int, *http.Request) (*http.Response, error) {
			return respond(404, `{"message":"Cannot POST /x","statusCode":404}`)
		}, no, 1, fault.BadConfiguration, false},
		{"redirected", "x", func(int, *http.Request) (*http.Response, error) {
			return respond(307, "", "Location", "http://elsewhere.example/")
		}, no, 1, fault.BadConfiguration, false},
		{"success without pid", "", func(int, *http.Request) (*http.Response, error) { return respond(201, `{}`) }, no, 1, fault.Unavailable, false},
		{"success in words", "x", func(int, *http.Request) (*http.Response, error) { return respond(201, `created`) }, no, 1, 0, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, fake := clientOn(t, Options{MaxRetries: 2}, tt.answer)
				pid, err := c.CreateDataset(t.Context(), Dataset{PID: tt.pid}, tt.landed)
				if fake.n != tt.posts {
					t.Errorf("%d requests, want %d", fake.n, tt.posts)
				}
				if tt.ok && (err != nil || pid != tt.pid) || !tt.ok && (err == nil || fault.KindOf(err) != tt.kind) {
					t.Errorf("%q, %v: %v", pid, fault.KindOf(err), err)
				}
				if err != nil && strings.Contains(err.Error(), "\n") {
					t.Errorf("%q is not one line", err)
				}
			})
		})
	}
}
