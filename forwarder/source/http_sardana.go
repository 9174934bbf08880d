package source

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"ingestor/internal/fault"
	"ingestor/internal/zmq"
)

// sardanaPort is where the peers listen.
const sardanaPort = "5002"

// bodyBytes bounds a posted message.
const bodyBytes = 16 << 20

// newSardana listens for what Sardana posts. The server is there all the time; what
// is posted while no scan is active is answered and dropped.
func newSardana(s Settings) (Source, error) {
	if err := single(s); err != nil {
		return nil, err
	}
	if s.URL == "" {
		s.URL = "http://127.0.0.1:" + sardanaPort
	}
	u, err := url.Parse(s.URL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "tcp") || u.Host == "" {
		return nil, fault.Errorf(fault.BadConfiguration, "stream %q: http_sardana listens at a URL such as http://127.0.0.1:%s, not at %q", s.Stream, sardanaPort, s.URL)
	}
	host, port := u.Hostname(), u.Port()
	if host == "*" {
		host = ""
	}
	if port == "" {
		port = sardanaPort
	}
	return &sardana{address: net.JoinHostPort(host, port)}, nil
}

type sardana struct {
	address string

	up       *Upstream
	listener net.Listener
	server   *http.Server
	served   chan struct{}
	own      bool // Open has begun to listen
	queue    atomic.Pointer[queue]
	state    state

	mu     sync.Mutex // of report, which handlers use too
	report *reporter
}

// Typ names the protocol.
func (*sardana) Typ() string { return "sardana" }

// Listen begins to answer. The error is of the kind fault.Unavailable when the
// address is taken.
func (s *sardana) Listen(up *Upstream) error {
	if s.server != nil {
		return nil
	}
	var config net.ListenConfig
	stop := make(closing)
	defer close(stop)
	listener, err := config.Listen(stop, "tcp", s.address)
	if err != nil {
		return fault.New(fault.Unavailable, fmt.Errorf("listen for Sardana at %s: %w", s.address, err))
	}
	s.up, s.listener, s.served = up, listener, make(chan struct{})
	s.report = &reporter{log: up.Log, count: up.Count}
	s.server = &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       60 * time.Second,
		IdleTimeout:       5 * time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
	server, served := s.server, s.served
	go func() {
		defer close(served)
		if err := server.Serve(listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
			up.Log.WithError(err).Error("The server for Sardana has ended")
		}
	}()
	return nil
}

// Shut ends the server.
func (s *sardana) Shut() error {
	if s.server == nil {
		return nil
	}
	if q := s.queue.Swap(nil); q != nil {
		q.close()
	}
	err := s.server.Close()
	<-s.served
	s.server = nil
	if err != nil {
		return fmt.Errorf("end the server for Sardana: %w", err)
	}
	return nil
}

// Open begins to keep what is posted.
func (s *sardana) Open(up *Upstream) error {
	if s.server == nil {
		if err := s.Listen(up); err != nil {
			return err
		}
		s.own = true
	}
	s.state = waiting
	if q := s.queue.Swap(newQueue(s.up.QueueBytes, s.up.Wake)); q != nil {
		q.close()
	}
	return nil
}

// Close drops what waits, and from now on everything.
func (s *sardana) Close() error {
	if q := s.queue.Swap(nil); q != nil {
		q.close()
	}
	if s.report != nil {
		s.mu.Lock()
		s.report.flush()
		s.mu.Unlock()
	}
	if s.own {
		s.own = false
		return s.Shut()
	}
	return nil
}

// Next gives the next message of the series: what comes before a description is
// dropped; then everything is an event, a second description too, up to the end.
func (s *sardana) Next() (*zmq.Message, error) {
	q := s.queue.Load()
	if q == nil {
		return nil, nil
	}
	for {
		b, err := q.take()
		if b == nil || err != nil {
			return nil, err
		}
		which, body := b[0], b[1:]
		switch {
		case s.state == ended:
			s.drop(AfterEnd, body, "the scan has ended")
			continue
		case s.state == waiting && which != dataDescription:
			s.drop(NoStart, body, "a description is waited for")
			continue
		}
		s.state = running
		if which == recordEnd {
			s.state = ended
		}
		m := s.up.Pool.Get()
		m.Append(body)
		return m, nil
	}
}

func (s *sardana) drop(reason Reason, body []byte, why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.body(body, reason, why)
}

func (s *sardana) handler() http.Handler {
	mux := http.NewServeMux()
	paths := []string{dataDescription: "/v1/data_desc", recordData: "/v1/record_data", recordEnd: "/v1/record_end"}
	for which, model := range sardanaModels() {
		mux.HandleFunc("POST "+paths[which], func(w http.ResponseWriter, r *http.Request) {
			body, ok := s.read(w, r)
			if !ok {
				return
			}
			event, err := model.rewrite(body)
			if err != nil {
				s.refuse(w, body, err)
				return
			}
			s.receive(w, append([]byte{byte(which)}, event...))
		})
	}
	mux.HandleFunc("POST /v1/custom_data", func(w http.ResponseWriter, r *http.Request) {
		body, ok := s.read(w, r)
		if !ok {
			return
		}
		if err := isObject(body); err != nil {
			s.refuse(w, body, err)
			return
		}
		answer(w, http.StatusOK, nil)
	})
	return mux
}

// read takes a body.
func (s *sardana) read(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyBytes))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		s.drop(Overflow, nil, "a body is too large")
		answer(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("The body is larger than %d bytes", bodyBytes))
		return nil, false
	case err != nil:
		answer(w, http.StatusBadRequest, "The body could not be read")
		return nil, false
	case !utf8.Valid(body): // the peers' framework knows an answer of its own for it
		s.drop(Invalid, body, "it is not UTF-8")
		answer(w, http.StatusBadRequest, "The body is not UTF-8")
		return nil, false
	}
	return withoutMark(body), true
}

// withoutMark is a body without the byte order mark that may stand in front.
func withoutMark(body []byte) []byte { return bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")) }

func (s *sardana) receive(w http.ResponseWriter, event []byte) {
	switch q := s.queue.Load(); {
	case q == nil:
		s.drop(Inactive, event[1:], "no scan is active")
	case !q.offer(event):
		s.drop(Overflow, event[1:], "too much waits already")
		w.Header().Set("Retry-After", "1")
		answer(w, http.StatusServiceUnavailable, "Too many messages wait to be forwarded")
		return
	}
	answer(w, http.StatusOK, nil)
}

func (s *sardana) refuse(w http.ResponseWriter, body []byte, err error) {
	s.drop(Invalid, body, err.Error())
	answer(w, http.StatusUnprocessableEntity, []map[string]any{{"type": "invalid", "loc": []string{"body"}, "msg": err.Error()}})
}

// answer writes what the peers' framework would: null, or what is wrong under detail.
func answer(w http.ResponseWriter, status int, detail any) {
	body := []byte("null")
	if detail != nil {
		body, _ = json.Marshal(map[string]any{"detail": detail}) // of texts: it can not fail
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that has gone needs no answer
}
