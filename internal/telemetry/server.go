package telemetry

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/sirupsen/logrus"

	"ingestor/internal/fault"
)

// ServerOptions configures a Server.
type ServerOptions struct {
	// Address to listen on, host:port.
	Address string
	// AnyPort takes another port of the same host when that one is in use.
	AnyPort bool
	// Setting is what a person changes to get another address, for messages.
	Setting string
	// Handlers are what is answered, by path.
	Handlers map[string]http.Handler
	// Log receives where it listens; required.
	Log logrus.FieldLogger
}

// Server answers who asks how a program is doing.
type Server struct {
	opt      ServerOptions
	listener net.Listener
}

// serverPatience bounds each step of an exchange, so that a client that hangs costs
// nothing for long.
const serverPatience = 10 * time.Second

// NewServer opens the port, so that a taken one is found at the start: an error of
// the kind fault.Unavailable.
func NewServer(ctx context.Context, o ServerOptions) (*Server, error) {
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", o.Address)
	if errors.Is(err, syscall.EADDRINUSE) && o.AnyPort {
		host, _, splitErr := net.SplitHostPort(o.Address)
		if splitErr != nil {
			return nil, fault.New(fault.BadConfiguration, splitErr)
		}
		if l, err = listen.Listen(ctx, "tcp", net.JoinHostPort(host, "0")); err == nil {
			o.Log.WithFields(logrus.Fields{"wanted": o.Address, "address": l.Addr().String(), "setting": o.Setting}).
				Warn("The address of metrics and health is in use, so they are at another one")
		}
	}
	if err != nil {
		return nil, fault.Errorf(fault.Unavailable, "metrics and health: %w: choose another %s", err, o.Setting)
	}
	return &Server{opt: o, listener: l}, nil
}

// Address is where it listens, with the real port.
func (s *Server) Address() string { return s.listener.Addr().String() }

// Run answers until ctx ends.
func (s *Server) Run(ctx context.Context) error {
	mux := http.NewServeMux()
	for path, h := range s.opt.Handlers {
		mux.Handle(path, h)
	}
	server := &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: serverPatience, ReadTimeout: serverPatience, WriteTimeout: serverPatience, IdleTimeout: time.Minute,
		MaxHeaderBytes: 16 << 10,
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(s.listener) }()
	s.opt.Log.WithField("address", s.Address()).Info("Metrics and health are served")
	select {
	case err := <-ended:
		return fmt.Errorf("serve metrics and health: %w", err)
	case <-ctx.Done():
	}
	if err := server.Close(); err != nil {
		return fmt.Errorf("close metrics and health: %w", err)
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve metrics and health: %w", err)
	}
	return nil
}

// Close gives the port back when Run was never called.
func (s *Server) Close() error { return s.listener.Close() }
