package scicattest

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// Document is a stored object, as its JSON.
type Document = map[string]any

// Server is a catalogue. It is safe for concurrent use; requests are carried
// out one after the other.
type Server struct {
	opt    Options
	secret []byte
	routes []route
	closed chan struct{}
	once   sync.Once

	mu          sync.Mutex
	users       []*account
	datasets    collection // database form
	datablocks  collection
	proposals   []Document
	instruments []Document
	samples     []Document
	requests    []Request
	faults      []*activeFault
	run         int
	lastTime    time.Time

	listening sync.Mutex
	http      *http.Server
	url       string
	served    chan struct{}
}

// New makes a catalogue that does not listen yet.
func New(o Options) (*Server, error) {
	o = o.withDefaults()
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("catalogue in memory: %w", err)
	}
	secret, err := randomBytes(32)
	if err != nil {
		return nil, fmt.Errorf("catalogue in memory: %w", err)
	}
	s := &Server{opt: o, secret: secret, closed: make(chan struct{}), run: 1}
	for _, u := range o.Users {
		a, err := newAccount(u)
		if err != nil {
			return nil, fmt.Errorf("catalogue in memory: %w", err)
		}
		s.users = append(s.users, a)
	}
	s.routes = s.table()
	return s, nil
}

// Start listens on a free port of the loopback and serves in the background
// until Close.
func (s *Server) Start() error { return s.StartOn("127.0.0.1:0") }

// StartOn is Start on a given address.
func (s *Server) StartOn(address string) error {
	s.listening.Lock()
	defer s.listening.Unlock()
	if s.http != nil {
		return errors.New("catalogue in memory: serves already")
	}
	where, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return fmt.Errorf("catalogue in memory: %w", err)
	}
	listener, err := net.ListenTCP("tcp", where)
	if err != nil {
		return fmt.Errorf("catalogue in memory: %w", err)
	}
	s.url = "http://" + listener.Addr().String()
	s.served = make(chan struct{})
	// The backend's own keep-alive time, which clients have to live with.
	s.http = &http.Server{Handler: s, IdleTimeout: 5 * time.Second, ReadHeaderTimeout: 10 * time.Second}
	go func(server *http.Server, done chan struct{}) {
		defer close(done)
		// Serve only ends with an error, which is Close's doing.
		_ = server.Serve(listener)
	}(s.http, s.served)
	return nil
}

// URL is the root, where the page is; empty before Start.
func (s *Server) URL() string {
	s.listening.Lock()
	defer s.listening.Unlock()
	return s.url
}

// BaseURL is the root of the API, as scicat.host wants it.
func (s *Server) BaseURL() string { return s.URL() + apiRoot }

// Close stops serving and cuts what is under way.
func (s *Server) Close() error {
	s.once.Do(func() { close(s.closed) })
	s.listening.Lock()
	defer s.listening.Unlock()
	if s.http == nil {
		return nil
	}
	err := s.http.Close()
	<-s.served
	if err != nil {
		return fmt.Errorf("catalogue in memory: %w", err)
	}
	return nil
}

// now is the clock, made strictly increasing in milliseconds, so that the order
// of creation can be read off the documents. The caller holds mu.
func (s *Server) now() time.Time {
	t := s.opt.Now().UTC().Truncate(time.Millisecond)
	if !t.After(s.lastTime) {
		t = s.lastTime.Add(time.Millisecond)
	}
	s.lastTime = t
	return t
}
