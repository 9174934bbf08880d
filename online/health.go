package online

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"ingestor/internal/fault"
)

// HealthOptions configures the health check.
type HealthOptions struct {
	// Address to listen on, host:port.
	Address string
	// Sources is nil when all sources may deliver.
	Sources func() error
	// Catalogue asks the catalogue; nil counts as healthy.
	Catalogue func(ctx context.Context) error
	// DataDirectory is listed; empty counts as healthy (D40).
	DataDirectory string
	// Every is the time between two probes; default 10 s.
	Every time.Duration
	// Log receives changes; nil discards them.
	Log logrus.FieldLogger
}

// health is the peer's answer: what works.
type health struct {
	Kafka   bool `json:"kafka"`
	Storage bool `json:"storage"`
	SciCat  bool `json:"scicat"`
}

func (h health) all() bool { return h.Kafka && h.Storage && h.SciCat }

// Health answers GET /health from what it probed last, so that neither a slow
// catalogue nor a hanging share keeps a caller waiting.
type Health struct {
	opt      HealthOptions
	log      logrus.FieldLogger
	listener net.Listener

	mu     sync.Mutex
	last   health
	probed bool
	// listing is closed when a listing of the data directory has ended; a
	// share that hangs gets one at a time.
	listing chan struct{}
	listed  error
	// mounted: the data directory was seen to be the root of a file system. The
	// empty folder below it, after an unmount, is another one.
	mounted bool
}

// probeLimit bounds one probe.
const probeLimit = 5 * time.Second

// NewHealth opens the port, so that a taken one is found at the start.
func NewHealth(ctx context.Context, o HealthOptions) (*Health, error) {
	if o.Every <= 0 {
		o.Every = 10 * time.Second
	}
	if o.Log == nil {
		o.Log = silent()
	}
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", o.Address)
	if err != nil {
		return nil, fault.Errorf(fault.Unavailable,
			"health check: %w: choose another health_check.host or health_check.port", err)
	}
	return &Health{opt: o, log: o.Log, listener: l}, nil
}

// Address is where it listens.
func (h *Health) Address() string { return h.listener.Addr().String() }

// Run probes and answers until ctx ends.
func (h *Health) Run(ctx context.Context) error {
	server := &http.Server{
		Handler:           http.HandlerFunc(h.serve),
		ReadHeaderTimeout: probeLimit, ReadTimeout: probeLimit, WriteTimeout: probeLimit, IdleTimeout: time.Minute,
		MaxHeaderBytes: 16 << 10,
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(h.listener) }()
	h.log.WithField("address", h.Address()).Info("Health check server started")
	every := time.NewTicker(h.opt.Every)
	defer every.Stop()
	for {
		h.probe(ctx)
		select {
		case <-ctx.Done():
			if err := server.Close(); err != nil {
				return fmt.Errorf("close the health check: %w", err)
			}
			if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("health check: %w", err)
			}
			return nil
		case err := <-ended:
			return fmt.Errorf("health check: %w", err)
		case <-every.C:
		}
	}
}

// StorageDown says why the data directory could not be listed lately; nil when it
// could.
func (h *Health) StorageDown() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.listing == nil {
		return nil
	}
	return h.listed
}

// LookAtStorage finds out now what StorageDown says.
func (h *Health) LookAtStorage(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	return h.list(ctx)
}

// Probed is nil once catalogue and storage were asked for the first time,
// whatever they said.
func (h *Health) Probed() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.probed {
		return errNotProbed
	}
	return nil
}

var errNotProbed = errors.New("catalogue and storage are being asked")

// probe asks everything once and says what changed.
func (h *Health) probe(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	var catalogue error
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		if h.opt.Catalogue != nil {
			catalogue = h.opt.Catalogue(ctx)
		}
	}()
	storage := h.list(ctx)
	<-asked
	now := health{Storage: storage == nil, SciCat: catalogue == nil}
	sources := h.opt.Sources()
	now.Kafka = sources == nil
	h.mu.Lock()
	before := h.last
	h.last, h.probed = now, true
	h.mu.Unlock()
	for _, part := range []struct {
		name        string
		before, now bool
		err         error
	}{{"kafka", before.Kafka, now.Kafka, sources}, {"storage", before.Storage, now.Storage, storage}, {"scicat", before.SciCat, now.SciCat, catalogue}} {
		if entry := h.log.WithField("part", part.name); part.before && !part.now {
			entry.WithError(part.err).Warn("Health check: a part is not well")
		} else if !part.before && part.now {
			entry.Debug("Health check: a part is well")
		}
	}
}

var errHangs = errors.New("listing the data directory takes too long")

// list tries to read the data directory within ctx.
func (h *Health) list(ctx context.Context) error {
	if h.opt.DataDirectory == "" {
		return nil
	}
	h.mu.Lock()
	if h.listing == nil || isClosed(h.listing) {
		h.listing = make(chan struct{})
		go h.listOnce(h.listing)
	}
	listing := h.listing
	h.mu.Unlock()
	select {
	case <-listing:
	case <-ctx.Done():
		h.mu.Lock()
		h.listed = errHangs
		h.mu.Unlock()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.listed
}

// listOnce may hang for as long as the share does.
func (h *Health) listOnce(end chan struct{}) {
	err := func() error {
		dir, err := os.Open(h.opt.DataDirectory)
		if err != nil {
			return fmt.Errorf("data directory: %w", err)
		}
		defer dir.Close()
		info, err := dir.Stat()
		if err != nil || !info.IsDir() {
			return fmt.Errorf("data directory %s is not a folder", h.opt.DataDirectory)
		}
		return h.stillMounted(isMountPoint(h.opt.DataDirectory, info))
	}()
	h.mu.Lock()
	h.listed = err
	h.mu.Unlock()
	close(end)
}

func isClosed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// serve is the peer's health check: GET /health, nothing else.
func (h *Health) serve(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/health" {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	h.mu.Lock()
	now := h.last
	h.mu.Unlock()
	// Kafka's state costs nothing to ask, so it is never stale.
	now.Kafka = h.opt.Sources() == nil
	body, err := json.Marshal(now)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if !now.all() {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	if _, err := w.Write(body); err != nil {
		h.log.WithError(err).Debug("Health check: the caller has gone")
	}
}
