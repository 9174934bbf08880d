package main

import (
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"ingestor/forwarder"
	"ingestor/internal/buildinfo"
)

// metricsHandler answers GET /metrics. Nothing is counted for it: a scrape reads the
// counters that the ingesters keep anyway.
func metricsHandler(all []ingester) (http.Handler, error) {
	registry := prometheus.NewRegistry()
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "frame_forwarder_build_info", Help: "Always 1; the label says which version this is.",
		ConstLabels: prometheus.Labels{"version": buildinfo.Version()},
	})
	info.Set(1)
	for _, c := range []prometheus.Collector{
		info, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collector{all},
	} {
		if err := registry.Register(c); err != nil {
			return nil, err
		}
	}
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4}), nil
}

// metric is the definition of one metric.
type metric struct {
	*prometheus.Desc
	kind prometheus.ValueType
}

func counter(name, help string, labels ...string) metric {
	return define(name, help, prometheus.CounterValue, labels)
}

func gauge(name, help string, labels ...string) metric {
	return define(name, help, prometheus.GaugeValue, labels)
}

func define(name, help string, kind prometheus.ValueType, labels []string) metric {
	return metric{prometheus.NewDesc("frame_forwarder_"+name, help, append([]string{"ingester"}, labels...), nil), kind}
}

// metrics are all that an ingester has.
type metrics struct {
	events, pending, lastEvent, wait, badPings, workers, up                  metric
	streamEvents, streamFrames, streamBytes, discards, gaps, repeats, faults metric
	messages, frames, bytes, dropped, waits, queuedMessages, queuedBytes     metric
	dumpRecords, dumpBytes, dumpDropped, dumpFailures                        metric
	redis, lag, reconnects, published, publishFailures                       metric
	mappings, updates, badUpdates, assignments, badAssignments               metric
	latency                                                                  *prometheus.Desc
}

func newMetrics() *metrics {
	return &metrics{
		events:    counter("events_total", "Events done, those that no worker got included."),
		pending:   gauge("pending_events", "Events that are assigned and not done."),
		lastEvent: gauge("last_event_timestamp_seconds", "When the last event was done; 0 before the first."),
		wait:      counter("wait_seconds_total", "Time without anything to do, by what was waited for.", "for"),
		badPings:  counter("bad_pings_total", "Pings of workers that are none and were ignored."),
		workers:   gauge("connected_workers", "Workers that pinged in the last seconds."),
		up:        gauge("ready", "1 when workers can connect."),

		streamEvents: counter("stream_events_total", "Events taken from upstream.", "stream", "source"),
		streamFrames: counter("stream_frames_total", "Parts of them.", "stream", "source"),
		streamBytes:  counter("stream_bytes_total", "Bytes of them.", "stream", "source"),
		discards:     counter("stream_discarded_messages_total", "Messages of the upstream that no event came of, by reason.", "stream", "source", "reason"),
		gaps:         counter("stream_gaps_total", "Places where frame numbers were left out.", "stream", "source"),
		repeats:      counter("stream_repeats_total", "Frames whose number had come before.", "stream", "source"),
		faults:       counter("stream_faults_total", "Failures to reach the upstream, and ends that it came to.", "stream", "source"),

		messages:       counter("worker_messages_total", "Messages sent.", "worker"),
		frames:         counter("worker_frames_total", "Frames in them.", "worker"),
		bytes:          counter("worker_bytes_total", "Bytes in them.", "worker"),
		dropped:        counter("worker_dropped_messages_total", "Messages for a worker that stayed away.", "worker"),
		waits:          counter("worker_waits_total", "Times that a worker could not take a message at once.", "worker"),
		queuedMessages: gauge("worker_queued_messages", "Messages that wait for a worker.", "worker"),
		queuedBytes:    gauge("worker_queued_bytes", "Bytes that wait for a worker.", "worker"),

		dumpRecords:  counter("dump_records_total", "Events written to dumps."),
		dumpBytes:    counter("dump_bytes_total", "Bytes written to dumps."),
		dumpDropped:  counter("dump_dropped_records_total", "Events that dumps lack."),
		dumpFailures: counter("dump_failures_total", "Failures to write a dump."),

		redis:           gauge("redis_connected", "1 when the peers can see this ingester in Redis."),
		lag:             gauge("assignment_lag_seconds", "Age of the oldest assignments that were read and not yet taken on."),
		reconnects:      counter("redis_reconnects_total", "Outages of Redis that were overcome, by connection: an outage is up to three."),
		published:       counter("redis_published_total", "Times that the state was written."),
		publishFailures: counter("redis_publish_failures_total", "Times that this failed."),
		mappings:        counter("mappings_total", "Scans begun."),
		updates:         counter("updates_total", "Updates of the controller."),
		badUpdates:      counter("malformed_updates_total", "Updates that could not be read and were skipped."),
		assignments:     counter("assignments_total", "Assignments read."),
		badAssignments:  counter("malformed_assignments_total", "Assignments that could not be read and stopped their scan."),

		latency: define("event_latency_seconds", "Time from an event's coming in to its going out, of one in 128 events.", prometheus.UntypedValue, nil).Desc,
	}
}

