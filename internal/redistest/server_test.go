package redistest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

func TestServer_RestartKeepsOrDropsTheData(t *testing.T) {
	s := Start(t, Options{})
	c := s.Client()
	if err := c.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	s.Restart(true)
	if v, err := c.Get(t.Context(), "k").Result(); v != "v" || err != nil {
		t.Errorf("after a restart with its data: %q, %v", v, err)
	}
	s.Restart(false)
	if v, err := c.Get(t.Context(), "k").Result(); !errors.Is(err, redis.Nil) {
		t.Errorf("after a restart without data: %q, %v", v, err)
	}
}

func TestServer_PausedDoesNotAnswer(t *testing.T) {
	s := Start(t, Options{})
	s.Pause()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if answers(ctx, s.Addr()) {
		t.Error("a paused server answers")
	}
	s.Resume()
	if err := s.Client().Ping(t.Context()).Err(); err != nil {
		t.Errorf("a resumed server: %v", err)
	}
}

func TestServer_PasswordAndSocket(t *testing.T) {
	s := Start(t, Options{Password: "p@ss/#word"})
	for _, u := range []string{s.URL(), s.UnixURL()} {
		o, err := redis.ParseURL(u)
		if err != nil {
			t.Fatal(err)
		}
		c := redis.NewClient(o)
		if err := c.Ping(t.Context()).Err(); err != nil {
			t.Errorf("by %s: %v", o.Network, err)
		}
		_ = c.Close()
	}
	bare := redis.NewClient(&redis.Options{Addr: s.Addr()})
	defer bare.Close()
	if err := bare.Ping(t.Context()).Err(); err == nil {
		t.Error("the server asks for no password")
	}
}
