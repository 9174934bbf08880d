package configs

import (
	"fmt"
	"slices"
	"strings"
)

const nothingToRun = "no stream to forward: give --stream S --upstream-url tcp://detector:9999, or a file with forwarder.ingesters by -c FILE"

// applyByHand finds out which ingesters to run, and changes what flags and peers'
// variables say about them.
func (l *loader) applyByHand(flags []*flagValue, env []string) {
	l.readByHand(flags, env)
	h, f := &l.byHand, &l.config.Forwarder
	defer l.metrics(len(f.Ingesters) > 1)
	switch {
	case len(h.streams) > 0:
		f.Ingesters = []Ingester{l.ofStreams()}
	case h.name != "" && len(f.Ingesters) > 0:
		l.choose()
	}
	l.one()
	for i := range f.Ingesters {
		l.common(&f.Ingesters[i])
	}
	// Our own variable or flag is more to the point than a peer's variable.
	if h.redis != "" && l.origins["forwarder.redis_dsn"].layer <= l.origins["redis_url"].layer && !l.ownWins("forwarder.redis_dsn", "redis_url") {
		f.RedisDSN = h.redis
		l.origins["forwarder.redis_dsn"] = l.origins["redis_url"]
	}
	if h.buildMeta != "" && !l.ownWins("forwarder.build_meta_file", "build_meta_file") {
		f.BuildMetaFile = h.buildMeta
		l.origins["forwarder.build_meta_file"] = l.origins["build_meta_file"]
	}
}

// metrics finds the address of this process.
func (l *loader) metrics(several bool) {
	const path = "forwarder.metrics_address"
	f := &l.config.Forwarder
	by := l.origins[path].layer
	// What a file says for all processes can hold for one of them only.
	f.MetricsFixed = by > byFile || by == byFile && !several
	if len(f.Ingesters) == 1 && f.Ingesters[0].MetricsAddress != "" && by <= byFile {
		f.MetricsAddress, f.MetricsFixed = f.Ingesters[0].MetricsAddress, true
	}
}

// ownWins tells whether the key was given by a stronger layer than the flag or
// variable by hand, or as our own variable against a peer's.
func (l *loader) ownWins(own, hand string) bool {
	a, b := l.origins[own].layer, l.origins[hand].layer
	return a > b || a == b && a == byEnvironment
}

// ingesterName is the name that the peers give to an ingester of these streams.
func ingesterName(streams []string) string { return strings.Join(streams, "_") + "-ingester" }

func (i *Ingester) streamNames() []string {
	all := make([]string, len(i.Streams))
	for n := range i.Streams {
		all[n] = i.Streams[n].Name
	}
	return all
}

// fullName is the name given or the one that follows from the streams.
func (i *Ingester) fullName() string {
	if i.Name != "" || len(i.Streams) == 0 {
		return i.Name
	}
	return ingesterName(i.streamNames())
}

// ofStreams is the ingester with the streams by hand. What the file says of an
// ingester and of streams with these names counts.
func (l *loader) ofStreams() Ingester {
	h, known := &l.byHand, l.config.Forwarder.Ingesters
	name := h.name
	if name == "" {
		name = ingesterName(h.streams)
	}
	place := l.origins["stream"].place
	var one Ingester
	if at := slices.IndexFunc(known, func(i Ingester) bool { return i.fullName() == name }); at >= 0 {
		one = known[at]
	} else {
		fill(one.keys())
		one.places = places{own: place}
	}
	before := one.Streams
	one.Name, one.Streams = name, nil
	for _, stream := range h.streams {
		if at := slices.IndexFunc(before, func(s Stream) bool { return s.Name == stream }); at >= 0 {
			one.Streams = append(one.Streams, before[at])
			continue
		}
		s := Stream{}
		fill(s.keys())
		s.Name, s.places = stream, places{own: place}
		one.Streams = append(one.Streams, s)
	}
	return one
}

// fill sets the defaults.
func fill(keys []key) {
	for _, k := range keys {
		if k.standard != "" {
			_ = k.value.set(k.standard) // one that does not parse is found by a test
		}
	}
}

// choose keeps the ingester that is called by name.
func (l *loader) choose() {
	f, name := &l.config.Forwarder, l.byHand.name
	var known []string
	for n := range f.Ingesters {
		full := f.Ingesters[n].fullName()
		if full == name {
			f.Ingesters = f.Ingesters[n : n+1 : n+1]
			return
		}
		known = append(known, full)
	}
	p := Problem{Place: l.origins["name"].place, Value: shown(name, false),
		Reason: "is none of the ingesters in " + l.path + ": " + strings.Join(known, ", "), Nearest: nearest(name, known)}
	l.problems = append(l.problems, p)
	f.Ingesters = nil // what else may be wrong with them is not asked
}

// one applies what only one ingester can have. With several it is not guessed which.
func (l *loader) one() {
	h, f := &l.byHand, &l.config.Forwarder
	if len(f.Ingesters) != 1 {
		if len(f.Ingesters) > 1 {
			l.ambiguous(len(f.Ingesters))
		}
		return
	}
	i := &f.Ingesters[0]
	if h.url != "" {
		i.URL = h.url
		l.moved(&i.places, "url", "ingester_url")
	}
	if h.dumpPath != "" {
		i.DumpPath = h.dumpPath
		l.moved(&i.places, "dump_path", "dump_path")
	}
	l.each("upstream_url", h.upstreams, i, func(s *Stream, v string) { s.UpstreamURL = v; l.moved(&s.places, "upstream_url", "upstream_url") })
	l.each("source", h.sources, i, func(s *Stream, v string) { s.Source = v; l.moved(&s.places, "source", "source") })
}

// moved notes that a key of an ingester or stream was given by hand.
func (l *loader) moved(p *places, name, hand string) {
	byName := map[string]string{}
	for n, place := range p.byName {
		byName[n] = place
	}
	byName[name] = l.origins[hand].place
	p.byName = byName
}

// each gives one value to every stream, or to each its own.
func (l *loader) each(path string, values []string, i *Ingester, put func(*Stream, string)) {
	switch len(values) {
	case 0:
	case 1, len(i.Streams):
		for n := range i.Streams {
			put(&i.Streams[n], values[min(n, len(values)-1)])
		}
	default:
		for n := range i.Streams {
			put(&i.Streams[n], values[len(values)-1]) // so that only this is wrong
		}
		l.problems = append(l.problems, Problem{Place: l.origins[path].place,
			Reason: fmt.Sprintf("is given %d times for %d streams; give it once, or once for each", len(values), len(i.Streams))})
	}
}

func (l *loader) ambiguous(n int) {
	for _, path := range []string{"ingester_url", "dump_path", "upstream_url", "source"} {
		if l.set(path) {
			l.problems = append(l.problems, Problem{Place: l.origins[path].place,
				Reason: fmt.Sprintf("does not say which of the %d ingesters in %s it means; choose one with --name", n, l.path)})
		}
	}
}

// common applies what every ingester of this process may have.
func (l *loader) common(i *Ingester) {
	h := &l.byHand
	if l.set("queue_bytes") {
		i.QueueBytes = h.queueBytes
	}
	if l.set("worker_hold") {
		i.WorkerHold = h.workerHold
	}
	if l.set("io_threads") {
		i.IOThreads = h.ioThreads
	}
	if l.set("cpu_affinity") {
		i.CPUAffinity = h.cpus
	}
	if l.set("upstream_connections") {
		for n := range i.Streams {
			i.Streams[n].UpstreamConnections = h.connections
		}
	}
}