// collector reads the ingesters' counters when it is asked.
type collector struct{ all []ingester }

// Describe names no metric: what there is depends on streams and workers.
func (c collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c collector) Collect(out chan<- prometheus.Metric) {
	m := newMetrics()
	for _, i := range c.all {
		s := i.Snapshot()
		t := scrape{out, s.Name}
		t.ingester(m, &s, isClosed(i.Ready()))
		t.streams(m, s.Streams)
		t.workers(m, s.Workers)
	}
}

// scrape sends the metrics of one ingester.
type scrape struct {
	out  chan<- prometheus.Metric
	name string
}

func (t scrape) put(m metric, value float64, labels ...string) {
	all := []string{t.name}
	for _, l := range labels {
		all = append(all, strings.ToValidUTF8(l, "?")) // names of workers are foreign
	}
	one, err := prometheus.NewConstMetric(m.Desc, m.kind, value, all...)
	if err != nil {
		one = prometheus.NewInvalidMetric(m.Desc, err)
	}
	t.out <- one
}

func (t scrape) ingester(m *metrics, s *forwarder.Snapshot, ready bool) {
	t.put(m.events, float64(s.Processed))
	t.put(m.pending, float64(s.Pending))
	last := 0.0
	if !s.LastEvent.IsZero() {
		last = float64(s.LastEvent.UnixMilli()) / 1e3
	}
	t.put(m.lastEvent, last)
	for why, d := range s.Waits {
		t.put(m.wait, d.Seconds(), why)
	}
	t.put(m.badPings, float64(s.BadPings))
	t.put(m.workers, float64(len(s.Connected)))
	t.put(m.up, oneIf(ready))
	t.put(m.dumpRecords, float64(s.Dump.Records))
	t.put(m.dumpBytes, float64(s.Dump.Bytes))
	t.put(m.dumpDropped, float64(s.Dump.Dropped))
	t.put(m.dumpFailures, float64(s.Dump.Failures))
	t.latency(m, &s.Latency)
	t.redis(m, s)
}

func oneIf(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

func (t scrape) latency(m *metrics, l *forwarder.Latency) {
	buckets := make(map[float64]uint64, len(l.Bounds))
	var count uint64
	for n, in := range l.Counts {
		count += in
		if n < len(l.Bounds) {
			buckets[l.Bounds[n].Seconds()] = count
		}
	}
	one, err := prometheus.NewConstHistogram(m.latency, count, l.Sum.Seconds(), buckets, t.name)
	if err != nil {
		one = prometheus.NewInvalidMetric(m.latency, err)
	}
	t.out <- one
}

func (t scrape) streams(m *metrics, all []forwarder.StreamSnapshot) {
	for i := range all {
		s := &all[i]
		labels := []string{s.Name, s.Source}
		t.put(m.streamEvents, float64(s.Events), labels...)
		t.put(m.streamFrames, float64(s.Frames), labels...)
		t.put(m.streamBytes, float64(s.Bytes), labels...)
		t.put(m.gaps, float64(s.Gaps), labels...)
		t.put(m.repeats, float64(s.Repeats), labels...)
		t.put(m.faults, float64(s.Faults), labels...)
		for reason, n := range s.Discards {
			t.put(m.discards, float64(n), s.Name, s.Source, reason)
		}
	}
}

func (t scrape) workers(m *metrics, all []forwarder.WorkerSnapshot) {
	for i := range all {
		w := &all[i]
		t.put(m.messages, float64(w.Messages), w.Name)
		t.put(m.frames, float64(w.Frames), w.Name)
		t.put(m.bytes, float64(w.Bytes), w.Name)
		t.put(m.dropped, float64(w.Dropped), w.Name)
		t.put(m.waits, float64(w.Waits), w.Name)
		t.put(m.queuedMessages, float64(w.QueuedMessages), w.Name)
		t.put(m.queuedBytes, float64(w.QueuedBytes), w.Name)
	}
}
