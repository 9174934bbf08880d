package configs

import "time"

// Forwarder says which ingesters frame-forwarder runs.
type Forwarder struct {
	RedisDSN       string // redis://, rediss:// or unix://; may hold a password
	Ingesters      []Ingester
	MetricsAddress string // host:port; "" = no server
	MetricsFixed   bool   // whoever gave that address meant this process
	BuildMetaFile  string // "" = none
}

// Ingester is one of dranspose's ingesters: its name in Redis, the socket that workers
// connect to, and its streams.
type Ingester struct {
	Name           string // without ':'
	URL            string // tcp://host:port, what workers are told
	Bind           string // what is listened on
	Streams        []Stream
	DumpPath       string        // "" = none, or where the parameter dump_prefix says
	QueueBytes     int64         // bound of all that waits
	WorkerHold     time.Duration // how long frames for an absent worker are held
	IOThreads      int           // of libzmq
	CPUAffinity    []int         // processors that its threads keep to; empty = any
	MetricsAddress string        // instead of Forwarder.MetricsAddress when it runs alone; "" = that one

	places places
}

// Stream is one stream of an ingester.
type Stream struct {
	Name                string
	Source              string // as given: a name of ours or a class of dranspose's
	UpstreamURL         string
	UpstreamConnections int // sockets to the same upstream
	Declarative         *Declarative
	SoftwareTrigger     *SoftwareTrigger

	places places
}

// Place is where the ingester's key was given, else where the ingester was:
// "ingestor.yml:12", "--dump-path" or a variable.
func (i *Ingester) Place(key string) string { return i.places.at(key) }

const (
	defaultIngesterURL = "tcp://localhost:10000" // dranspose's
	defaultSource      = "zmqpull_single"
	whyHold            = "a worker that is restarted must find its frames, and a lost one must not hold up the others for ever"
)

func (f *Forwarder) keys() []key {
	return []key{
		{path: "forwarder.redis_dsn", value: redisURL(&f.RedisDSN), standard: "redis://localhost:6379/0", forwarder: true,
			doc: "Redis of the dranspose system: redis://, rediss:// (TLS) or unix://."},
		{path: "forwarder.ingesters", value: f.ingesters(), forwarder: true, sample: "see below",
			doc: "Ingesters to run. frame-forwarder --name N runs one of them, without it all run in one process. In the environment and as a flag: a list in JSON."},
		{path: "forwarder.metrics_address", value: listenAddress(&f.MetricsAddress), standard: "127.0.0.1:9464", forwarder: true,
			doc: "Address on which GET /metrics (Prometheus) and GET /health are answered; empty: on none. When nobody gave it and it is taken, another port is used."},
		{path: "forwarder.build_meta_file", value: text(&f.BuildMetaFile), standard: "/etc/build_git_meta.json", forwarder: true,
			doc: "JSON with commit_hash, branch_name, timestamp and repository_url, published as mapreduce_version. It need not exist."},
	}
}

func (f *Forwarder) ingesters() value {
	return records[Ingester]{target: &f.Ingesters, keys: (*Ingester).keys,
		found: func(i *Ingester) *places { return &i.places }}
}

func (i *Ingester) keys() []key {
	return []key{
		{path: "name", value: text(&i.Name), sample: "eiger-ingester",
			doc: "Its name in Redis, without colons. Default: its streams joined by _, and -ingester."},
		{path: "url", value: tcpURL(&i.URL), standard: defaultIngesterURL, sample: "tcp://daq-1.example.org:10000",
			doc: "Where workers connect to: a name of this machine that they can resolve, and a port. Default: " + defaultIngesterURL + "."},
		{path: "bind", value: bindURL(&i.Bind), sample: "tcp://*:10000",
			doc: "What is listened on. Default: the port of url on all addresses of this machine."},
		{path: "dump_path", value: text(&i.DumpPath),
			doc: "File to which every event is appended (.cbors). Empty: none, unless the controller sets the parameter dump_prefix."},
		{path: "queue_bytes", value: size(&i.QueueBytes, 1<<20), standard: "256MiB",
			doc: "Most bytes of frames that wait here, for assignments or for workers; then the detector's side has to wait. A number of bytes, or with a unit: 64MiB, 1GB."},
		{path: "worker_hold", value: within(&i.WorkerHold, 5*time.Second, 30*time.Second, whyHold), standard: "10s",
			doc: "How long frames are held for a worker that is not there, 5s to 30s; then they are dropped, counted and logged until it is back."},
		{path: "io_threads", value: number(&i.IOThreads, 1, 64), standard: "1",
			doc: "Threads that do the network's work. More help only where upstream_connections is more than 1, or with several streams."},
		{path: "cpu_affinity", value: processors(&i.CPUAffinity), sample: "[]",
			doc: "Processors to stay on, [2, 3] or 2-3; best those next to the network card. Default: any."},
		{path: "metrics_address", value: listenAddress(&i.MetricsAddress), sample: "''",
			doc: "Like forwarder.metrics_address, for this ingester in a process of its own (--name). Default: that one."},
		{path: "streams", value: records[Stream]{target: &i.Streams, keys: (*Stream).keys, found: func(s *Stream) *places { return &s.places }},
			doc: "Its streams. Most ingesters have one."},
	}
}

func (s *Stream) keys() []key {
	return []key{
		{path: "name", value: text(&s.Name), sample: "eiger",
			doc: "Name of the stream, as in the trigger map."},
		{path: "source", value: text(&s.Source), standard: defaultSource,
			doc: "Protocol of the upstream: zmqpull_single (STINS), zmqpull_eiger_legacy, zmqsub_contrast, zmqsub_xspress3, zmqsub_pcap, zmqsub_albaem, zmqsub_lecroy, tcp_positioncap, http_sardana, software_trigger or declarative. dranspose's class names, such as ZmqPullSingleIngester, mean the same."},
		{path: "upstream_url", value: text(&s.UpstreamURL), sample: "tcp://detector.example.org:9999",
			doc: "What sends the frames. http_sardana listens there itself; software_trigger has none."},
		{path: "upstream_connections", value: number(&s.UpstreamConnections, 1, 64), standard: "1",
			doc: "Sockets to that upstream, for more than one can carry; order is restored by the frame number. Only where the upstream is PUSH and its headers have such a number."},
		{path: "declarative", value: record[Declarative]{target: &s.Declarative, keys: (*Declarative).keys}, sample: "{}",
			doc: "With source: declarative, how the upstream's JSON headers are read; see docs/forwarder.md. Default: none."},
		{path: "software_trigger", value: record[SoftwareTrigger]{target: &s.SoftwareTrigger, keys: (*SoftwareTrigger).keys}, sample: "{}",
			doc: "With source: software_trigger, what each event gets; see docs/forwarder.md. Default: none."},
	}
}
