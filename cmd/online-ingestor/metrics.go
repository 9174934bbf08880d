package main

import (
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"ingestor/internal/buildinfo"
	"ingestor/internal/kafka"
	"ingestor/internal/outcome"
	"ingestor/online"
)

// metrics keeps what the daemon said last, for who asks over HTTP. A scrape reads
// it, together with what the Kafka sources count anyway; nothing is asked of anybody.
type metrics struct {
	registry *prometheus.Registry
	attempts *prometheus.CounterVec
	seconds  prometheus.Histogram
	kafka    []kafkaSource

	mu             sync.Mutex
	status         online.Status
	observed       time.Time // of status; zero before the first
	lastRegistered time.Time
}

// kafkaSource is what a source tells that is one of Kafka.
type kafkaSource interface {
	Name() string
	Positions() []kafka.Position
	Stalls() int
}

var _ kafkaSource = (*kafka.Source)(nil)

// results are those of a child's run: ok, or the class of its failure.
func results() []string {
	return []string{"ok", "permanent", "transient", "systemic", "bug", "interrupted"}
}

// holds are all reasons why the intake may be held.
func holds() []online.Hold {
	return []online.Hold{
		online.HoldPoolFull, online.HoldCatalogueDown, online.HoldStorageDown, online.HoldDiskFull,
		online.HoldDeadLetter, online.HoldOperator, online.HoldExecutable, online.HoldStopping,
	}
}

// newMetrics makes the metrics of a daemon with these sources.
func newMetrics(sources []online.Source) (*metrics, error) {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ingestor_attempts_total", Help: "Runs of offline ingestors that have ended, by result.",
		}, []string{"result"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "ingestor_child_seconds", Help: "Time from start to end of an offline ingestor.",
			Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600},
		}),
	}
	for _, r := range results() {
		m.attempts.WithLabelValues(r) // there from the start, so that the first one is an increase
	}
	for _, s := range sources {
		if k, is := s.(kafkaSource); is {
			m.kafka = append(m.kafka, k)
		}
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "ingestor_build_info", Help: "Always 1; the label says which version this is.",
		ConstLabels: prometheus.Labels{"version": buildinfo.Version()},
	})
	info.Set(1)
	for _, c := range []prometheus.Collector{
		info, m.attempts, m.seconds, scrape{m},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		if err := m.registry.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// observe takes what the daemon says about once a second.
func (m *metrics) observe(s online.Status) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if s.Outcomes[outcome.Registered] > m.status.Outcomes[outcome.Registered] {
		m.lastRegistered = now
	}
	m.status, m.observed = s, now
}

// attempt takes the end of a child.
func (m *metrics) attempt(a online.Attempt) {
	result := "ok"
	if !a.OK {
		result = a.Class.String()
	}
	m.attempts.WithLabelValues(result).Inc()
	m.seconds.Observe(a.Duration.Seconds())
}

// now is what the daemon said last, and when.
func (m *metrics) now() (s online.Status, observed, lastRegistered time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.status, m.observed, m.lastRegistered
}

// handlers are what is answered, for telemetry.Server.
func (m *metrics) handlers() map[string]http.Handler {
	return map[string]http.Handler{
		"GET /metrics": promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4}),
		"GET /ready":   http.HandlerFunc(m.ready),
	}
}
