package main

import (
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ingestor/internal/outcome"
	"ingestor/online"
)

// metric is the definition of one metric.
type metric struct {
	*prometheus.Desc
	kind prometheus.ValueType
}

func counter(name, help string, labels ...string) metric {
	return metric{prometheus.NewDesc("ingestor_"+name, help, labels, nil), prometheus.CounterValue}
}

func gauge(name, help string, labels ...string) metric {
	return metric{prometheus.NewDesc("ingestor_"+name, help, labels, nil), prometheus.GaugeValue}
}

// scrape turns what is known into metrics when it is asked.
type scrape struct{ *metrics }

// Describe names no metric: what there is depends on partitions.
func (scrape) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (m scrape) Collect(out chan<- prometheus.Metric) {
	put := func(d metric, value float64, labels ...string) {
		for i, l := range labels {
			labels[i] = strings.ToValidUTF8(l, "?") // names of topics are foreign
		}
		one, err := prometheus.NewConstMetric(d.Desc, d.kind, value, labels...)
		if err != nil {
			one = prometheus.NewInvalidMetric(d.Desc, err)
		}
		out <- one
	}
	s, observed, registered := m.now()
	messages(put, &s)
	put(gauge("last_registered_timestamp_seconds", "When a dataset was last registered; 0 before the first since the start."), unix(registered))
	put(gauge("ready", "1 when every source may deliver."), oneIf(!observed.IsZero() && s.NotReady == nil))
	put(gauge("ledger_up", "1 when the ledger takes notes; 0 when it can not be written, or there is none."),
		oneIf(!observed.IsZero() && s.Ledger == nil && !s.WithoutLedger))
	held(put, s.Holds, time.Now())
	for _, k := range m.kafka {
		positions(put, k)
	}
}

type putter = func(d metric, value float64, labels ...string)

func messages(put putter, s *online.Status) {
	put(counter("messages_delivered_total", "Messages that the sources have delivered."), float64(s.Messages))
	put(counter("messages_returned_total", "Messages left unfinished, to be delivered again."), float64(s.Returned))
	for _, o := range outcome.All() {
		put(counter("messages_total", "Messages that have ended, by outcome.", "outcome"), float64(s.Outcomes[o]), string(o))
	}
	put(gauge("children_running", "Offline ingestors that run."), float64(s.Running))
	put(gauge("children_max", "How many may run."), float64(s.MaxChildren))
	put(gauge("jobs_waiting", "Files that wait for an offline ingestor."), float64(s.Waiting))
	put(gauge("jobs_postponed", "Files that wait for their next attempt."), float64(s.Postponed))
	put(gauge("jobs_ending", "Messages dealt with but for their dead letter or their note in the ledger."), float64(s.Ending))
}

func held(put putter, on []online.HeldSince, now time.Time) {
	since := map[online.Hold]time.Time{}
	for _, h := range on {
		since[h.Hold] = h.Since
	}
	for _, h := range holds() {
		from, is := since[h]
		seconds := 0.0
		if is {
			seconds = max(0, now.Sub(from).Seconds())
		}
		put(gauge("hold", "1 while the intake is held for this reason.", "hold"), oneIf(is), string(h))
		put(gauge("hold_since_seconds", "For how long by now; 0 when it is not.", "hold"), seconds, string(h))
	}
}

// positions leaves out what is not known: no sample is better than a wrong one.
func positions(put putter, k kafkaSource) {
	put(counter("kafka_stalls_total", "Times that a partition delivered nothing although it had messages, and was begun anew.", "source"),
		float64(k.Stalls()), k.Name())
	known := func(d metric, offset int64, labels []string) {
		if offset >= 0 {
			put(d, float64(offset), labels...)
		}
	}
	names := []string{"source", "topic", "partition"}
	for _, p := range k.Positions() {
		labels := []string{k.Name(), p.Topic, strconv.Itoa(int(p.Partition))}
		known(gauge("kafka_lag", "Messages between the committed offset and the end.", names...), p.Lag, labels)
		known(gauge("kafka_committed_offset", "Where the group goes on after a restart.", names...), p.Committed, labels)
		known(gauge("kafka_end_offset", "Where the next message will be.", names...), p.High, labels)
		put(gauge("kafka_unfinished", "Delivered messages that are not finished.", names...), float64(p.Unfinished), labels...)
		put(gauge("kafka_oldest_unfinished_seconds", "For how long the oldest of them has been so; 0 when there is none.", names...),
			p.OldestUnfinished.Seconds(), labels...)
	}
}

func oneIf(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

func unix(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1e3
}
