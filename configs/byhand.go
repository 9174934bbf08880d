package configs

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// byHand is one ingester as a command line describes it, or the environment of
// dranspose's own ingesters: no file is needed for it. With a file it changes the one
// ingester that is meant.
type byHand struct {
	streams, sources, upstreams []string

	url, redis, name, dumpPath, buildMeta string

	connections, ioThreads int
	queueBytes             int64
	workerHold             time.Duration
	cpus                   []int
}

// keys are the flags, with the variables that the Python programs know.
func (h *byHand) keys() []key {
	return []key{
		{path: "stream", value: names{texts(&h.streams).(list[string])}, short: "s", peers: []string{"INGESTER_STREAMS"},
			doc: "Stream to forward; repeat it for several. Without a file this and --upstream-url are enough."},
		{path: "source", value: texts(&h.sources),
			doc: "Protocol of the upstream, as sources in the file or a class of dranspose's. Default: " + defaultSource + ". Once for all streams, or once for each."},
		{path: "upstream_url", value: texts(&h.upstreams), short: "u", peers: []string{"UPSTREAM_URL"},
			doc: "What sends the frames, tcp://host:port. Once for all streams, or once for each."},
		{path: "ingester_url", value: tcpURL(&h.url), short: "i", peers: []string{"INGESTER_URL"},
			doc: "Where workers connect to; its port is listened on. Default: " + defaultIngesterURL + "."},
		{path: "redis_url", value: redisURL(&h.redis), short: "r", peers: []string{"SERVICE_REDIS_DSN", "REDIS_URL"},
			doc: "Redis of the dranspose system, redis://host:port/0."},
		{path: "name", value: text(&h.name), peers: []string{"INGESTER_NAME"},
			doc: "Which ingester of the file to run; with --stream, what it is called. Default: the streams joined by _, and -ingester."},
		{path: "dump_path", value: text(&h.dumpPath), peers: []string{"DUMP_PATH"},
			doc: "File to which every event is appended (.cbors)."},
		{path: "queue_bytes", value: size(&h.queueBytes, 1<<20),
			doc: "Most bytes of frames that wait here. Default: 256MiB."},
		{path: "upstream_connections", value: number(&h.connections, 1, 64),
			doc: "Sockets to the upstream. Default: 1."},
		{path: "worker_hold", value: within(&h.workerHold, 5*time.Second, 30*time.Second, whyHold),
			doc: "How long frames are held for an absent worker. Default: 10s."},
		{path: "io_threads", value: number(&h.ioThreads, 1, 64),
			doc: "Threads that do the network's work. Default: 1."},
		{path: "cpu_affinity", value: processors(&h.cpus),
			doc: "Processors to stay on, 2,3 or 2-3. Default: any."},
		{path: "build_meta_file", value: text(&h.buildMeta), peers: []string{"BUILD_META_FILE"},
			doc: "See --forwarder.build-meta-file."},
	}
}

// names are streams; the Python programs take a list in JSON.
type names struct{ list[string] }

func (n names) set(text string) error {
	*n.target = nil
	return n.add(text)
}

func (n names) add(text string) error {
	if text = strings.TrimSpace(text); !strings.HasPrefix(text, "[") {
		return n.list.add(text)
	}
	var words []string
	if err := json.Unmarshal([]byte(text), &words); err != nil {
		return errors.New(`is not a list of names like ["eiger"]`)
	}
	*n.target = append(*n.target, words...)
	return nil
}

func (n names) setNode(node *yaml.Node) error { return n.list.setNode(node) }

// bindByHand adds the flags of one ingester.
func bindByHand(fs *pflag.FlagSet) {
	for _, k := range new(byHand).keys() {
		k.value = noDefault{k.value}
		bindFlag(fs, k)
	}
}

// noDefault keeps the zero value out of the usage text.
type noDefault struct{ value }

func (n noDefault) text() string {
	if text := n.value.text(); text != "0" && text != "0s" {
		return text
	}
	return ""
}

// readByHand takes the variables of the peers, then the flags.
func (l *loader) readByHand(flags []*flagValue, env []string) {
	variables := foldedEnvironment(env)
	for _, k := range l.byHand.keys() {
		for _, name := range k.peers {
			v, there := variables[name]
			if !there {
				continue
			}
			if err := k.value.set(v.text); err != nil {
				l.problems = append(l.problems, Problem{Place: v.name, Value: shown(v.text, k.value.secret()), Reason: err.Error()})
			} else {
				l.given(k.path, byEnvironment, v.name)
			}
			break
		}
		i := slices.IndexFunc(flags, func(f *flagValue) bool { return f.key.path == k.path })
		if i < 0 {
			continue
		}
		for n, raw := range flags[i].raw {
			put := k.value.add
			if n == 0 {
				put = k.value.set
			}
			if err := put(raw); err != nil { // the flag was parsed before, so this is a bug of ours
				l.fault("--"+k.flag(), k, raw, err)
			}
		}
		l.given(k.path, byFlag, "--"+k.flag())
	}
	l.level(variables)
}

// variable is one of the environment, with its name as it is there.
type variable struct{ name, text string }

// foldedEnvironment are the variables that are set to something, by their names in
// capitals: the peers do not tell case. The name in capitals wins.
func foldedEnvironment(env []string) map[string]variable {
	variables := make(map[string]variable, len(env))
	for _, entry := range env {
		name, text, _ := strings.Cut(entry, "=")
		folded := strings.ToUpper(name)
		if _, there := variables[folded]; text != "" && (!there || name == folded) {
			variables[folded] = variable{name, text}
		}
	}
	return variables
}

// level is what LOG_LEVEL says, which counts as our own variable, or RUST_LOG, which
// is weaker than anything. Both may be meant for somebody else, so neither is an error.
func (l *loader) level(variables map[string]variable) {
	const path = "logging.logging_level"
	set := l.keys[path].value.set
	if v, there := variables["LOG_LEVEL"]; there && l.origins[path].layer <= byFile {
		if err := set(v.text); err != nil {
			l.warnings = append(l.warnings, Problem{Place: v.name, Value: shown(v.text, false), Reason: err.Error() + "; it is ignored"})
		} else {
			l.given(path, byEnvironment, v.name)
		}
		return
	}
	v, there := variables["RUST_LOG"]
	if !there || l.set(path) {
		return
	}
	if level := rustLevel(v.text); level != "" && set(level) == nil {
		l.given(path, byEnvironment, v.name)
	}
}

// rustLevel is the level of a filter such as "warn" or "info,hyper=off" for the
// program as a whole; "" when it names none.
func rustLevel(filter string) string {
	for directive := range strings.SplitSeq(filter, ",") {
		level, module := directive, ""
		if name, l, of := strings.Cut(directive, "="); of {
			module, level = strings.TrimSpace(name), l
		}
		if module != "" && module != "fast_ingester" {
			continue
		}
		switch strings.ToLower(strings.TrimSpace(level)) {
		case "trace", "debug":
			return "DEBUG"
		case "info":
			return "INFO"
		case "warn", "warning":
			return "WARNING"
		case "error":
			return "ERROR"
		case "off":
			return "CRITICAL"
		}
	}
	return ""
}
