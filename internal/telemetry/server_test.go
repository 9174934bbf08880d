package telemetry

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"
	logtest "github.com/sirupsen/logrus/hooks/test"

	"ingestor/internal/fault"
)

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

func TestServer_AnswersUntilItsContextEnds(t *testing.T) {
	log, _ := logtest.NewNullLogger()
	s, err := NewServer(t.Context(), ServerOptions{Address: "127.0.0.1:0", Log: log, Handlers: map[string]http.Handler{
		"/health": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte("no"))
		}),
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	if code, body := get(t, "http://"+s.Address()+"/health"); code != 503 || body != "no" {
		t.Errorf("%d %q", code, body)
	}
	if code, _ := get(t, "http://"+s.Address()+"/"); code != 404 {
		t.Errorf("/ gives %d", code)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := s.Close(); err == nil {
		t.Error("the port was still open")
	}
}

func TestServer_ATakenPortIsAnErrorOrAnotherPort(t *testing.T) {
	log, hook := logtest.NewNullLogger()
	var listen net.ListenConfig
	taken, err := listen.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	address := taken.Addr().String()
	_, err = NewServer(t.Context(), ServerOptions{Address: address, Setting: "some.key", Log: log})
	if fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), address) || !strings.HasSuffix(err.Error(), "choose another some.key") {
		t.Errorf("got %v", err)
	}
	s, err := NewServer(t.Context(), ServerOptions{Address: address, AnyPort: true, Setting: "some.key", Log: log})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.Address() == address || len(hook.Entries) != 1 || hook.LastEntry().Level != logrus.WarnLevel {
		t.Errorf("at %s, said %v", s.Address(), hook.Entries)
	}
	if _, err := NewServer(t.Context(), ServerOptions{Address: "256.0.0.1:1", AnyPort: true, Log: log}); err == nil {
		t.Error("listens nowhere")
	}
}
